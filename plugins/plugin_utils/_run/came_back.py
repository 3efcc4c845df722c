# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides which clients to fence again that watch an image again after their entry was removed. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import protect as rules
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import CameBack, Evidence, Image, Look, Run


def clients(afterwards: Look, let_in: t.Collection[str], protect: t.Sequence[str] = ()) -> CameBack:
    """Returns the clients that are surplus watchers again. ``let_in``: addresses whose entry was removed. ``protect``: see protect.apply. Raises InputError."""
    protected = [rules.rule(text) for text in protect]
    back = [(image, watcher) for image in afterwards.get("images", []) for watcher in image["watchers"] if watcher["address"] in let_in]
    surplus = {watcher["address"]: None for image, watcher in back if image["state"] != "normal"}
    spared: dict[str, str] = {}
    for image, watcher in back:
        if not _answers_without(image, let_in):
            spared[watcher["address"]] = messages.NO_OTHER_RESPONDS.format(image=image["spec"])
        if any(protects({**watcher, "image": image}) for protects in protected):
            spared[watcher["address"]] = messages.PROTECTED
    return {
        "fence": [client for client in surplus if client not in spared],
        "spare": [messages.BACK_SPARED.format(client=client, reason=why) for client, why in spared.items() if client in surplus],
    }


def _answers_without(image: Image, let_in: t.Collection[str]) -> bool:
    return any(watcher["liveness"] == "alive" and not watcher.get("daemon") and watcher["address"] not in let_in for watcher in image["watchers"])


def confirmed(found: CameBack, again: Evidence) -> CameBack:
    """Returns the clients to fence again that a second look confirms, and why others are spared."""
    agreed = [client for client in found["fence"] if client in again["fence"]]
    others = [client for client in found["fence"] if client not in agreed]
    changed = [messages.BACK_SPARED.format(client=client, reason=messages.UNCONFIRMED) for client in others]
    return {"fence": agreed, "spare": changed}


def in_words(run: Run) -> str:
    """Returns the sentences about the clients that came back."""
    reasons = dict.fromkeys(kept["reason"] for kept in run["kept_out"].get("kept", []))
    again = run["refenced"]
    fenced = [*again.get("added", []), *again.get("extended", [])]
    spared = [messages.BACK_SPARED.format(client=one["address"], reason=one["reason"]) for one in again.get("spared", [])]
    back = [messages.BACK_FENCED.format(clients=", ".join(fenced), reasons="; ".join(reasons))] if fenced else []
    return "; ".join([*back, *spared])

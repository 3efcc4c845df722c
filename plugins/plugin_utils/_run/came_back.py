# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that watch an image again after their entry was removed: which of them to fence again, and which not. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import protect as rules
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import CameBack, Evidence, Image, Look, Run


def clients(afterwards: Look, let_in: t.Collection[str], protect: t.Sequence[str] = ()) -> CameBack:
    """Returns the clients that are surplus watchers again. ``let_in``: whose entry was removed. ``protect``: see protect.apply. Raises InputError."""
    protected = [rules.rule(text) for text in protect]
    back = [(image, watcher) for image in afterwards.get("images", []) for watcher in image["watchers"] if watcher["address"] in let_in]
    surplus = {watcher["address"]: None for image, watcher in back if image["state"] != "normal"}
    spared: dict[str, str] = {}
    for image, watcher in back:
        if not _answers_without(image, let_in):
            spared[watcher["address"]] = f"no other watcher of {image['spec']} answers"
        if any(protects({**watcher, "image": image}) for protects in protected):
            spared[watcher["address"]] = "remediate_watchers_protect speaks for it"
    return {
        "fence": [client for client in surplus if client not in spared],
        "spare": [f"{client} came back after having been let in again, and is not fenced, for {why}" for client, why in spared.items() if client in surplus],
    }


def _answers_without(image: Image, let_in: t.Collection[str]) -> bool:
    return any(watcher["liveness"] == "alive" and not watcher.get("daemon") and watcher["address"] not in let_in for watcher in image["watchers"])


def confirmed(found: CameBack, again: Evidence) -> CameBack:
    """Returns those of the clients to fence again that another look wants fenced, too, and why others of them are spared."""
    agreed = [client for client in found["fence"] if client in again["fence"]]
    others = [client for client in found["fence"] if client not in agreed]
    changed = [f"{client} came back after having been let in again, and is not fenced, for two looks do not agree" for client in others]
    return {"fence": agreed, "spare": changed}


def in_words(run: Run) -> str:
    """Returns what is said of those who were fenced again."""
    who = dict.fromkeys(kept["reason"] for kept in run["kept_out"].get("kept", []))
    again = run["refenced"]
    fenced = [*again.get("added", []), *again.get("extended", [])]
    spared = [f"{one['address']} came back after having been let in again, and is not fenced, for {one['reason']}" for one in again.get("spared", [])]
    back = [f"{', '.join(fenced)} came back after having been let in again, and is fenced again; {'; '.join(who)}"] if fenced else []
    return "; ".join([*back, *spared])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes clients out of a look's plan to fence, and notes the reason. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.reasons import NOTHING_HEALED
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Culprit, Image, Look, Watcher


def spare(look: Look, spared: t.Mapping[str, str], done: t.Collection[str] = ()) -> Look:
    """Returns the look without fencing these clients; ``spared``: address -> why. ``done``: clients that are fenced already.

    An image with one spared culprit cannot be healed, so its other culprits are not fenced for it either.
    """
    images = [_image(image, spared, done) for image in look["images"]]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    culprits = [culprit if culprit["address"] in done else _culprit(culprit, spared, healable) for culprit in look["culprits"]]
    return {**look, "images": images, "culprits": culprits}


def _image(image: Image, spared: t.Mapping[str, str], done: t.Collection[str]) -> Image:
    everyone = [*image["watchers"], *image.get("owner", [])]
    hit = [watcher["address"] for watcher in everyone if watcher["verdict"] == "fence" and watcher["address"] in spared]
    if not hit:
        return image
    watchers, owner = ([_watcher(one, spared, done) for one in some] for some in (image["watchers"], image.get("owner", [])))
    reasons = list(dict.fromkeys([*image["reasons"], *(f"{client}: {spared[client]}" for client in hit)]))
    return {**image, "watchers": watchers, "owner": owner, "decision": "refuse", "reasons": reasons}


def _watcher(watcher: Watcher, spared: t.Mapping[str, str], done: t.Collection[str]) -> Watcher:
    if watcher["verdict"] != "fence" or watcher["address"] in done:
        return watcher
    return {**watcher, "verdict": "spare", "reasons": [*watcher["reasons"], spared.get(watcher["address"], NOTHING_HEALED)]}


def _culprit(culprit: Culprit, spared: t.Mapping[str, str], healable: t.Collection[str]) -> Culprit:
    why = [spared[culprit["address"]]] if culprit["address"] in spared else []
    if culprit["verdict"] == "fence" and not why and not any(spec in healable for spec in culprit["images"]):
        why = [NOTHING_HEALED]
    fence = culprit["verdict"] == "fence" and not why
    return {**culprit, "verdict": "fence" if fence else "spare", "reasons": [*culprit["reasons"], *why]}

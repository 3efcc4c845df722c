# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What two looks agree on: only that is healed. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Culprit, Image, Look, Watcher


def confirmed(first: Look, second: Look) -> Look:
    """Returns what both looks agree on. An image that the second one does not want healed is as the second one found it, and so are its clients.

    Such an image keeps what the first look found, as ``first``.
    """
    again = {image["spec"]: image for image in second["images"]}
    images = [_of_both(image, again) if image["decision"] == "fence" else image for image in first["images"]]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    blamed = {culprit["address"]: culprit for culprit in second["culprits"] if culprit["verdict"] == "fence"}
    culprits = [_still(culprit, blamed, healable) for culprit in first["culprits"]]
    return {**first, "images": images, "culprits": culprits}


def _of_both(image: Image, again: t.Mapping[str, Image]) -> Image:
    found = again.get(image["spec"])
    if found is None:
        gone = [*image["reasons"], "when asked again, it was not there any more"]
        return {**image, "decision": "leave", "reasons": gone, "state": "", "watchers": [], "first": image}
    if found["decision"] != "fence":
        return {**found, "reasons": [*found["reasons"], f"when asked for the second time; it had been {image['state']} before"], "first": image}
    if _stale(image) != _stale(found):
        reasons = [*found["reasons"], "two looks do not agree on who is stale: look again"]
        return {**found, "decision": "refuse", "reasons": reasons, "watchers": [_spared(watcher) for watcher in found["watchers"]], "first": image}
    return image


def _stale(image: Image) -> list[str]:
    return sorted(watcher["address"] for watcher in image["watchers"] if watcher["verdict"] == "fence")


def _spared(watcher: Watcher) -> Watcher:
    return {**watcher, "verdict": "spare"} if watcher["verdict"] == "fence" else watcher


def _still(culprit: Culprit, blamed: t.Mapping[str, Culprit], healable: t.Collection[str]) -> Culprit:
    if culprit["verdict"] == "fence" and culprit["address"] in blamed and any(spec in healable for spec in culprit["images"]):
        # What it was not found gone from in the second look, it is not gone from.
        since = culprit["gone_since"] if blamed[culprit["address"]]["gone_since"] else 0.0
        return {**culprit, "gone_since": since}
    changed = ["the second look does not want it fenced"] if culprit["verdict"] == "fence" else []
    return {**culprit, "verdict": "spare", "reasons": [*culprit["reasons"], *changed]}

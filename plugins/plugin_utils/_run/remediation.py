# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of the role is going to do, from what it found. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report.summary import short
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import policy

Data = t.Mapping[str, t.Any]


def confirmed(first: Data, second: Data) -> dict[str, t.Any]:
    """What both looks agree on: an image that the second one does not want healed is as the second one found it, and so are its clients.

    Such an image keeps what the first look found, as ``first``.
    """
    again = {image["spec"]: image for image in second["images"]}
    images = [_of_both(image, again) if image["decision"] == "fence" else image for image in first["images"]]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    blamed = {culprit["address"]: culprit for culprit in second["culprits"] if culprit["verdict"] == "fence"}
    culprits = [_still(culprit, blamed, healable) for culprit in first["culprits"]]
    return {**first, "images": images, "culprits": culprits}


def _of_both(image: Data, again: t.Mapping[str, Data]) -> Data:
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


def _stale(image: Data) -> list[str]:
    return sorted(watcher["address"] for watcher in image["watchers"] if watcher["verdict"] == "fence")


def _spared(watcher: Data) -> Data:
    return {**watcher, "verdict": "spare"} if watcher["verdict"] == "fence" else watcher


def _still(culprit: Data, blamed: t.Mapping[str, Data], healable: t.Collection[str]) -> Data:
    if culprit["verdict"] == "fence" and culprit["address"] in blamed and any(spec in healable for spec in culprit["images"]):
        # What it was not found gone from in the second look, it is not gone from.
        since = culprit["gone_since"] if blamed[culprit["address"]]["gone_since"] else 0.0
        return {**culprit, "gone_since": since}
    changed = ["the second look does not want it fenced"] if culprit["verdict"] == "fence" else []
    return {**culprit, "verdict": "spare", "reasons": [*culprit["reasons"], *changed]}


def owed(leases: t.Sequence[Data], images: t.Sequence[str]) -> list[str]:
    """The addresses that open leases fence for any of these images."""
    return [lease["address"] for lease in leases if set(lease["images"]) & set(images)]


def returned(afterwards: Data, let_in: t.Collection[str], protect: t.Sequence[str] = ()) -> dict[str, list[str]]:
    """Who was let in and is a surplus watcher again: ``fence``, the addresses to fence once more, and ``spare``, of each other why it is not fenced.

    ``afterwards``: what rbd_watchers returned then. ``protect``: see policy.apply. Raises InputError.
    """
    rules = [policy.rule(text) for text in protect]
    back = [{**watcher, "image": image} for image in afterwards.get("images", []) for watcher in image["watchers"] if watcher["address"] in let_in]
    surplus = {record["address"]: None for record in back if record["image"]["state"] != "normal"}
    spared: dict[str, str] = {}
    for record in [one for one in back if one["address"] in surplus]:
        if not any(watcher["liveness"] == "alive" and watcher["address"] not in let_in for watcher in record["image"]["watchers"]):
            spared[record["address"]] = f"no other watcher of {record['image']['spec']} answers"
        if any(protects(record) for protects in rules):
            spared[record["address"]] = "remediate_watchers_protect speaks for it"
    return {
        "fence": [client for client in surplus if client not in spared],
        "spare": [f"{client} came back after having been let in again, and is not fenced, for {why}" for client, why in spared.items()],
    }


def plan(detected: Data) -> list[str]:
    """What is going to be done and what is not, one line each, with the evidence."""
    fence = [f"fence {one['address']} ({one['client']}): {'; '.join(one['reasons'])}" for one in detected["culprits"] if one["verdict"] == "fence"]
    refuse = [f"refuse {one['spec']} ({one['state']}): {'; '.join(one['reasons'])}" for one in detected["images"] if one["decision"] == "refuse"]
    return short(fence, "clients") + short(refuse, "images") + [f"refuse what was not seen: {gap}" for gap in detected.get("incomplete", [])]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells why an image cannot be mapped elsewhere, written, or deleted: a sentence for each reason. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import some
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._explain.model import Known

# Features that the kernel does not map (RBD_FEATURES_SUPPORTED in Linux's drivers/block/rbd.c, 6.1).
_NOT_FOR_KRBD = ("journaling", "migrating", "non-primary", "dirty-cache")


def reasons(known: Known) -> dict[str, list[str]]:
    """Returns why it cannot be ``mapped``, ``written`` and ``deleted``. An image that is absent, or not known, has no other reason."""
    before = _unseen(known) if known.info["exists"] else _absent(known)
    ways = {"mapped": _mapped, "written": _written, "deleted": _deleted}
    return {way: before or why(known) for way, why in ways.items()}


def _mapped(known: Known) -> list[str]:
    """Returns why another host cannot map it."""
    strange = [feature for feature in known.info["features"] if feature in _NOT_FOR_KRBD]
    return [
        *([f"the kernel client (krbd) does not support its features: {some(strange)}; librbd does"] if strange else []),
        *(f"{_who(one)} has it open and responds, so two clients would write to it" for one in known.alive),
        *(f"{_who(one)} still watches it and does not respond, so many programs see the image as in use" for one in known.stale),
    ]


def _written(known: Known) -> list[str]:
    """Returns why a client that has it open cannot write."""
    owner, clients = known.owner, {one["address"] for one in [*known.watchers, *known.image.get("owner", [])]}
    held = f"the exclusive lock belongs to {_who(owner)}" if owner else ""
    return [
        *([f"{held}, which does not respond: writes of all other clients wait"] if owner in known.stale else []),
        *([f"{held}, which is gone and does not watch it: a client that is not allowed to blocklist others gets an error"] if _is_left(known) else []),
        *_unfinished(known),
        *(f"{one.client} is fenced by {one.entry} until {one.until}: its writes fail" for one in known.entries if one.client in clients),
        *(["it is mirrored and not primary here, so it is read-only"] if known.info["mirroring"] and not known.info["mirroring"]["primary"] else []),
    ]


def _deleted(known: Known) -> list[str]:
    """Returns why ``rbd rm`` cannot delete it."""
    info = known.info
    pending = [one["name"] for one in info["snapshots"] if one["pending"]]
    snapshots = [one["name"] + (" (protected)" if one["protected"] else "") for one in info["snapshots"] if not one["pending"]]
    return [
        *(f"{_who(one)} has it open" for one in known.alive),
        *(f"{_who(one)} still watches it and does not respond" for one in known.stale),
        *([f"its exclusive lock belongs to {_who(known.owner)}, which is gone"] if _is_left(known) else []),
        *([f"it has clones: {some(info['children'])}"] if info["children"] else []),
        *([f"it has snapshots: {some(snapshots)}"] if snapshots else []),
        *([f"it has removed snapshots that wait for their clones: {some(pending)}"] if pending else []),
        *([f"it belongs to the group {info['group']}"] if info["group"] else []),
        *([f"the migration from {info['migration']['source']} is not finished"] if info["migration"] else []),
        *(f"{one['client']} took its lock by 'rbd lock add', as {one['cookie']}" for one in known.by_hand),
    ]


def _unseen(known: Known) -> list[str]:
    """Returns what is not known of its clients."""
    if known.image.get("state") == "undetermined" and not known.watchers:
        return [f"it is not known which clients have it open: {known.image['reasons'][0]}"]
    doubtful = [one for one in known.watchers if one["liveness"] == "unknown"]
    return [f"it is not known whether {_who(one)} is alive: {one['reasons'][0]}" for one in doubtful]


def _absent(known: Known) -> list[str]:
    moved = [one["id"] for one in known.info["trash"] if one["migrates"]]
    if moved:
        return [f"it is the source of a migration (id {moved[0]}), and only its destination can be used"]
    ids = [one["id"] for one in known.info["trash"]]
    return [f"it is in the trash, as id {some(ids)}"] if ids else ["there is no image of this name"]


def _unfinished(known: Known) -> list[str]:
    """Returns that the lock's owner might be alive, and cannot be asked."""
    owner = known.owner
    if owner and owner["liveness"] == "unknown":
        return [f"the exclusive lock belongs to {_who(owner)}: {owner['reasons'][0]}"]
    return []


def _is_left(known: Known) -> bool:
    """Returns whether the lock's owner is gone and does not watch."""
    return any(one["liveness"] == "orphaned" for one in known.image.get("owner", []))


def _who(one: t.Mapping[str, t.Any]) -> str:
    known = " on ".join(filter(None, (one.get("entity", ""), one.get("host", ""))))
    return f"{one['address']} ({known or one['client']})"

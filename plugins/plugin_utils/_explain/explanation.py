# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Explains one image on one screen: its clients, what matters about them, why it cannot be used, and the next command. Pure."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count, short
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._explain import why_not
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._explain.model import Entry, Known, Record, known

_ROLE = "read the plan of this command, then run it without --check: ansible-playbook -i INVENTORY cephops.iscsi_rescue.remediate_watchers --check --diff -e "
NEXT = {
    "source": "Use the destination of that migration: its clients must open that, not the source.",
    "migrating": "When no client has the source open: rbd migration execute IMAGE, then rbd migration commit IMAGE.",
    "trash": "Restore it: rbd trash restore POOL/ID.",
    "absent": "Check the name with: rbd ls POOL.",
    "unseen": "Fix what the reason names, then run explain again.",
    "fence": "To heal it, " + _ROLE + '\'{"remediate_watchers_images": ["IMAGE"]}\'',
    "free": "If it is no longer served, " + _ROLE + '\'{"remediate_watchers_free": ["IMAGE"]}\'',
    "hung": "End the silent client on its host. If you are sure that it is dead, name it in remediate_watchers_evict.",
    "contested": "More clients have it open than expected. Find the client that does not belong there, and end it on its host.",
    "fenced": "If that blocklist entry is a mistake, remove it, then restart the client.",
    "lock": "On the host of the lock's owner, check whether the owner still works. If not, end it there.",
    "primary": "Promote it in the cluster where it should be written: rbd mirror image promote IMAGE.",
    "open": "Nothing is wrong with it. To delete it, or to map it elsewhere, first end its client on the client's host.",
    "children": "Nothing prevents writes. To delete it, first flatten its clones, or remove them: rbd flatten CLONE.",
    "snapshots": "Nothing prevents writes. To delete it, first remove its snapshots: rbd snap purge IMAGE.",
    "group": "Nothing prevents writes. To delete it, first take it out of its group: rbd group image remove POOL/GROUP IMAGE.",
    "locked_by_hand": "Find out which operator took that lock. If it is not needed: rbd lock rm IMAGE COOKIE CLIENT.",
    "free_already": "Nothing prevents mapping, writing or deleting it.",
}


def explain(asked: Record) -> dict[str, t.Any]:
    """Returns the ``lines`` for people and, for programs, why it cannot be ``mapped``, ``written`` and ``deleted``, and what is ``next``.

    ``asked``: the ``image``, ``info`` of rbd_image_info, the ``look`` of rbd_watchers with its blocklist, and ``maps``, a loop of lun_map.
    """
    one = known(asked["image"], asked["info"], asked["look"], asked.get("maps", []))
    reasons = why_not.reasons(one)
    step = next_step(one)
    lines = [*_what(one), *_who(one), *_where(one), *_blocked(one), *_verdict(reasons), f"next: {step}"]
    return {"image": one.spec, "state": one.image.get("state", ""), **reasons, "gaps": list(one.gaps), "next": step, "lines": lines}


def next_step(one: Known) -> str:
    """Returns the one next command."""
    step = NEXT[_step(one)]
    for word, told in _names(one).items():
        step = step.replace(word, told)
    return step


def _names(one: Known) -> dict[str, str]:
    """Returns the values for the words in capitals."""
    by_hand = one.by_hand[:1]
    found = {
        "POOL": one.spec.rpartition("/")[0],
        "GROUP": one.info["group"],
        "CLONE": next(iter(one.info["children"]), ""),
        "COOKIE": by_hand[0]["cookie"] if by_hand else "",
        "CLIENT": by_hand[0]["client"] if by_hand else "",
        "ID": next((entry["id"] for entry in one.info["trash"]), ""),
        "IMAGE": one.spec,
    }
    return {word: told for word, told in found.items() if told}


def _step(one: Known) -> str:
    return next((name for name, applies in _STEPS if applies(one)), "free_already")


_STEPS: tuple[tuple[str, t.Callable[[Known], bool]], ...] = (
    ("source", lambda one: not one.info["exists"] and any(entry["migrates"] for entry in one.info["trash"])),
    ("trash", lambda one: not one.info["exists"] and bool(one.info["trash"])),
    ("absent", lambda one: not one.info["exists"]),
    ("unseen", lambda one: one.image.get("state") == "undetermined"),
    ("fence", lambda one: one.image.get("decision") == "fence"),
    ("free", lambda one: bool(one.stale) and not one.alive and all(each["liveness"] == "orphaned" for each in one.stale)),
    ("hung", lambda one: bool(one.stale)),
    ("contested", lambda one: one.image.get("state") == "contested"),
    ("fenced", lambda one: any(not entry.run for entry in one.entries)),
    ("lock", lambda one: bool(one.image.get("owner"))),
    ("migrating", lambda one: bool(one.info["migration"])),
    ("primary", lambda one: bool(one.info["mirroring"]) and not one.info["mirroring"]["primary"]),
    ("open", lambda one: bool(one.watchers)),
    ("children", lambda one: bool(one.info["children"])),
    ("snapshots", lambda one: bool(one.info["snapshots"])),
    ("group", lambda one: bool(one.info["group"])),
    ("locked_by_hand", lambda one: bool(one.by_hand)),
)


def _what(one: Known) -> list[str]:
    info = one.info
    if not info["exists"]:
        return [f"{one.spec}: not in its pool's directory"]
    snapshots = f"{count(len(info['snapshots']), 'snapshot')}, {count(len(info['children']), 'clone')}"
    state = f": {one.image['state']}, {'; '.join(one.image['reasons'])}" if one.image else ""
    facts = [f"{one.spec}{state}", f"image: {info['size'] >> 20} MiB, {', '.join(info['features'])}; {snapshots}; header {info['header']}"]
    facts += [f"mirroring: {'primary' if info['mirroring']['primary'] else 'not primary'}"] if info["mirroring"] else []
    return facts + ([f"migration: from {info['migration']['source']} to {info['migration']['destination']}"] if info["migration"] else [])


def _who(one: Known) -> list[str]:
    watchers = [f"watcher {_client(each)}: {each['liveness']}, {'; '.join(each['reasons'])}" for each in one.image.get("watchers", [])]
    lock = [f"lock: {_client(one.owner)}, {one.owner['liveness']}"] if one.owner else []
    lock += [f"lock made by hand: {each['cookie']}, {each['client']} at {each['address']}" for each in one.by_hand]
    return [*_asked(one), *(short(watchers, "watchers", 8) or ["watchers: none"]), *lock]


def _asked(one: Known) -> list[str]:
    return [f"asked at {datetime.fromtimestamp(one.asked, timezone.utc).isoformat(timespec='seconds')}"] if one.watchers else []


def _client(one: Record) -> str:
    what = one["daemon"] or (f"gateway {one['gateway']}" if one["gateway"] else "")
    return f"{one['address']} ({', '.join(filter(None, (one['client'], one['entity'], one['host'], what)))})"


def _where(one: Known) -> list[str]:
    luns = [f"LUN {lun['lun']} of {lun['target']} on {gateway}{'' if lun.get('enabled', True) else ', which is disabled'}" for gateway, lun in one.luns]
    return short([f"exported: {lun}" for lun in luns], "LUNs", 6) or ["exported: no gateway that was asked exports it"]


def _blocked(one: Known) -> list[str]:
    leases = [f"lease: {lease['address']}, by run {lease['run']}: {lease['reason']}" for lease in one.leases]
    gaps = short([f"not seen: {gap}" for gap in one.gaps], "gaps", 6)
    return [*short([_entry(entry) for entry in one.entries], "entries", 6), *short(leases, "leases", 6), *gaps]


def _entry(entry: Entry) -> str:
    return f"blocklist: {entry.entry} until {entry.until}, which fences {entry.client}" + (f", by run {entry.run}" if entry.run else "")


def _verdict(reasons: t.Mapping[str, t.Sequence[str]]) -> list[str]:
    words = {"mapped": "mapped elsewhere", "written": "written", "deleted": "deleted"}
    return [f"can be {words[what]}" if not why else f"cannot be {words[what]}: {'; '.join(short(list(why), 'reasons', 6))}" for what, why in reasons.items()]

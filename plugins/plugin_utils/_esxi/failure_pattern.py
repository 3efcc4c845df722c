# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges a device's events on ESXi: tells a hung LUN from a reservation conflict, and both from other trouble. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter

Data = t.Mapping[str, t.Any]
Pattern = t.Literal[
    "hung", "mixed", "errors", "slow", "permanent_loss", "all_paths_down", "no_space", "miscompare", "paths", "conflict", "recovered", "answers", "counters"
]

# In this order they are ranked.
WORDS: dict[Pattern, str] = {
    "hung": "commands fail or time out, and none meets a reservation: the LUN hangs below its target, as with a stale watcher",
    "mixed": "commands fail, time out or have no answer, and others meet a reservation: another initiator holds the LUN, and it might hang, too",
    "errors": "commands fail, but none timed out and no reserve failed",
    "permanent_loss": "the target says that this LUN is gone (PDL): it was unmapped or removed; a stale watcher is not the cause",
    "all_paths_down": "ESXi has no path left to the LUN (APD): the network, the gateway or its target is down; a stale watcher is not the usual cause",
    "no_space": "the LUN's thin pool is out of space",
    "miscompare": "ATS found other data on the disk than ESXi expected: another host or a repeated command wrote there",
    "slow": "commands are slow or wait for a lock of VMFS, but none failed",
    "paths": "paths or iSCSI sessions were lost, but the log shows no failed command",
    "conflict": "commands meet a reservation, and none timed out: another initiator holds the LUN; a stale watcher is not the cause",
    "recovered": "the trouble ended: ESXi reached the device again",
    "answers": "the device responded, and rejected some commands; nothing else failed",
    "counters": "the log does not mention the device, but its counters show failed commands since the host's boot",
}
# A reservation conflict is answered at once. A stale watcher does not make any. "Failed to reserve volume" comes of either.
HEALABLE: tuple[Pattern, ...] = ("hung", "mixed", "errors", "slow")
# RESERVE(6) and RESERVE(10), where they failed without an answer.
RESERVES = ("0x16", "0x56")
_UNANSWERED = ("command_failed", "no_connection", "busy")
_NO_PATH = ("all_paths_down", "all_paths_down_timeout", "connectivity_lost")
_PATHS = (*_NO_PATH, "path_dead", "path_changed", "path_restored", "no_path", "redundancy_lost", "session_lost")
# A device that is well makes ESXi log these.
HARMLESS = ("answered",)
# They come with a reservation that another initiator holds.
_WITH_CONFLICTS = frozenset(("reservation_conflict", "reserve_failed", "reservation_lost", "ats_miscompare", "path_in_doubt", "lock_wait", "slow", *HARMLESS))
_SLOW = frozenset(("slow", "lock_wait", *HARMLESS))


def of(events: t.Sequence[Data]) -> Pattern:
    """Returns the pattern of one device's events."""
    if not events:
        return "counters"
    lost = {event["host"]: _loss(event) for event in events if _loss(event)}
    if lost:
        return _of_lost(lost, [event for event in events if event["host"] not in lost])
    return _of_reached(events)


def _loss(event: Data) -> t.Optional[Pattern]:
    if event["kind"] == "permanent_loss":
        return "permanent_loss"
    return "all_paths_down" if event["detail"] in _NO_PATH else None


def _of_lost(lost: t.Mapping[str, t.Optional[Pattern]], others: t.Sequence[Data]) -> Pattern:
    """Returns the pattern of a lost device. Commands that ESXi aborts without a path are no hang; the events of hosts with a path count."""
    pattern = _of_reached(others) if others else None
    if pattern in ("hung", "mixed"):
        return pattern
    return "permanent_loss" if "permanent_loss" in lost.values() else "all_paths_down"


def _of_reached(events: t.Sequence[Data]) -> Pattern:
    kinds: Counter[str] = Counter()
    for event in events:
        kinds[event["kind"]] += event["times"]
    hangs = kinds["timeout"] + sum(event["opcode"] in RESERVES for event in events if event["kind"] in _UNANSWERED)
    if kinds["reservation_conflict"]:
        return "mixed" if hangs or _more_than_conflicts(kinds) else "conflict"
    if hangs or kinds["reserve_failed"]:
        return "hung"
    return _of_answered(kinds, events)


def _more_than_conflicts(kinds: Counter[str]) -> bool:
    """Returns whether more failed than conflicts explain: a conflict makes a reserve fail, too."""
    return not kinds.keys() <= _WITH_CONFLICTS or kinds["reserve_failed"] > kinds["reservation_conflict"]


def _of_answered(kinds: Counter[str], events: t.Sequence[Data]) -> Pattern:
    if kinds["out_of_space"]:
        return "no_space"
    if kinds.keys() <= {*HARMLESS}:
        return "answers"
    if kinds.keys() <= _SLOW:
        return "slow"
    if kinds.keys() <= {"ats_miscompare", *_SLOW}:
        return "miscompare"
    failed = [event for event in events if event["kind"] not in _SLOW]
    return "paths" if all(event["detail"] in _PATHS for event in failed) else "errors"

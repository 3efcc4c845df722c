# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a device's events on ESXi come to: a LUN that is hung is told apart from one with a reservation conflict, and both from other trouble. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter

Data = t.Mapping[str, t.Any]
Pattern = t.Literal["hung", "mixed", "errors", "slow", "conflict", "answers", "counters"]

# In this order they are ranked.
WORDS: dict[Pattern, str] = {
    "hung": "commands fail or time out and none meets a reservation: the pattern of a LUN that hangs below its target, as with a stale watcher",
    "mixed": "commands time out or have no answer, and others meet a reservation: see who holds the LUN, and whether it hangs",
    "errors": "commands fail, but none timed out and no reserve failed",
    "slow": "commands are slow, but none failed",
    "conflict": "commands meet a reservation and none timed out: another initiator holds the LUN, which is not a stale watcher",
    "answers": "the device rejected commands and was well: it answered, and nothing failed but that",
    "counters": "the log tells nothing of it; since the host's boot its counters have seen failed commands",
}
# A reservation conflict is answered at once. A stale watcher does not make any. "Failed to reserve volume" comes of either.
HEALABLE: tuple[Pattern, ...] = ("hung", "mixed", "errors", "slow")
# RESERVE(6) and RESERVE(10), where they failed without an answer.
_RESERVES = ("0x16", "0x56")
_UNANSWERED = ("command_failed", "no_connection", "busy")


def of(events: t.Sequence[Data]) -> Pattern:
    """Returns the pattern of one device's events."""
    kinds = Counter(event["kind"] for event in events)
    hangs = kinds["timeout"] + sum(event["opcode"] in _RESERVES for event in events if event["kind"] in _UNANSWERED)
    if not events:
        return "counters"
    if kinds["reservation_conflict"]:
        return "mixed" if hangs else "conflict"
    if hangs or kinds["reserve_failed"]:
        return "hung"
    if kinds.keys() <= {"answered"}:
        return "answers"
    return "slow" if kinds.keys() <= {"slow", "answered"} else "errors"

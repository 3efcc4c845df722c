# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds one event of the kernel log, which several lines can describe, and the forms of these lines."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

Kind = t.Literal["reserve", "conflict", "release", "error", "lock"]

Told = dict[str, str]
_Reader = t.TypeVar("_Reader")
# A part of the message that is quick to look for, the form, and what it means.
Form = tuple[str, re.Pattern[str], t.Callable[[_Reader, Record, Told], None]]


@dataclass(frozen=True)
class Event:
    """Holds one event; what the kernel did not log is empty.

    C(conflict): ``initiator`` was refused, since ``old_holder`` holds the LUN. C(lock): krbd's exclusive lock, with its owner as ``old_holder``.
    ``device`` is SCST's name, C(H:C:T:L) of an initiator's disk, or C(rbdN); ``seconds`` since boot; ``text`` the messages behind it, a line each.
    """

    kind: Kind
    seconds: float
    stack: str
    text: str
    device: str = ""
    disk: str = ""
    lun: int | None = None
    initiator: str = ""
    target: str = ""
    old_holder: str = ""
    holder: str = ""
    command: str = ""
    status: str = ""
    sense: str = ""


@dataclass
class Draft:
    """Holds an event to which later lines can add. ``parts``: what it has already; the same part again belongs to another event."""

    kind: Kind
    seconds: float
    stack: str
    text: list[str]
    told: dict[str, t.Any]
    parts: set[str] = field(default_factory=set)

    def finished(self) -> Event:
        """Returns the event in its present state."""
        return Event(self.kind, self.seconds, self.stack, "\n".join(self.text), **self.told)


class Drafts:
    """Collects the events in the order in which they are found."""

    def __init__(self) -> None:
        self._drafts: list[Draft] = []

    def add(self, kind: Kind, stack: str, record: Record, **told: t.Any) -> Draft:
        """Returns a new event, of which this record is the first line."""
        return self.put(Draft(kind, record.seconds, stack, [record.message], told))

    def put(self, draft: Draft) -> Draft:
        """Adds an existing event, and returns it."""
        self._drafts.append(draft)
        return draft

    def finished(self) -> list[Event]:
        """Returns all events."""
        return [draft.finished() for draft in self._drafts]


def forms(*rows: tuple[str, str, t.Callable[[_Reader, Record, Told], None]]) -> tuple[Form[_Reader], ...]:
    """Returns a table of forms; the first that fits counts."""
    return tuple((needle, re.compile(pattern), understand) for needle, pattern, understand in rows)


def skip(_reader: object, _record: Record, _told: Told) -> None:
    """Ignores a line that belongs to an event and adds nothing."""

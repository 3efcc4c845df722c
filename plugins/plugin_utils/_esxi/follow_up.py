# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins lines that belong to an earlier one: a command's status in a line of its own, and "last error status ... repeated N times". Pure.

The lines come the last one first, so what follows a line is known when the line comes.
"""

from __future__ import annotations

import typing as t
from collections import deque

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import log_line, moments, names, scsi_status
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.log_line import Event, Line

# ESXi writes both lines at once; what it writes a second later is about another command.
_AT_ONCE = 0.5
_FROM_STATUS = ("kind", "detail", "opcode", "host_status", "device_status", "plugin_status", "sense")
# The modules that log each status once and then count.
_COUNT = ("NMP", "HPP")
# Worlds, and statuses of each, that wait for their command. No more of them write at once.
_WORLDS, _OF_WORLD = 1000, 8


class _Status(t.NamedTuple):
    """A line with a status and without a device. ``place``: where its event is kept, None beyond the limit."""

    line: Line
    place: t.Optional[int]


class Newest:
    """Holds the newest ``limit`` events of a log, from lines that come the last one first."""

    def __init__(self, host: str, limit: int) -> None:
        self.made = 0
        self._host, self._limit = host, limit
        self._events: list[t.Optional[Event]] = []
        # World -> the statuses so far without a command, the last one of the log first.
        self._statuses: dict[str, deque[_Status]] = {}
        # Device -> repetitions so far without their line.
        self._repetitions: dict[str, list[Event]] = {}

    def add(self, line: Line) -> None:
        """Takes the next line: the one before it in the log."""
        rest = self._statuses and self._rest(line)
        event = self._keep(line, rest or None)
        if line.status and not names.device(line.message):
            self._wait(_Status(line, len(self._events) - 1 if event else None))
        elif event and log_line.is_repetition(line):
            self._repetitions.setdefault(event["device"], []).append(event)
        elif self._repetitions:
            self._repeat(line, rest or None)

    def events(self) -> list[Event]:
        """Returns the events in the log's order."""
        return [event for event in reversed(self._events) if event]

    def _keep(self, line: Line, rest: t.Optional[Line]) -> t.Optional[Event]:
        self.made += 1
        if self.made > self._limit:
            return None
        event = log_line.event(line, rest, self._host)
        self._events.append(event)
        return event

    def _wait(self, status: _Status) -> None:
        if len(self._statuses) >= _WORLDS:
            self._statuses.clear()
        self._statuses.setdefault(status.line.head["world"], deque(maxlen=_OF_WORLD)).append(status)

    def _rest(self, line: Line) -> t.Optional[Line]:
        """Returns the status of this line's command, and drops the status line's own event."""
        waiting = self._statuses.get(line.head["world"])
        if not waiting or line.status or log_line.is_repetition(line) or not scsi_status.opcode(line.message):
            return None
        while waiting and not _at_once(line, waiting[0].line):
            waiting.popleft()
        return self._taken(waiting.popleft()) if waiting else None

    def _taken(self, status: _Status) -> Line:
        self.made -= 1
        if status.place is not None:
            self._events[status.place] = None
        return status.line

    def _repeat(self, line: Line, rest: t.Optional[Line]) -> None:
        """Sets the status of the repetitions of this line's device."""
        device = names.device(line.message) if line.head["module"] in _COUNT and _tells_status(line, rest) else None
        waiting = self._repetitions.pop(device[1], []) if device else []
        if waiting:
            told = log_line.event(line, rest, self._host)
            for event in waiting:
                event.update({name: told[name] for name in _FROM_STATUS})


def _tells_status(line: Line, rest: t.Optional[Line]) -> bool:
    return bool(line.status or rest or scsi_status.opcode(line.message))


def _at_once(line: Line, rest: Line) -> bool:
    """Returns whether the lines were written at one instant: their times are close, or their beginnings are the same."""
    if log_line.before(line) == log_line.before(rest) and line.head["time"] == rest.head["time"]:
        return True
    earlier, later = moments.seconds(log_line.time(line)), moments.seconds(log_line.time(rest))
    return earlier is not None and later is not None and 0 <= later - earlier < _AT_ONCE

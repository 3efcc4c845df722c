# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads files that might not return while a target locks its configuration, as during the removal of a device with hanging I/O."""

from __future__ import annotations

import time
import typing as t
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotDone

_T = t.TypeVar("_T")
_PATIENCE_S = 1.0
# For attributes with the same name as one that did not return.
_NEXT_S = 0.1
# No more threads than this wait for the same lock.
_MOST_STUCK = 5


class PatientReads:
    """Reads each file in a thread, which is left behind if it hangs. Then the process ends only if it is left behind itself."""

    def __init__(self, end: float) -> None:
        """Takes the deadline ``end``, on the monotonic clock."""
        self._end = end
        self._reader = ThreadPoolExecutor(1)
        self._stuck: defaultdict[str, list[str]] = defaultdict(list)
        self._late = 0
        self._notes: list[str] = []

    def read(self, path: str, function: t.Callable[[], _T], absent: _T) -> _T:
        """Returns what the function returns, ``absent`` if it takes too long. Raises what it raises."""
        stuck = self._stuck[path.rpartition("/")[2]]
        left = min(_NEXT_S if stuck else _PATIENCE_S, self._end - time.monotonic())
        if left <= 0:
            self._late += 1
            return absent
        if len(stuck) < _MOST_STUCK:
            try:
                return self._reader.submit(function).result(left)
            except NotDone:
                self._reader = ThreadPoolExecutor(1)
        stuck.append(path)
        return absent

    def note(self, gap: str) -> None:
        """Adds a gap that was found in another way."""
        self._notes.append(gap)

    @property
    def gaps(self) -> list[str]:
        """Returns what could not be read, a sentence for each name of an attribute or directory."""
        stuck = [paths for paths in self._stuck.values() if paths]
        late = [f"{self._late} attributes were not read in time"] if self._late else []
        return [
            *dict.fromkeys(self._notes),
            *late,
            *(f"{paths[0]}{_and_more(paths)} could not be read, since its target has locked its configuration" for paths in stuck),
        ]


def _and_more(paths: t.Sequence[str]) -> str:
    return f" and {len(paths) - 1} more of that name" if len(paths) > 1 else ""

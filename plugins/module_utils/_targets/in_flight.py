# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts what a block device has in flight, and whether any of it ends: ``inflight`` and ``stat`` (Documentation/block/stat.rst of Linux)."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

# Fields of "stat": read I/Os, write I/Os, discard I/Os and flush requests that ended.
_ENDED = (0, 4, 11, 15)
_NUMBER = re.compile("[0-9]{1,20}")


@dataclass(frozen=True)
class Counters:
    """Holds the counters of one moment: requests in flight, and how many ended since boot."""

    reads: int
    writes: int
    ended: int

    @property
    def idle(self) -> bool:
        """Returns whether nothing is in flight."""
        return not self.reads + self.writes


def read(tree: Tree, disk: str) -> Counters | None:
    """Returns the counters of ``disk``, such as rbd0 or dm-0; None if the kernel has none."""
    flying, done = (_numbers(tree.line(f"sys/block/{disk}/{name}")) for name in ("inflight", "stat"))
    return Counters(flying[0], flying[1], sum(done[field] for field in _ENDED if field < len(done))) if len(flying) == 2 and done else None


def _numbers(line: str) -> list[int]:
    fields = line.split()
    return [int(field) for field in fields] if all(_NUMBER.fullmatch(field) for field in fields) else []


def between(before: Counters, after: Counters, seconds: float) -> dict[str, t.Any]:
    """Returns C(reads) and C(writes) in flight at last, and C(still_for): the ``seconds`` in which some were in flight and none ended, or 0."""
    still = not before.idle and not after.idle and before.ended == after.ended
    return {"reads": after.reads, "writes": after.writes, "still_for": round(seconds, 1) if still else 0.0}

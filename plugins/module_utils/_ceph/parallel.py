# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for many answers at the same time, so that what hangs costs its deadline once."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

_THREADS = 64

Item = t.TypeVar("Item")
Answer = t.TypeVar("Answer")


def at_once(work: t.Callable[[Item], Answer], items: t.Iterable[Item], most: int = _THREADS) -> list[Answer]:
    """The answers in the order of the items, by at most ``most`` threads; raises what the first that failed raised."""
    todo = list(items)
    if not todo:
        return []
    with ThreadPoolExecutor(min(len(todo), most)) as workers:
        return list(workers.map(work, todo))

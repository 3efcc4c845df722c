# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits for many answers at the same time, so that hanging calls cost one deadline, and gives a deadline to calls that have none."""

from __future__ import annotations

import queue
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

_THREADS = 64

Item = t.TypeVar("Item")
Answer = t.TypeVar("Answer")


def at_once(work: t.Callable[[Item], Answer], items: t.Iterable[Item], most: int = _THREADS) -> list[Answer]:
    """Returns the answers in the order of the items, by at most ``most`` threads; raises the first error."""
    todo = list(items)
    if not todo:
        return []
    with ThreadPoolExecutor(min(len(todo), most)) as workers:
        return list(workers.map(work, todo))


def in_time(work: t.Callable[[], Answer], seconds: float) -> Answer:
    """Returns the answer, or what ``work`` raised. Raises TimeoutError after ``seconds``; then the call stays in its thread until the process ends."""
    answers: queue.SimpleQueue[tuple[Answer | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except Exception as error:
            answers.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds} s") from None
    if error:
        raise error
    return t.cast(Answer, answer)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs stages of the tests, several at a time, and says how each ended.

usage: stages.py LOGS STAGE[:SLOTS]... [then STAGE[:SLOTS]...]

A stage is a target of make. A machine has two slots for each core; a stage takes one, which suits those that wait for a lab most of the time, or as
many as it says. Stages begin in the given order, when slots are free; those after ``then`` begin when those before it have ended. What a stage prints
goes to a file in LOGS; of one that fails, the last lines are shown at the end. Ends with 1 when a stage failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing as t
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

SLOTS = 2 * (os.cpu_count() or 1)
LONGEST_S = 3600
SHOWN_LINES = 200


class Stage(t.NamedTuple):
    name: str
    slots: int
    log: Path


class Ended(t.NamedTuple):
    stage: Stage
    status: int
    seconds: float
    cpu_seconds: float

    @property
    def result(self) -> str:
        return "failed" if self.status else "passed"


def main() -> int:
    logs = Path(sys.argv[1])
    logs.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    ended = [one for group in " ".join(sys.argv[2:]).split(" then ") for one in run_all([_stage(word, logs) for word in group.split()])]
    for one in ended:
        _show_failed(one)
    _print_table(ended, time.monotonic() - began)
    failed = sum(one.status != 0 for one in ended)
    print(f"{len(ended) - failed} passed, {failed} failed", flush=True)
    return int(failed > 0 or not ended)


def run_all(stages: t.Sequence[Stage]) -> list[Ended]:
    """As many at a time as there are slots; in the order in which they were given."""
    waiting, ended = list(stages), []
    running: dict[Future[Ended], Stage] = {}
    with ThreadPoolExecutor(len(waiting) or 1) as pool:
        while waiting or running:
            for stage in list(waiting):
                if not running or stage.slots <= SLOTS - sum(other.slots for other in running.values()):
                    waiting.remove(stage)
                    running[pool.submit(run, stage)] = stage
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                del running[done]
                ended.append(done.result())
    return sorted(ended, key=lambda one: stages.index(one.stage))


def run(stage: Stage) -> Ended:
    began = time.monotonic()
    _say(f"{stage.name} begins")
    with stage.log.open("wb") as log:
        # In the foreground, so that an interrupt from the keyboard ends it, too.
        command = ["timeout", "--foreground", str(LONGEST_S), "make", "--no-print-directory", stage.name]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    ended = Ended(stage, process.returncode, time.monotonic() - began, usage.ru_utime + usage.ru_stime)
    _say(f"{stage.name} {ended.result} after {ended.seconds:.0f} s")
    return ended


def _stage(word: str, logs: Path) -> Stage:
    name, _colon, slots = word.partition(":")
    return Stage(name, int(slots or 1), logs / f"{name}.log")


def _show_failed(ended: Ended) -> None:
    if ended.status:
        lines = ended.stage.log.read_text(errors="replace").splitlines()
        print(f"\n== {ended.stage.name} failed with {ended.status}; the last lines of {ended.stage.log}:", *lines[-SHOWN_LINES:], sep="\n")


def _print_table(ended: t.Sequence[Ended], seconds: float) -> None:
    print(f"\n{'stage':<28}{'seconds':>8}{'of CPU':>8}  result")
    for one in ended:
        print(f"{one.stage.name:<28}{one.seconds:>8.0f}{one.cpu_seconds:>8.0f}  {one.result}")
    print(f"{'all':<28}{seconds:>8.0f}{sum(one.cpu_seconds for one in ended):>8.0f}")


def _say(words: str) -> None:
    # In one piece, since several threads write.
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())

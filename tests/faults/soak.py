# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One incident after the other, of a kind by chance, with a kill by chance, until the number is reached; after each all must be as before.

usage: soak.py LAB PORT [COUNT [SEED]], of a lab that is up; 200 incidents when not given, and a seed by chance, which is printed

Of two incidents in three the playbook is killed with SIGKILL after a task by chance. Then it runs once more, and where a stopped client stays fenced,
that client is ended and it runs again. A contested image is refused, and its surplus client is ended. Then the LUN answers, its one watcher is alive, the
blacklist is as before, and no lease is left. Two clients may be on the blacklist meanwhile, as in an incident: nobody but the stale one ever is.
"""

from __future__ import annotations

import collections
import json
import os
import random
import re
import signal
import statistics
import sys
import time
import typing as t
from pathlib import Path

from kill_everywhere import HERE, blacklist, faults, heal
from lab import Lab

KINDS = ("orphan", "orphan", "zombie", "contested")
TASKS = 30
ENDS = {"orphan": ("healed", "nothing_to_do"), "zombie": ("healed_restore_pending",), "contested": ("refused",)}


class Incident:
    def __init__(self, lab: Lab, number: int, chance: random.Random) -> None:
        self.lab, self.image, self.kind = lab, f"soak{number}", chance.choice(KINDS)
        self.kill_after = chance.randint(1, TASKS) if chance.random() < 2 / 3 else 0
        self.killed = ""
        self.runs_s: list[float] = []

    def happen(self) -> list[str]:
        """What is wrong afterwards."""
        client = self.lab.inject(self.image, self.kind)
        before = blacklist(self.lab)
        self.run_killed()
        wrong = self.strangers(before, client)
        wrong += self.run(ENDS[self.kind])
        wrong += self.strangers(before, client)
        if self.kind != "orphan":
            end(client["pid"])
            wrong += self.run(("healed", "nothing_to_do"))
        return wrong + faults(self.lab, self.image, before)

    def run_killed(self) -> None:
        if self.kill_after:
            note = self.lab.directory / "killed_after"
            note.unlink(missing_ok=True)
            callback = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "kill_after"}
            heal(self.lab, self.image, **callback, KILL_AFTER=str(self.kill_after), KILL_NOTE=str(note))
            self.killed = note.read_text().strip() if note.exists() else ""

    def run(self, ends: t.Container[str]) -> list[str]:
        began = time.monotonic()
        done = heal(self.lab, self.image)
        self.runs_s.append(time.monotonic() - began)
        found = re.search(r"(\w+), looked at", done.stdout)
        return [] if found and found[1] in ends else [f"{found[1] if found else 'no outcome'}: {done.stdout[-2000:]}{done.stderr[-500:]}"]

    def strangers(self, before: t.Mapping[str, t.Any], client: t.Mapping[str, t.Any]) -> list[str]:
        allowed = set() if self.kind == "contested" else {client["address"]}
        found = set(blacklist(self.lab)["entries"]) - set(before["entries"]) - allowed
        return [f"{found} were fenced"] if found else []


def end(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    # Until a killed client's connection is closed the monitor lists it.
    time.sleep(1)


def main() -> None:
    lab, number = Lab(Path(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3]) if sys.argv[3:] else 200
    seed = int(sys.argv[4]) if sys.argv[4:] else random.SystemRandom().randint(0, 2**32)
    chance, kinds, killed, failed, runs_s = random.Random(seed), collections.Counter[str](), 0, 0, []
    print(f"seed {seed}", flush=True)
    for one in range(1, number + 1):
        incident = Incident(lab, one, chance)
        wrong = incident.happen()
        kinds[incident.kind] += 1
        killed += bool(incident.killed)
        failed += bool(wrong)
        runs_s += incident.runs_s
        print(
            f"{'FAILED' if wrong else 'ok':<8}{one:>4} {incident.kind:<10}{incident.killed or 'not killed'}{'; ' + '; '.join(wrong) if wrong else ''}",
            flush=True,
        )
    print(f"{json.dumps(kinds)}, {killed} killed, {failed} failed; a run took {statistics.median(runs_s):.1f} s in the middle, {max(runs_s):.1f} s at most")
    sys.exit(1 if failed or not number else 0)


if __name__ == "__main__":
    main()

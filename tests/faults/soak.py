# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one incident after the other, of a random kind and with a random kill. After each, all must be as before.

usage: soak.py LAB PORT [COUNT [SEED]], of a lab that is up; 200 incidents if not given, and a random seed, which is printed

In two of three incidents, SIGKILL ends the playbook: in one after a random task, in one at a random moment, most often in the middle of a task. Then the
playbook runs once more. If a stopped client stays fenced, that client is ended, and the playbook runs again. A contested image is refused, and its surplus
client is ended. Then the LUN answers, its one watcher is alive, the blocklist is as before, and no lease and no reservation is left. Meanwhile, only the
stale client is on the blocklist.

Seen to fail: if restoring takes every client for gone (``is_gone`` in _fencing/plan.py), a stopped client's entry is removed, and the run ends as healed.
guards_out.py shows that anew.
"""

from __future__ import annotations

import collections
import json
import os
import random
import signal
import statistics
import sys
import time
import typing as t
from pathlib import Path

from aftermath import blacklist, faults, outcome, require_sight
from kill_everywhere import heal, killed_after, settings
from lab import Lab

KINDS = ("orphan", "orphan", "zombie", "contested")
# As many tasks as a run that heals has. A run that ends before the chosen task is not killed.
TASKS = 30
ENDS = {"orphan": ("healed", "nothing_to_do"), "zombie": ("healed_restore_pending",), "contested": ("refused",)}


class Incident:
    """``longest_s``: how long a run takes; the moment of a kill is within that."""

    def __init__(self, lab: Lab, number: int, chance: random.Random, longest_s: float) -> None:
        self.lab, self.image, self.kind = lab, f"soak{number}-{time.time():.0f}", chance.choice(KINDS)
        self.kill = chance.choice(("never", "task", "moment"))
        self.task, self.moment_s = chance.randint(1, TASKS), chance.random() * longest_s
        self.killed = ""
        self.runs_s: list[float] = []

    def happen(self) -> list[str]:
        """Lets the incident happen. Returns what is wrong afterwards."""
        client = self.lab.inject(self.image, self.kind)
        before = blacklist(self.lab)["entries"]
        self.run_killed()
        wrong = self.strangers(before, client)
        wrong += self.run(ENDS[self.kind])
        wrong += self.strangers(before, client)
        if self.kind != "orphan":
            end(client["pid"])
            wrong += self.run(("healed", "nothing_to_do"))
        return wrong + faults(self.lab, self.image, before)

    def run_killed(self) -> None:
        if self.kill == "task":
            self.killed = killed_after(self.lab, self.image, self.task)[0]
        elif self.kill == "moment":
            run = self.lab.play("playbooks/remediate_watchers.yml", settings(self.lab, self.image), self.moment_s)
            last = [line for line in run.stdout.splitlines() if line.startswith("TASK")][-1:]
            self.killed = f"{self.moment_s:.2f} s, {last[0].strip(' *') if last else 'no task'}" if run.returncode < 0 else ""

    def run(self, ends: t.Container[str]) -> list[str]:
        began = time.monotonic()
        done = heal(self.lab, self.image)
        self.runs_s.append(time.monotonic() - began)
        ended = outcome(done)
        return [] if ended in ends else [f"{ended}: {done.stdout[-2000:]}{done.stderr[-500:]}"]

    def strangers(self, before: t.Mapping[str, str], client: t.Mapping[str, t.Any]) -> list[str]:
        allowed = set() if self.kind == "contested" else {client["address"]}
        found = set(blacklist(self.lab)["entries"]) - set(before) - allowed
        return [f"{found} were fenced"] if found else []


def end(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGKILL)
    # The monitor lists a killed client until its connection is closed.
    time.sleep(1)


def main() -> None:
    lab, number = Lab(Path(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3]) if sys.argv[3:] else 200
    seed = int(sys.argv[4]) if sys.argv[4:] else random.SystemRandom().randint(0, 2**32)
    chance, kinds, killed, failed, runs_s = random.Random(seed), collections.Counter[str](), 0, 0, [10.0]
    print(f"seed {seed}", flush=True)
    require_sight(lab)
    for one in range(1, number + 1):
        incident = Incident(lab, one, chance, statistics.median(runs_s))
        wrong = incident.happen()
        kinds[incident.kind] += 1
        killed += bool(incident.killed)
        failed += bool(wrong)
        runs_s += incident.runs_s
        words = "; ".join([f"killed after {incident.killed}" if incident.killed else "not killed", *wrong])
        print(f"{'FAILED' if wrong else 'ok':<8}{one:>4} {incident.kind:<10}{words}", flush=True)
    taken_s = runs_s[1:] or [0.0]
    print(f"{json.dumps(kinds)}, {killed} killed, {failed} failed; a run took {statistics.median(taken_s):.1f} s in the middle, {max(taken_s):.1f} s at most")
    sys.exit(1 if failed or not number else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the playbook at every task boundary, runs it again, and looks at what is left.

usage: kill_everywhere.py LAB PORT [STEP], of a lab that is up; STEP: kill at every STEP-th boundary, 1 if not given

Each boundary gets an incident of its own, an orphan on an image of its own. Afterwards the LUN must answer, its one watcher must be alive, the
blocklist must be as before, and no lease or reservation must be left. Prints a line for each boundary, and exits with 1 if one of them failed. soak.py
kills in the middle of tasks, and in other incidents.

Seen to fail: with a role that ends only its own run's fences (``__remediate_watchers_ours`` without the leases). A kill after the wait for the remaining
watchers leaves an entry and a lease. guards_out.py shows that anew, with kill_once.py.
"""

from __future__ import annotations

import subprocess
import sys
import typing as t
from itertools import count
from pathlib import Path

from aftermath import blacklist, faults, outcome, require_sight
from lab import Lab

HERE = Path(__file__).parent
# Waits give evidence. Short waits give the same evidence.
QUICK = {"remediate_watchers_notify_timeout": 1, "remediate_watchers_probe_deadline": 3, "remediate_watchers_patience": 3}


def settings(lab: Lab, image: str) -> dict[str, t.Any]:
    return {**QUICK, "remediate_watchers_images": [f"rbd/{image}"], "remediate_watchers_luns": [lab.lun(image)]}


def heal(lab: Lab, image: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return lab.play("playbooks/remediate_watchers.yml", settings(lab, image), ANSIBLE_CALLBACK_RESULT_FORMAT="json", **environment)


def killed_after(lab: Lab, image: str, task: int) -> tuple[str, subprocess.CompletedProcess[str]]:
    """Returns the name of the task after which the run was killed, '' if it ended before; and the run."""
    note = lab.directory / "killed_after"
    note.unlink(missing_ok=True)
    callback = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "kill_after"}
    run = heal(lab, image, **callback, KILL_AFTER=str(task), KILL_NOTE=str(note))
    return note.read_text() if note.exists() else "", run


def boundary(lab: Lab, number: int) -> tuple[str, list[str]] | None:
    """Returns where the playbook was killed and how the second run ended, and what is wrong; None if the playbook had ended before."""
    image = f"killed{number}"
    lab.inject(image)
    before = blacklist(lab)
    where, run = killed_after(lab, image, number)
    if not where:
        return None if run.returncode == 0 else (f"it ended by itself as {outcome(run)}", [run.stdout + run.stderr])
    between = "fenced" if blacklist(lab)["leases"] else "not fenced"
    again = heal(lab, image)
    ended = outcome(again)
    wrong = faults(lab, image, before["entries"]) + ([] if ended in ("healed", "nothing_to_do") else [f"it ended as {ended}:\n{again.stdout}{again.stderr}"])
    return f"{where} ({between}): {ended}", wrong


def main() -> None:
    lab, step, failed, killed, fenced = Lab(Path(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3]) if sys.argv[3:] else 1, 0, 0, 0
    require_sight(lab)
    for number in count(1, step):
        result = boundary(lab, number)
        if result is None:
            break
        where, wrong = result
        killed += 1
        failed += bool(wrong)
        fenced += "(fenced)" in where
        print(f"killed after {number:2} {where}, {'; '.join(wrong) or 'all as before'}", flush=True)
        if where.startswith("it ended"):
            break
    print(f"{killed} boundaries, {failed} failed, {fenced} with a client fenced")
    sys.exit(1 if failed or not fenced else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the playbook at every task boundary, runs it again, and looks at what is left.

usage: kill_everywhere.py LAB PORT, of a lab that is up

Each boundary gets an incident of its own, an orphan on an image of its own. Afterwards the LUN must answer, its one watcher must be alive, the
blacklist must be as before, and no lease may be left. Prints a line for each boundary and ends with 1 when one of them failed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from itertools import count
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import fencing
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan, probe
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.detect import detect
from lab import BLACKLIST, INITIATOR, LOOK, Lab

HERE = Path(__file__).parent
# Waits are evidence, and the evidence is the same when it comes sooner.
QUICK = {"remediate_watchers_notify_timeout": 1, "remediate_watchers_probe_deadline": 3}


def heal(lab: Lab, image: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return lab.play("playbooks/remediate_watchers.yml", {**QUICK, "remediate_watchers_images": [f"rbd/{image}"]}, **environment)


def blacklist(lab: Lab) -> dict[str, t.Any]:
    found = fencing.apply({**lab.connection, **BLACKLIST}, dry_run=False)
    return {"entries": found.after, "leases": found.leases}


def faults(lab: Lab, image: str, before: dict[str, t.Any]) -> list[str]:
    """What is not as it should be."""
    lun, after = lab.lun(image), blacklist(lab)
    leases = [lease for lease in after["leases"] if f"rbd/{image}" in lease["images"]]
    outcome = probe(IscsiTransport(lun["portal"], lun["target"], lun["lun"], INITIATOR), Plan(5, 1, "flush"))
    found = detect({**lab.connection, **LOOK, "liveness": "all", "images": [f"rbd/{image}"]})["images"][0]
    watchers = [watcher["liveness"] for watcher in found["watchers"]]
    return [
        *([f"the LUN is {outcome.verdict}: {outcome.reason}"] if outcome.verdict != "healthy" else []),
        *([f"its watchers are {watchers}"] if watchers != ["alive"] else []),
        *([f"the blacklist was {before['entries']} and is {after['entries']}"] if after["entries"] != before["entries"] else []),
        *([f"leases are left: {leases}"] if leases else []),
    ]


def boundary(lab: Lab, number: int) -> tuple[str, str, list[str]] | None:
    """Where the playbook was killed, how the second run ended, and what is wrong; None when the playbook had ended before."""
    image, note = f"killed{number}", lab.directory / "killed_after"
    note.unlink(missing_ok=True)
    lab.inject(image)
    before = blacklist(lab)
    callback = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "kill_after"}
    killed = heal(lab, image, **callback, KILL_AFTER=str(number), KILL_NOTE=str(note))
    if killed.returncode == 0 and not note.exists():
        return None
    between = "fenced" if blacklist(lab)["leases"] else "not fenced"
    again = heal(lab, image)
    words = re.search(r"(\w+), looked at", again.stdout)
    wrong = faults(lab, image, before) + ([] if again.returncode == 0 else [f"the second run failed:\n{again.stdout}{again.stderr}"])
    return f"{note.read_text() if note.exists() else killed.stdout} ({between})", words[1] if words else "no outcome", wrong


def main() -> None:
    lab, failed = Lab(Path(sys.argv[1]), int(sys.argv[2])), 0
    for number in count(1):
        result = boundary(lab, number)
        if result is None:
            break
        where, outcome, wrong = result
        failed += bool(wrong)
        print(f"killed after {number:2} {where}: {outcome}, {'; '.join(wrong) or 'all as before'}", flush=True)
    print(f"{number - 1} boundaries, {failed} failed")
    sys.exit(1 if failed or number == 1 else 0)


if __name__ == "__main__":
    main()

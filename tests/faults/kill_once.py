# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the playbook right after it has fenced, runs it again, and looks at what is left. kill_everywhere.py does so after every task.

usage: kill_once.py LAB PORT, of a lab that is up
"""

from __future__ import annotations

import sys
from pathlib import Path

from aftermath import blacklist, faults, outcome, require_sight
from fault_list import after_task
from kill_everywhere import heal
from lab import Lab

IMAGE = "killed-once"
# The command runs under a timeout of the playbook's, which has a process group of its own.
KILL_PLAYBOOK = "kill -KILL -- -$(ps -o ppid= $PPID | tr -d ' ')"


def kill_when_fenced(lab: Lab) -> list[str]:
    """Returns what is wrong after the kill."""
    run = heal(lab, IMAGE, **after_task("fenced", KILL_PLAYBOOK, lab.directory / "kill_once"))
    ended = outcome(run)
    wrong = [] if ended == "KILLED" else [f"the first run was not killed, and ended as {ended}:\n{run.stdout}{run.stderr}"]
    return wrong + ([] if blacklist(lab)["leases"] else ["the killed run left no lease"])


def main() -> None:
    lab = Lab(Path(sys.argv[1]), int(sys.argv[2]))
    require_sight(lab)
    lab.inject(IMAGE)
    before = blacklist(lab)["entries"]
    wrong = kill_when_fenced(lab)
    again = heal(lab, IMAGE)
    ended = outcome(again)
    wrong += [] if ended == "healed" else [f"the second run ended as {ended}:\n{again.stdout}{again.stderr}"]
    wrong += faults(lab, IMAGE, before)
    print(f"killed when it had fenced, then {ended}: {'; '.join(wrong) or 'all as before'}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

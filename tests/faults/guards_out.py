# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes one guard at a time out of a copy of the collection, and checks that the tests of faults notice. Otherwise, their success would mean nothing.

usage: guards_out.py LAB PORT COPY [WORDS], of a lab with three monitors that is up; COPY: a folder of collections, with that copy; WORDS choose
the guards whose names hold them all

Prints a line for each guard. Exits with 1 if a test did not fail as expected while a guard was out, or if the code no longer has that guard.

Seen to fail: while lab.py did not know how ansible-core 2.19 shows an exception of a module, no test noticed that a guard was out.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_lock import OBJECT
from lab import Lab

LONGEST_S = 1800
CODE, RUN = "plugins/module_utils", "plugins/plugin_utils/_run"


class Guard(t.NamedTuple):
    """In ``file`` the text ``guard`` becomes ``without``; then ``test``, a program of this folder with its arguments, ends with 1 and ``says`` (a pattern)."""

    name: str
    file: str
    guard: str
    without: str
    test: str
    says: str


GUARDS = (
    Guard(
        "what waits for the cluster has a deadline",
        f"{CODE}/_ceph/cluster.py",
        "seconds = str(self.timeout)",
        'seconds = "0"',
        "matrix.py all monitors hang start",
        "it ended as KILLED",
    ),
    Guard(
        "an error becomes one sentence",
        "plugins/modules/rbd_watchers.py",
        "except RescueError as",
        "except ZeroDivisionError as",
        "matrix.py all monitors hang start",
        "it ended as TRACEBACK",
    ),
    Guard(
        "a client that lost its session with a restarted monitor is not gone",
        f"{CODE}/_ceph/sessions.py",
        "if age >= settle_s:",
        "if age >= 0:",
        "matrix.py monitors restarted zombie fenced",
        "a living client's entry was removed|it ended as healed,",
    ),
    Guard(
        "a silent client is stale only while another client answers",
        f"{CODE}/_watchers/verdict.py",
        'return "headless",',
        'return "stale_duplicate",',
        # Even so, no client is fenced, since the LUN cannot be reached either.
        "matrix.py gateway dies start",
        "it ended as stopped, not refused",
    ),
    Guard(
        "a client is fenced only while another client that serves the image answers",
        f"{CODE}/_fencing/last_question.py",
        " or _unserved(one, question, reply)",
        "",
        "matrix.py gateway dies probed",
        "it ended as failed, not refused",
    ),
    Guard(
        "an image is healed only when it has the expected watchers",
        f"{RUN}/stop.py",
        'if image["state"] not in _WELL and image not in still]',
        'if image["state"] == "no such"]',
        "matrix.py new client comes probed",
        "it ended as partly_healed, not failed",
    ),
    Guard(
        "a client that answers the last question is not fenced",
        f"{CODE}/_fencing/leased_fence.py",
        "answers = self._asked(question)",
        "answers = Answers(list(question.clients))",
        "pauses.py probe has",
        "the client's writes failed",
    ),
    Guard(
        "a notify while the OSDs change proves nothing",
        f"{CODE}/_ceph/interval.py",
        "        if at <= since:",
        "        if at <= now:",
        # A client is silent in one look of sixteen. The first client that is called stale ends the test.
        "osd_down.py 150 3",
        "in [1-9][0-9]* one was called stale",
    ),
    Guard(
        "an rbd-mirror does not count as a gateway",
        f"{CODE}/_watchers/verdict.py",
        "[finding for finding in every if not finding.daemon]",
        "list(every)",
        "mirror.py 18400",
        "FAILED with the gateway stopped it is",
    ),
    Guard(
        "a command that waits does not count as a gateway",
        f"{RUN}/proof_of_service.py",
        "if specs}",
        "if not specs}",
        "pauses.py command",
        "a healthy client was fenced",
    ),
    Guard(
        "an earlier run's fences are ended",
        f"{RUN}/leases.py",
        ", *owed]",
        "]",
        "matrix.py all monitors hang fenced",
        "entries are left",
    ),
    Guard(
        "the blocklist is restored",
        f"{CODE}/_fencing/plan.py",
        'return how.when == "always" or',
        'return how.when == "always" and',
        "matrix.py manager killed fenced",
        "it ended as healed_restore_pending, not healed",
    ),
    Guard(
        "a lease whose entry is gone ends",
        f"{CODE}/_fencing/plan.py",
        "over = [client for client in leases if client not in keep]",
        "over = [client for client in ours if client not in keep]",
        "matrix.py others remove entry fenced",
        "leases are left",
    ),
    Guard(
        "entries of others stay",
        f"{CODE}/_fencing/restore.py",
        "[client for client in plan.close if client not in plan.foreign]",
        "list(before.entries)",
        "matrix.py others add entry fenced",
        "another operator's entry of .* is gone",
    ),
    Guard(
        "an entry that another operator added again stays",
        f"{CODE}/_fencing/plan.py",
        "entries.get(client, lease.until) != lease.until]",
        "lease.until not in entries.values() and client not in entries]",
        "matrix.py others fence same client fenced",
        "another operator's entry of .* is gone",
    ),
    Guard(
        "a killed run's fences are ended by the next",
        f"{RUN}/leases.py",
        ", *owed]",
        "]",
        "kill_once.py",
        "entries are left",
    ),
    Guard(
        "the lease is written before the entry",
        f"{CODE}/_fencing/leased_fence.py",
        "        self.book.record(leases)\n",
        "",
        "kill_module.py 100",
        "killed at line .* no lease explains it",
    ),
    # By this seed the one incident is a stopped client, and no run is killed.
    Guard(
        "a living client's entry is not removed",
        f"{CODE}/_fencing/plan.py",
        "for look in looks):\n        return False",
        "for look in looks):\n        return True",
        "soak.py 1 7",
        "FAILED +1 zombie .*healed",
    ),
)


class Copy:
    """A copy of this checkout below ``collections``, where Ansible and Python find it as the collection."""

    def __init__(self, collections: Path) -> None:
        self.collections = collections
        self.root = collections / "ansible_collections/cephops/iscsi_rescue"

    def without(self, guard: Guard) -> str:
        """Takes the guard out. Returns the file's text from before."""
        text = (self.root / guard.file).read_text()
        if guard.guard not in text:
            raise SystemExit(f"{guard.file} no longer has '{guard.guard}'. Update this guard in guards_out.py: {guard.name}.")
        (self.root / guard.file).write_text(text.replace(guard.guard, guard.without))
        return text

    def run(self, lab: Lab, test: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = test.split()
        command = [sys.executable, str(self.root / "tests/faults" / program), str(lab.directory), str(lab.port), *arguments]
        paths = {"ANSIBLE_COLLECTIONS_PATH": str(self.collections), "PYTHONPATH": f"{self.collections}:{self.root / 'tests'}"}
        return subprocess.run(command, cwd=self.root, env={**os.environ, **paths}, check=False, capture_output=True, text=True, timeout=LONGEST_S)


def clean(lab: Lab) -> None:
    """Removes what a test without a guard left, so that the next test does not find it."""
    lab.run("ceph", "--conf", lab.conf, "osd", "blocklist", "clear")
    lab.run("rados", "--conf", lab.conf, "--pool", "rbd", "rm", OBJECT, check=False)


def noticed(lab: Lab, copy: Copy, guard: Guard) -> str:
    """Returns '' if the test noticed that the guard was out, else what it said instead."""
    before = copy.without(guard)
    done = copy.run(lab, guard.test)
    (copy.root / guard.file).write_text(before)
    clean(lab)
    said = done.returncode == 1 and re.search(guard.says, done.stdout)
    return "" if said else f"{guard.test} ended with {done.returncode} and did not say '{guard.says}':\n{done.stdout[-3000:]}{done.stderr[-1000:]}"


def main() -> None:
    lab, copy, words = Lab(Path(sys.argv[1]), int(sys.argv[2])), Copy(Path(sys.argv[3]).resolve()), sys.argv[4:]
    guards, failed = [guard for guard in GUARDS if set(words) <= set(guard.name.split())], 0
    for guard in guards:
        wrong = noticed(lab, copy, guard)
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'noticed':<8}guard out: {guard.name}: {wrong or guard.test}", flush=True)
    print(f"{len(guards)} guards, {failed} not noticed")
    sys.exit(1 if failed or not guards else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills what osd_blacklist does in the middle, while it fences and while it restores, at line after line of the code that talks to the cluster.

usage: kill_module.py LAB PORT [STEP], of a lab that is up; STEP: every which line, 20 when not given

After each kill: an entry that is on the blacklist has a lease, so that whoever comes next can finish; and whoever comes next does finish, with no entry and
no lease left. The lock of a killed holder ends by itself after a minute; the first kill that leaves one waits for that, and later ones break it to go on.
Seen to fail: with the lease written after the entry, kills between the two leave an entry that nobody knows of.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import types
import typing as t
from itertools import count
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import fencing, lease
from kill_everywhere import blacklist
from lab import BLACKLIST, Lab

CLIENT = "192.0.2.66:0/{}"
CODE = os.sep + os.path.join("module_utils", "_ceph") + os.sep


def options(lab: Lab, act: str, client: str) -> dict[str, t.Any]:
    # The lock of a killed holder lasts for six timeouts, a minute at least.
    told = {**lab.connection, **BLACKLIST, "timeout": 10, "addresses": [client]}
    request = {"pool": "rbd", "run": "killed", "reason": "a test", "images": ["rbd/datastore1"], "gone_since": {}}
    return {**told, "lease": request} if act == "fence" else {**told, "state": "restored", "restore": "always"}


def die_at(line: int) -> None:
    """The process is killed when it has run that many lines of the code that talks to the cluster, in whatever thread."""
    left = count(line, -1)

    def trace(frame: types.FrameType, event: str, _argument: t.Any) -> t.Any:
        if CODE not in frame.f_code.co_filename:
            return None
        if event == "line" and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


class Killing:
    def __init__(self, lab: Lab) -> None:
        self.lab, self.waited = lab, False

    def at(self, act: str, line: int) -> list[str] | None:
        """What is wrong afterwards; None when it ended before it came to that line."""
        client, before = CLIENT.format(line), blacklist(self.lab)
        if act == "restore":
            fencing.apply(options(self.lab, "fence", client), dry_run=False)
        command = [sys.executable, __file__, str(self.lab.directory), str(self.lab.port), "child", act, client, str(line)]
        killed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        between = blacklist(self.lab)
        wrong = [] if killed.returncode in (0, -signal.SIGKILL) else [f"it ended with {killed.returncode}: {killed.stderr}"]
        wrong += [f"{client} is fenced, and no lease says so"] if client in between["entries"] and client not in _addresses(between) else []
        self.unlock(bool(between["leases"]))
        fencing.apply(options(self.lab, "restore", client), dry_run=False)
        after = blacklist(self.lab)
        wrong += [f"the blacklist was {before} and is {after}"] if after != before else []
        return None if killed.returncode == 0 and not wrong else wrong

    def unlock(self, needed: bool) -> None:
        """Breaks the lock of the killed one; but once, where the next one needs it, that is left to its end."""
        if needed and not self.waited and self.holders():
            self.waited = True
            return
        for holder in self.holders():
            command = [
                "rados",
                "--conf",
                self.lab.conf,
                "--pool",
                "rbd",
                "lock",
                "break",
                lease.OBJECT,
                lease._LOCK,
                holder["name"],
                "--lock-cookie",
                holder["cookie"],
            ]
            subprocess.run(command, check=True, capture_output=True, timeout=60)

    def holders(self) -> list[dict[str, str]]:
        command = ["rados", "--conf", self.lab.conf, "--pool", "rbd", "lock", "info", lease.OBJECT, lease._LOCK, "--format", "json"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout).get("lockers", []) if done.returncode == 0 else []


def _addresses(seen: t.Mapping[str, t.Any]) -> list[str]:
    return [one["address"] for one in seen["leases"]]


def main() -> None:
    lab = Lab(Path(sys.argv[1]), int(sys.argv[2]))
    if sys.argv[3:4] == ["child"]:
        act, client, line = sys.argv[4:]
        die_at(int(line))
        fencing.apply(options(lab, act, client), dry_run=False)
        return
    killing, failed, step = Killing(lab), 0, int(sys.argv[3]) if sys.argv[3:] else 20
    for act in ("fence", "restore"):
        for line in count(1, step):
            wrong = killing.at(act, line)
            if wrong is None:
                break
            failed += bool(wrong)
            if wrong:
                print(f"FAILED  killed at line {line} of {act}: {'; '.join(wrong)}", flush=True)
        print(f"{act}: killed {line // step} times, at every {step}. line", flush=True)
    print(f"{failed} kills failed{', and one left a lock that was waited for' if killing.waited else ''}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

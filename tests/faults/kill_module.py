# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills the module osd_blacklist at line after line of the code that talks to the cluster, once it has asked for the lock.

usage: kill_module.py LAB PORT [STEP], of a lab that is up; STEP: kill at every STEP-th line, 40 if not given; ten times as often where the blocklist
is changed

There are four acts: ``fence`` an orphan that watches an image; ``restore`` when it is gone; ``extend`` an earlier entry that ends sooner, which removes it
and adds it again; ``reset`` that entry when the orphan is gone, which does so, too. After each kill, an entry of ours has a lease, and an entry from before
is there or has a lease. The next restore, when_gone, leaves what was there before the act, its end within two seconds, and no lease. The lock of a killed
holder ends by itself after a minute. To go on, it is broken; but with a STEP of up to 10, the first one is waited for.

Seen to fail: a reset removed the entry and added it again, under a lease that did not say so. A kill between the two lost the entry. It also fails if an
entry is added before its lease, as guards_out.py shows anew.
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

from aftermath import blacklist, seconds_left
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence, lease_lock
from lab import BLACKLIST, Lab, wanting

ACTS = ("fence", "restore", "extend", "reset")
IMAGE = "killed-module"
CODE = tuple(os.sep + os.path.join("module_utils", room) + os.sep for room in ("_ceph", "_fencing"))
PRIOR_S, SAME_S = 600, 2
# While several threads run, the lines come in no certain order. A kill near the end might come too late, but not many do.
MISSED = 0.2
OFTEN = 10
CHANGES = ("blocklist.py", "parallel.py")


def options(lab: Lab, act: str, client: str) -> dict[str, t.Any]:
    # The lock of a killed holder lasts for six timeouts, a minute at least.
    told = {**lab.connection, **BLACKLIST, "timeout": 10, "addresses": [client]}
    # Long ago enough that restoring needs one look only.
    request = {
        "pool": "rbd",
        "run": "killed",
        "reason": "a test",
        # A client on the blocklist no longer watches an image, so no image would be a reason to fence it.
        "images": [] if act == "extend" else [f"rbd/{IMAGE}"],
        "look": wanting(client, gone=True, serving={f"rbd/{IMAGE}": [gateway(lab)["address"]]}),
        "patience": 1,
        "evict": [client],
    }
    return {**told, "lease": request} if act in ("fence", "extend") else {**told, "state": "restored"}


def gateway(lab: Lab) -> dict[str, t.Any]:
    """Returns the record of the client that serves the image all the time."""
    return t.cast(dict[str, t.Any], json.loads((lab.directory / "clients" / f"{IMAGE}-gateway.json").read_text()))


def lines(act: t.Callable[[int, bool], None]) -> None:
    """Calls ``act`` at each line of the code that talks to the cluster, in any thread, once it has asked for the lock. ``act`` gets the line's number, and
    whether the line sends, or waits for, changes of the blocklist."""
    numbers, begun = count(1), threading.Event()

    def trace(frame: types.FrameType, event: str, _argument: t.Any) -> t.Any:
        if not any(room in frame.f_code.co_filename for room in CODE):
            return None
        if frame.f_code is lease_lock.LeaseLock.take.__code__:
            begun.set()
        if event == "line" and begun.is_set():
            act(next(numbers), os.path.basename(frame.f_code.co_filename) in CHANGES and frame.f_code.co_name != "parse")
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


def child(lab: Lab, act: str, client: str, line: int) -> None:
    """Does the act, and is killed at that line. At 0, prints which lines change the blocklist, and how many lines there are."""
    seen: list[bool] = []

    def at(number: int, changes: bool) -> None:
        seen.append(changes)
        if number == line:
            os.kill(os.getpid(), signal.SIGKILL)

    lines(at)
    fence.apply(options(lab, act, client), dry_run=False)
    print(json.dumps([number for number, changes in enumerate(seen, 1) if changes]), len(seen))


class Killing:
    def __init__(self, lab: Lab, step: int) -> None:
        self.lab, self.step, self.waited, self.numbers = lab, step, step > OFTEN, count(1)

    def lines(self, act: str, step: int) -> tuple[list[int], int]:
        """Returns the lines at which to kill, and how many lines there are."""
        client = self.ready(act)
        if act in ("restore", "reset"):
            fence.apply(options(self.lab, {"restore": "fence", "reset": "extend"}[act], client), dry_run=False)
        changes, last = self.child(act, client, 0).stdout.rsplit(maxsplit=1)
        self.cleared(client)
        often = json.loads(changes)[:: max(1, step // 10)]
        return sorted({*range(1, int(last) + 1, step), *often}), int(last)

    def child(self, act: str, client: str, line: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, __file__, str(self.lab.directory), str(self.lab.port), "child", act, client, str(line)]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)

    def ready(self, act: str) -> str:
        """Makes a watcher that is gone, and the entry that the act needs before. Returns the watcher's address."""
        client = str(self.lab.orphan(IMAGE, f"{IMAGE}-{next(self.numbers)}")["address"])
        if act in ("extend", "reset"):
            self.lab.run("ceph", "--conf", self.lab.conf, "osd", "blocklist", "add", client, str(PRIOR_S))
        return client

    def at(self, act: str, line: int) -> list[str] | None:
        """Returns what is wrong afterwards; None if the act ended before it came to that line."""
        client = self.ready(act)
        before = blacklist(self.lab)["entries"]
        if act in ("restore", "reset"):
            fence.apply(options(self.lab, {"restore": "fence", "reset": "extend"}[act], client), dry_run=False)
        done = self.child(act, client, line)
        wrong = [] if done.returncode in (0, -signal.SIGKILL) else [f"it ended with {done.returncode}: {done.stderr}"]
        wrong += self.unfinished(client, before)
        self.unlock()
        try:
            kept = fence.apply(options(self.lab, "restore", client), dry_run=False).kept
            wrong += [f"it is kept: {kept}"] if kept else []
            wrong += differences(before, blacklist(self.lab))
        except RescueError as error:
            wrong += [f"restoring failed: {error}"]
        self.cleared(client)
        return None if done.returncode == 0 and not wrong else wrong

    def unfinished(self, client: str, before: t.Mapping[str, str]) -> list[str]:
        """Returns a change of the entry that no lease explains."""
        seen = blacklist(self.lab)
        now, leased = seen["entries"].get(client, ""), client in [one["address"] for one in seen["leases"]]
        return (
            [f"its entry was '{before.get(client, '')}' and is '{now}'; no lease explains it"] if not leased and not same(before.get(client, ""), now) else []
        )

    def unlock(self) -> None:
        """Breaks the lock of the killed process. With a small STEP, the first lock is left until it ends by itself."""
        holders = self.holders()
        if holders and not self.waited:
            self.waited = True
            return
        for holder in holders:
            words = ["lock", "break", lease_lock.OBJECT, lease_lock.NAME, holder["name"], "--lock-cookie", holder["cookie"]]
            self.lab.run("rados", "--conf", self.lab.conf, "--pool", "rbd", *words)

    def holders(self) -> list[dict[str, str]]:
        words = ["lock", "info", lease_lock.OBJECT, lease_lock.NAME, "--format", "json"]
        said = self.lab.run("rados", "--conf", self.lab.conf, "--pool", "rbd", *words, check=False)
        return json.loads(said).get("lockers", []) if said.strip() else []

    def cleared(self, client: str) -> None:
        """Removes the client's lease and entry, so that a failed kill is not seen after the next one."""
        fence.apply({**options(self.lab, "restore", client), "restore": "always"}, dry_run=False)
        self.lab.run("ceph", "--conf", self.lab.conf, "osd", "blocklist", "rm", client)


def same(before: str, after: str) -> bool:
    """Returns whether an entry ('' for none) is as it was, within the seconds that a change takes."""
    return before == after or bool(before and after and abs(seconds_left(before) - seconds_left(after)) <= SAME_S)


def differences(before: t.Mapping[str, str], after: t.Mapping[str, t.Any]) -> list[str]:
    pairs = {client: (before.get(client, ""), after["entries"].get(client, "")) for client in (*before, *after["entries"])}
    wrong = [f"the entry of {client} was '{was}' and is '{now}'" for client, (was, now) in pairs.items() if not same(was, now)]
    return wrong + ([f"leases are left: {after['leases']}"] if after["leases"] else [])


def killed(killing: Killing, act: str) -> tuple[int, int]:
    """Returns how many kills failed, and 1 if too many came too late, or all."""
    every, last = killing.lines(act, killing.step)
    found = {line: killing.at(act, line) for line in every}
    failed = {line: wrong for line, wrong in found.items() if wrong}
    missed = sum(wrong is None for wrong in found.values())
    for line, wrong in failed.items():
        print(f"FAILED  killed at line {line} of {act}: {'; '.join(wrong)}", flush=True)
    print(f"{act}: killed {len(found) - missed} times, of {last} lines, {len(failed)} failed, {missed} came too late", flush=True)
    return len(failed), int(missed > MISSED * len(found) or missed == len(found))


def main() -> None:
    lab = Lab(Path(sys.argv[1]), int(sys.argv[2]))
    if sys.argv[3:4] == ["child"]:
        act, client, line = sys.argv[4:]
        child(lab, act, client, int(line))
        return
    lab.create(IMAGE)
    lab.client(IMAGE, f"{IMAGE}-gateway")
    killing = Killing(lab, int(sys.argv[3]) if sys.argv[3:] else 40)
    ended = [killed(killing, act) for act in ACTS]
    failed, missed = sum(one for one, _missed in ended), sum(one for _failed, one in ended)
    lab.run(*lab.daemon(f"{IMAGE}-gateway"), "--stop", "--retry", "TERM/10/KILL/5")
    print(f"{failed} kills failed{', and too many came too late' if missed else ''}")
    sys.exit(1 if failed or missed else 0)


if __name__ == "__main__":
    main()

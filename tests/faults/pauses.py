# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy writer that pauses while the role looks is never fenced; one that stays stopped is.

usage: pauses.py LAB PORT [WORDS], of a lab that is up; WORDS choose the cases whose names hold them all
       pauses.py LAB PORT COUNT [SEED], for COUNT random pauses

Each case has an image of its own, written by a client that holds its lock, and most often served by the lab's gateway. What happens to the client, or to the
cluster, begins before the run or after a task of it. The blocklist is read five times a second. Prints a line for each. Exits with 1 if a client that went
on was fenced or could not write, or if a client that stayed stopped was not fenced.

Seen to fail: without the last question, a client that goes on after the probe is fenced; guards_out.py shows that anew.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from fault_list import after_task
from healthy_client import Guarded, Writer, free, judged
from lab import Lab

PATIENCE_S = 10
RUN = {
    "remediate_watchers_notify_timeout": 1,
    "remediate_watchers_probe_deadline": 3,
    "remediate_watchers_patience": PATIENCE_S,
    "remediate_watchers_report_dir": "",
}
# A user's settings, except for what the random pauses vary.
PLAIN = {"remediate_watchers_report_dir": ""}
REFUSED, QUIET = ("refused",), ("refused", "nothing_to_do")
GO_ON, DOWN = "kill -CONT $WRITER", "ceph --conf $CONF osd down $LEADER"


@dataclass(frozen=True)
class Case:
    """If ``stopped``, the writer is stopped before the run. ``happen``: what the shell does after the task ``phase`` of fault_list.

    ``waits``: a command of ``rbd`` waits for the writer, and no gateway serves the image. ``fenced``: whether the writer must be fenced. ``pauses``: when
    after the run's start the writer is stopped, and for how long, in seconds. ``named``: whether the run's settings name the LUN.
    """

    name: str
    ends: tuple[str, ...]
    phase: str = ""
    happen: str = ""
    stopped: bool = True
    waits: bool = False
    fenced: bool = False
    pauses: tuple[tuple[float, float], ...] = ()
    named: bool = True
    settings: t.Mapping[str, t.Any] = field(default_factory=lambda: RUN)


CASES = (
    Case("until the first look has ended", REFUSED, "detected", GO_ON),
    Case("until the probe has ended", REFUSED, "probed", GO_ON),
    Case("until half of the last question is over", REFUSED, "probed", f"(sleep {PATIENCE_S / 2}; {GO_ON}) >/dev/null 2>&1 &"),
    Case("until the first look has ended, of a LUN that is not named", REFUSED, "detected", GO_ON, named=False),
    Case("forever", ("healed_restore_pending",), fenced=True),
    Case("no pause, and the OSD goes down before the look", QUIET, "start", DOWN, stopped=False),
    Case("no pause, and the OSD goes down after the look", QUIET, "detected", DOWN, stopped=False),
    Case("until the OSD has gone down after the probe", QUIET, "probed", f"{DOWN}; {GO_ON}"),
    Case("forever, and a command waits for it", REFUSED, waits=True, settings={**RUN, "remediate_watchers_patience": 30}),
)


def by_chance(count: int, seed: int) -> t.Iterator[Case]:
    """Yields pauses of up to 25 s, so that each writer wrote or answered within the patience of 30 s."""
    chance = random.Random(seed)
    for number in range(count):
        first = (chance.uniform(-3, 2), chance.uniform(1, 25))
        second = (sum(first) + chance.uniform(1, 4), chance.uniform(1, 25))
        pauses = (first, second) if chance.random() < 0.5 else (first,)
        timeout_s, named = chance.choice((1, 3, 5)), chance.random() < 0.7
        words = " and ".join(f"for {seconds:.1f} s from {at:+.1f} s on" for at, seconds in pauses)
        name = f"{number + 1} {words}, notify timeout {timeout_s} s, {'named' if named else 'not named'}"
        settings = {**PLAIN, "remediate_watchers_notify_timeout": timeout_s}
        yield Case(name, QUIET, stopped=False, pauses=pauses, named=named, settings=settings)


def paused(lab: Lab, number: int, case: Case) -> list[str]:
    """Returns what is wrong."""
    image = f"paused{number}-{time.time():.0f}"
    lab.create(image, "layering,exclusive-lock")
    if not case.waits:
        lab.serve(image)
    writer, note = Writer(lab, image), lab.directory / "pause.note"
    note.unlink(missing_ok=True)
    try:
        with Guarded(lab, writer.address) as listed, happening(lab, case, writer, image):
            began = time.monotonic()
            run = lab.play("playbooks/remediate_watchers.yml", settings(lab, case, image), **callback(lab, case, writer.process.pid, note, image))
            took = time.monotonic() - began
        wrong = judged(case.name, run, took, case.ends, listed.seen)
        wrong += [] if listed.seen == case.fenced else ["a healthy client was fenced" if listed.seen else "a client that stayed stopped was not fenced"]
        writer.signal(signal.SIGCONT)
        return wrong + ([] if case.fenced or writer.writes_on() else ["the client's writes failed"])
    finally:
        writer.end()
        free(lab, writer.address)


@contextlib.contextmanager
def happening(lab: Lab, case: Case, writer: Writer, image: str) -> t.Iterator[None]:
    """Begins what has to begin before the run."""
    if case.stopped:
        writer.signal(signal.SIGSTOP)
    # This command asks the lock's owner, so it waits for the writer.
    command = ["rbd", "--conf", lab.conf, "snap", "create", f"rbd/{image}@waiting"]
    waiting = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) if case.waits else None
    if waiting:
        time.sleep(1)
    pausing = threading.Thread(target=writer.pause, args=(case.pauses, time.monotonic() + max(0.0, -min([0.0, *(at for at, _seconds in case.pauses)]))))
    pausing.start()
    try:
        yield
    finally:
        pausing.join()
        if waiting:
            waiting.kill()
            waiting.wait()


def settings(lab: Lab, case: Case, image: str) -> dict[str, t.Any]:
    luns = [lab.lun(image)] if case.named and not case.waits else []
    return {**case.settings, "remediate_watchers_images": [f"rbd/{image}"], "remediate_watchers_luns": luns}


def callback(lab: Lab, case: Case, pid: int, note: Path, image: str) -> dict[str, str]:
    """Returns the environment that lets the case's command run after its task."""
    if not case.phase:
        return {}
    words = {"WRITER": str(pid), "CONF": lab.conf, "LEADER": str(lab.placed(image)["acting_primary"])}
    return {**words, **after_task(case.phase, case.happen, note)}


def chosen(words: t.Sequence[str]) -> list[Case]:
    if words and words[0].isdecimal():
        seed = int(words[1]) if len(words) > 1 else random.randrange(2**32)
        print(f"seed {seed}", flush=True)
        return list(by_chance(int(words[0]), seed))
    return [case for case in CASES if set(words) <= set(case.name.replace(",", "").split())]


def main() -> None:
    lab, failed = Lab(Path(sys.argv[1]), int(sys.argv[2])), 0
    # An OSD that is marked down more often than this ends.
    lab.run("ceph", "--conf", lab.conf, "config", "set", "osd", "osd_max_markdown_count", "10000")
    cases = chosen(sys.argv[3:])
    for number, case in enumerate(cases):
        wrong = paused(lab, number, case)
        failed += bool(wrong)
        print(*(f"FAILED {case.name}: {one}" for one in wrong), sep="\n", end="\n" if wrong else "", flush=True)
    print(f"{len(cases)} pauses, {failed} failed")
    sys.exit(1 if failed or not cases else 0)


if __name__ == "__main__":
    main()

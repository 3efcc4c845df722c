# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy writer that pauses while the role looks is never fenced; one that stays stopped is.

usage: pauses.py LAB PORT [WORDS], of a lab that is up; WORDS choose the pauses whose names hold them all

Each pause gets an image of its own, served by the lab's gateway and written by a client that holds its lock. The client is stopped before the run begins and
goes on after a task of it. Prints a line for each, and ends with 1 when a client that went on was fenced, or its writes failed, or when one that stayed
stopped was not fenced.

Seen to fail: without the last question, a client that goes on after the probe is fenced; guards_out.py shows that anew.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from aftermath import blacklist, outcome
from fault_list import TASKS
from lab import Lab, LabError

HERE = Path(__file__).parent
PATIENCE_S = 10
RUN = {
    "remediate_watchers_notify_timeout": 1,
    "remediate_watchers_probe_deadline": 3,
    "remediate_watchers_patience": PATIENCE_S,
    "remediate_watchers_report_dir": "",
}


class Pause(t.NamedTuple):
    """The client goes on ``seconds`` after the task ``phase`` of fault_list has ended; never where that is empty."""

    name: str
    phase: str
    seconds: float
    ends: tuple[str, ...]


PAUSES = (
    Pause("until the first look has ended", "detected", 0, ("refused",)),
    Pause("until the probe has ended", "probed", 0, ("refused",)),
    Pause("until half of the last question is over", "probed", PATIENCE_S / 2, ("refused",)),
    Pause("for ever", "", 0, ("healed_restore_pending",)),
)


class Writer:
    """A client that writes; what it says is in a file."""

    def __init__(self, lab: Lab, image: str) -> None:
        self.log = lab.directory / "clients" / f"{image}.writes"
        self.log.unlink(missing_ok=True)
        self.process = subprocess.Popen([sys.executable, str(HERE / "writer.py"), lab.conf, "rbd", image, str(self.log)])
        give_up = time.monotonic() + 60
        while len(self.lines) < 2:
            if time.monotonic() > give_up:
                raise LabError(f"The writer of rbd/{image} did not write within 60 s.")
            time.sleep(0.1)

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def address(self) -> str:
        return self.lines[0]

    def writes_on(self) -> bool:
        """Whether another write ends well."""
        seen = len(self.lines)
        give_up = time.monotonic() + 10
        while len(self.lines) == seen and time.monotonic() < give_up:
            time.sleep(0.1)
        return len(self.lines) > seen and not self.lines[-1].startswith("failed")

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


def paused(lab: Lab, number: int, pause: Pause) -> list[str]:
    """What is wrong."""
    image = f"paused{number}-{time.time():.0f}"
    lab.create(image, "layering,exclusive-lock")
    lab.serve(image)
    writer, note = Writer(lab, image), lab.directory / "pause.note"
    note.unlink(missing_ok=True)
    try:
        writer.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        run = lab.play("playbooks/remediate_watchers.yml", settings(lab, image), **callback(pause, writer.process.pid, note))
        took, ended = time.monotonic() - began, outcome(run)
        fenced = writer.address in blacklist(lab)["entries"]
        print(f"{pause.name}: {ended} after {took:.0f} s, {'fenced' if fenced else 'not fenced'}", flush=True)
        wrong = [] if ended in pause.ends else [f"it ended as {ended}: {run.stdout[-2000:]}{run.stderr[-500:]}"]
        if pause.phase:
            return wrong + (["a client that went on was fenced"] if fenced else []) + ([] if writer.writes_on() else ["the client's writes failed"])
        return wrong + ([] if fenced else ["a client that stayed stopped was not fenced"])
    finally:
        writer.end()
        # The client is gone, and the next program in this lab wants no lease of it.
        lab.play("playbooks/restore_blacklist.yml", {"remediate_watchers_restore": "always", "restore_blacklist_addresses": [writer.address]})


def settings(lab: Lab, image: str) -> dict[str, t.Any]:
    return {**RUN, "remediate_watchers_images": [f"rbd/{image}"], "remediate_watchers_luns": [lab.lun(image)]}


def callback(pause: Pause, pid: int, note: Path) -> dict[str, str]:
    """Lets the client go on when it is time."""
    if not pause.phase:
        return {}
    go_on = f"(sleep {pause.seconds}; kill -CONT {pid}) >/dev/null 2>&1 &" if pause.seconds else f"kill -CONT {pid}"
    told = {"FAULT_AFTER": TASKS[pause.phase], "FAULT_COMMAND": go_on, "FAULT_NOTE": str(note)}
    return {**told, "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "fault_after"}


def main() -> None:
    lab, words, failed = Lab(Path(sys.argv[1]), int(sys.argv[2])), set(sys.argv[3:]), 0
    pauses = [pause for pause in PAUSES if words <= set(pause.name.split())]
    for number, pause in enumerate(pauses):
        wrong = paused(lab, number, pause)
        failed += bool(wrong)
        print(*(f"FAILED {pause.name}: {one}" for one in wrong), sep="\n", end="\n" if wrong else "", flush=True)
    print(f"{len(pauses)} pauses, {failed} failed")
    sys.exit(1 if failed or not pauses else 0)


if __name__ == "__main__":
    main()

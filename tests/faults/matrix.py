# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the cluster, of other people and of clients, in each phase of the role.

usage: matrix.py LAB PORT [WORDS], of a lab with three monitors that is up; WORDS choose the cells whose names hold them all

Each cell breaks an image of its own, lets the fault happen in its phase, sees how the run ends, takes the fault back, and runs again. Whatever happened:
the first run ends by itself, with a sentence, and nobody but the stale client is on the blacklist; the second run ends well; then the LUN answers, which
it does not while somebody's reservation is left, its one watcher is alive, the blacklist is as before, and no lease is left. Prints a table and ends with
1 when a cell failed.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from kill_everywhere import QUICK, blacklist, faults
from lab import Lab

HERE = Path(__file__).parent
# The run that a fault hits must end by itself within this.
DEADLINE_S = 240
SETTLED_S = 90
TASK = "cephops.iscsi_rescue.remediate_watchers : {}"
PHASES = {
    "start": TASK.format("Begin the run"),
    "listed": TASK.format("Read the blacklist, and what earlier runs left to finish"),
    "detected": TASK.format("Look at the watchers"),
    "probed": TASK.format("Send a real RESERVE to the LUNs"),
    "confirmed": TASK.format("Ask the watchers of the sick images once more"),
    "fenced": TASK.format("Fence the culprits"),
    "verified": TASK.format("Wait until every remaining watcher is expected and answers"),
    "restored": TASK.format("Put the blacklist back"),
}
EVERY = tuple(PHASES)
SOME = ("start", "detected", "fenced", "verified")


class Fault(t.NamedTuple):
    """Shell commands. In their environment: LAB, the lab's directory; IMAGE; LEADER, the OSD that leads the header; STALE and CLIENT, the stale client's
    address and pid; RUN, the command of a run; SERVE, the command that serves the image again."""

    name: str
    happen: str
    undo: str = ""
    phases: tuple[str, ...] = SOME
    kind: str = "orphan"
    # Whom else Ceph itself fences then: a manager that is gone, for a day; whoever held the lock that the gateway's librbd breaks, for an hour.
    ceph_fences: bool = False


def mons(signal: str, names: str) -> str:
    return "; ".join(f"kill -{signal} $(cat $LAB/mon.{name}.pid)" for name in names)


CEPH = "timeout 30 ceph --conf $LAB/ceph.conf"
OPEN = (
    "import rados, rbd, signal; signal.signal(signal.SIGTERM, signal.default_int_handler); c = rados.Rados(conffile='$LAB/ceph.conf'); c.connect(); "
    "i = rbd.Image(c.open_ioctx('rbd'), '$IMAGE'); signal.pause()"
)
START = "start-stop-daemon --start --oknodo --pidfile $LAB/{0}.{1}.pid --exec /usr/bin/ceph-{0} -- --conf $LAB/ceph.conf --id {1}"
FAULTS = (
    Fault("all monitors hang", mons("STOP", "abc"), mons("CONT", "abc"), EVERY),
    Fault("one monitor hangs", mons("STOP", "b"), mons("CONT", "b")),
    Fault("the leading monitor killed", mons("KILL", "a"), START.format("mon", "a")),
    Fault("quorum lost", mons("KILL", "ab"), f"{START.format('mon', 'a')}; {START.format('mon', 'b')}"),
    Fault("quorum lost and back", f"{mons('KILL', 'ab')}; (sleep 8; {START.format('mon', 'b')}) >/dev/null 2>&1 &", START.format("mon", "a")),
    Fault("manager killed", "kill -KILL $(cat $LAB/mgr.x.pid)", START.format("mgr", "x"), ("start", "fenced"), ceph_fences=True),
    Fault("OSD of the header hangs", "kill -STOP $(cat $LAB/osd.$LEADER.pid)", "kill -CONT $(cat $LAB/osd.$LEADER.pid)"),
    # Its memory is its disk, which it writes down only when it is asked to end.
    Fault("OSD of the header goes down", "kill -TERM $(cat $LAB/osd.$LEADER.pid)", START.format("osd", "$LEADER")),
    Fault("pool full", f"{CEPH} osd set-full-ratio 0.00001; sleep 5", f"{CEPH} osd set-full-ratio 0.95; sleep 5", ("start", "detected")),
    Fault("stale client ends", "kill -CONT $CLIENT; kill -TERM $CLIENT; sleep 2", "", ("start", "detected", "fenced"), "zombie"),
    Fault(
        "a new client comes",
        f'nohup /usr/bin/python3 -c "{OPEN}" >/dev/null 2>&1 & echo $! >$LAB/newcomer.pid; sleep 2',
        "kill -TERM $(cat $LAB/newcomer.pid); sleep 2",
    ),
    Fault("somebody removes the entry", f"{CEPH} osd blocklist rm $STALE", "", ("fenced", "verified")),
    Fault("the entry expires", f"{CEPH} osd blocklist add $STALE 1; sleep 3; {CEPH} osd blocklist ls", "", ("fenced", "verified")),
    Fault("somebody adds an entry", f"{CEPH} osd blocklist add 192.0.2.77:0/77 600", f"{CEPH} osd blocklist rm 192.0.2.77:0/77"),
    Fault(
        "another run begins",
        'env --unset=ANSIBLE_CALLBACKS_ENABLED setsid bash -c "$RUN" >$LAB/other.log 2>&1 & echo $! >$LAB/other.pid',
        "timeout 200 tail --pid=$(cat $LAB/other.pid) -f /dev/null",
        ("start", "detected", "fenced"),
    ),
    Fault("the gateway dies", "kill -KILL $(cat $LAB/tgtd.pid)", 'bash -c "$SERVE"', ("detected", "fenced", "verified"), ceph_fences=True),
)


class Cell:
    def __init__(self, lab: Lab, number: int, fault: Fault, phase: str) -> None:
        self.lab, self.fault, self.phase, self.image = lab, fault, phase, f"cell{number}"

    def run(self) -> tuple[str, list[str]]:
        """How the first run ended, and what is wrong."""
        stale = self.lab.inject(self.image, self.fault.kind)
        words, before = self.words(stale), blacklist(self.lab)
        note = self.lab.directory / "fault.note"
        note.unlink(missing_ok=True)
        happened = {"FAULT_AFTER": PHASES[self.phase], "FAULT_COMMAND": self.fault.happen, "FAULT_NOTE": str(note), **words}
        callback = {"ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "fault_after"}
        began = time.monotonic()
        first = self.heal(**happened, **callback)
        took = time.monotonic() - began
        said = note.read_text() if note.exists() else ""
        self.undo(words)
        wrong = [] if said else ["the fault did not happen"]
        wrong += [f"the run took {took:.0f} s"] if took > DEADLINE_S else []
        strangers = set(blacklist(self.lab)["entries"]) - set(before["entries"]) - {stale["address"]}
        wrong += [f"{strangers} were fenced"] if strangers and not self.fault.ceph_fences else []
        second = self.heal()
        wrong += [] if second.returncode == 0 else [f"the second run failed: {sentence(second)}"]
        if self.fault.ceph_fences:
            before["entries"].update({client: until for client, until in blacklist(self.lab)["entries"].items() if client != stale["address"]})
        wrong += faults(self.lab, self.image, before)
        return f"{sentence(first)} ({took:.0f} s), then {sentence(second)}", wrong

    def words(self, stale: dict[str, t.Any]) -> dict[str, str]:
        command = ["rbd", "--conf", self.lab.conf, "info", f"rbd/{self.image}", "--format", "json"]
        header = f"rbd_header.{json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)['id']}"
        command = ["ceph", "--conf", self.lab.conf, "osd", "map", "rbd", header, "--format", "json"]
        leader = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)["acting_primary"]
        serve = self.lab.command("playbooks/lab_up.yml", {**self.lab.settings, "incident_lab_mons": 3, "incident_lab_image": self.image})
        run = self.lab.command("playbooks/remediate_watchers.yml", self.settings)
        told = {"LEADER": str(leader), "STALE": stale["address"], "CLIENT": str(stale["pid"]), "RUN": shlex.join(run), "SERVE": shlex.join(serve)}
        return {"LAB": str(self.lab.directory), "IMAGE": self.image, **told}

    @property
    def settings(self) -> dict[str, t.Any]:
        return {**QUICK, "remediate_watchers_ceph_timeout": 5, "remediate_watchers_images": [f"rbd/{self.image}"]}

    def heal(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.lab.play("playbooks/remediate_watchers.yml", self.settings, ANSIBLE_CALLBACK_RESULT_FORMAT="json", **environment)

    def undo(self, words: t.Mapping[str, str]) -> None:
        subprocess.run(["bash", "-c", self.fault.undo], check=False, env={**os.environ, **words}, timeout=300, capture_output=True)
        self.settle()

    def settle(self) -> None:
        """Until all monitors and OSDs are in, all placement groups are active, somebody manages, and the image answers."""
        give_up = time.monotonic() + SETTLED_S
        while time.monotonic() < give_up:
            command = ["timeout", "10", "ceph", "--conf", self.lab.conf, "status", "--format", "json"]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                state = json.loads(done.stdout)
                active = [one["state_name"] for one in state["pgmap"].get("pgs_by_state", [])] == ["active+clean"]
                whole = len(state["quorum"]) == state["monmap"]["num_mons"] and state["osdmap"]["num_up_osds"] == state["osdmap"]["num_osds"]
                if active and whole and state["mgrmap"].get("available") and self.answers():
                    return
            time.sleep(1)
        raise SystemExit(f"The lab did not become well again within {SETTLED_S} s.")

    def answers(self) -> bool:
        command = ["timeout", "10", "rbd", "--conf", self.lab.conf, "status", f"rbd/{self.image}"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


def sentence(run: subprocess.CompletedProcess[str]) -> str:
    """The outcome, or the first failure in words; an end without either is one that nobody understands."""
    outcome = re.search(r"\"(\w+), looked at", run.stdout)
    # The last one is the role's own, where it came to that.
    failures = re.findall(r"\[ERROR\]: (?:Task failed: )?(?:Module failed: |Action failed: )?(.*)", run.stdout + run.stderr)
    words = failures[-1][:160] if failures else ""
    return ": ".join(part for part in (outcome[1] if outcome else "", words) if part) or "NOTHING SAID"


def main() -> None:
    lab, words, failed = Lab(Path(sys.argv[1]), int(sys.argv[2])), sys.argv[3:], 0
    cells = [(fault, phase) for fault in FAULTS for phase in fault.phases if all(word in f"{fault.name} {phase}" for word in words)]
    for number, (fault, phase) in enumerate(cells, 1):
        ended, wrong = Cell(lab, number, fault, phase).run()
        wrong += ["nothing was said"] if "NOTHING SAID" in ended else []
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':<8}{fault.name:<28}{phase:<10}{ended}{'; ' + '; '.join(wrong) if wrong else ''}", flush=True)
    print(f"{len(cells)} cells, {failed} failed")
    sys.exit(1 if failed or not cells else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the cluster, of other operators and of clients, in each phase of the role.

usage: matrix.py LAB PORT [WORDS [, WORDS ...]], of a lab with three monitors that is up; each WORDS choose the cells whose names hold them all

Each cell breaks an image of its own, and lets the fault happen in its phase. Once the run has ended, the cell undoes the fault, and runs the role again.
In each cell: the fault did happen; the first run ends by itself, without a traceback, in a way that the list of faults allows and that is true; only
addresses that the list names are on the blocklist, and entries of ours have a lease; another operator's entry is unchanged; no reservation is left. Then
the next run ends well. A stopped client stays fenced until it is ended. At last the LUN answers, its one watcher is alive, the blocklist is as before, and
no lease is left. Prints a table, and exits with 1 if a cell failed.

Seen to fail: with guards taken out, as guards_out.py does. Before the first cell, a reservation is held, which must be seen.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

from aftermath import After, blacklist, look, outcome, require_sight, reserved, seconds_left, sentence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist as entries
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import lease_store
from fault_list import FAULTS, HEALED, INSIDE, NOTHING, PENDING, Fault, after_task
from lab import Lab, LabError, lives

# The run that a fault hits must end by itself within this.
DEADLINE_S = 240
SETTLED_S = 300
# Ceph's own entries last for an hour or a day. So an entry with no more than this left is known as ours.
EXPIRE_S = 1500
# While it cannot be seen whether a client is alive, the entry stays for a later run.
LATER_RUNS, LATER_S = 3, 25
RUN = {
    "remediate_watchers_notify_timeout": 1,
    "remediate_watchers_probe_deadline": 3,
    "remediate_watchers_patience": 3,
    "remediate_watchers_ceph_timeout": 5,
    "remediate_watchers_expire": EXPIRE_S,
    "remediate_watchers_report_dir": "",
}


class Row(t.NamedTuple):
    """A line of the table."""

    cell: str
    first: str
    then: str
    took_s: float
    after: After | None
    equal: bool
    wrong: list[str]


class Cell:
    def __init__(self, lab: Lab, number: int, fault: Fault, phase: str) -> None:
        self.lab, self.fault, self.phase, self.image = lab, fault, phase, f"cell{number}-{time.time():.0f}"
        self.note = lab.directory / "fault.note"
        self.words: dict[str, str] = {}
        self.wrong: list[str] = []
        self.first, self.then, self.took_s, self.after = "", "", 0.0, None

    def __str__(self) -> str:
        return f"{self.fault.name}, {self.fault.kind}, {self.phase}"

    def run(self) -> Row:
        stale = self.lab.inject(self.image, self.fault.kind)
        self.words, found = self.known(stale), blacklist(self.lab)
        before, owed = found["entries"], [one["address"] for one in found["leases"]]
        first = self.run_hit()
        self.expect(self.first in self.fault.ends[self.phase], f"it ended as {self.first}, not {'/'.join(self.fault.ends[self.phase])}: {sentence(first)}")
        self.happened()
        self.undo()
        if self.fault.keeps:
            before = {**before, self.kept: blacklist(self.lab)["entries"].get(self.kept, "")}
        self.between(before)
        self.converge(stale["pid"])
        self.settle()
        self.after = look(self.lab, self.image)
        others = self.others(self.after.entries)
        self.wrong += self.after.wrong(before, others, owed)
        self.must(self.fault.undo if self.fault.keeps else "true")
        return self.row(not self.after.wrong_entries(before, others))

    def row(self, equal: bool = False) -> Row:
        return Row(str(self), self.first, self.then, self.took_s, self.after, equal, self.wrong)

    def expect(self, holds: bool, why: str) -> None:
        self.wrong += [] if holds else [why]

    def known(self, stale: dict[str, t.Any]) -> dict[str, str]:
        mapped = self.lab.placed(self.image)
        status = self.lab.json("rbd", "status", f"rbd/{self.image}")
        serve = self.lab.command("playbooks/lab_up.yml", {**self.lab.settings, "incident_lab_mons": 3, "incident_lab_image": self.image})
        return {
            "LAB": str(self.lab.directory),
            "IMAGE": self.image,
            "LEADER": str(mapped["acting_primary"]),
            "OTHER": str(next(osd for osd in mapped["acting"] if osd != mapped["acting_primary"])),
            "STALE": stale["address"],
            "CLIENT": str(stale["pid"]),
            "GATEWAY": " ".join(watcher["address"] for watcher in status["watchers"] if watcher["address"] != stale["address"]),
            "MANAGER": self.manager(),
            "RUN": shlex.join(self.lab.command("playbooks/remediate_watchers.yml", self.settings)),
            "SERVE": shlex.join(serve),
        }

    def manager(self) -> str:
        """Returns all addresses of the manager. The monitors fence them when it dies."""
        told = self.lab.json("ceph", "mgr", "dump")
        vectors = [told["active_addrs"]["addrvec"], *(client["addrvec"] for client in told.get("active_clients", []))]
        return " ".join(f"{one['addr']}/{one['nonce']}" for vector in vectors for one in vector)

    @property
    def settings(self) -> dict[str, t.Any]:
        settle = {"remediate_watchers_quorum_settle": self.fault.settle_s} if self.fault.settle_s else {}
        return {**RUN, **settle, "remediate_watchers_images": [f"rbd/{self.image}"], "remediate_watchers_luns": [self.lab.lun(self.image)]}

    @property
    def kept(self) -> str:
        return self.words.get(self.fault.keeps, self.fault.keeps)

    def heal(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.lab.play("playbooks/remediate_watchers.yml", self.settings, ANSIBLE_CALLBACK_RESULT_FORMAT="json", **environment)

    def run_hit(self) -> subprocess.CompletedProcess[str]:
        """Runs the role, and lets the fault hit that run."""
        self.note.unlink(missing_ok=True)
        began = time.monotonic()
        if self.phase in INSIDE:
            with Inside(self):
                first = self.heal()
        else:
            first = self.heal(**after_task(self.phase, self.fault.happen, self.note), **self.words)
        self.first, self.took_s = outcome(first), time.monotonic() - began
        self.expect(self.took_s < DEADLINE_S, f"the run took {self.took_s:.0f} s")
        return first

    def happened(self) -> None:
        said = self.note.read_text() if self.note.exists() else "it did not happen"
        self.expect(said.startswith("0 "), f"the fault: {said}")
        if self.fault.keeps:
            found = blacklist(self.lab)["entries"].get(self.kept)
            self.expect(bool(found) and f"{self.kept} {found}" in said, f"another operator's entry of {self.kept} is {found}, and was added as {said}")

    def undo(self) -> None:
        undo = "true" if self.fault.keeps else self.fault.undo
        self.must(undo)
        self.settle()

    def must(self, command: str) -> None:
        done = subprocess.run(["bash", "-ec", command], check=False, env={**os.environ, **self.words}, timeout=300, capture_output=True, text=True)
        self.expect(done.returncode == 0, f"'{command}' failed: {done.stderr}")

    def between(self, before: t.Mapping[str, str]) -> None:
        """Checks what the first run left, and whether its outcome is true."""
        seen = blacklist(self.lab)
        fenced, leased = self.words["STALE"] in seen["entries"], self.words["STALE"] in [one["address"] for one in seen["leases"]]
        new = {client: until for client, until in seen["entries"].items() if client not in before}
        strangers = set(new) - {self.words["STALE"], *self.others(seen["entries"])}
        self.expect(not strangers, f"{strangers} were fenced")
        owned = fenced and self.words["STALE"] != self.kept and seconds_left(seen["entries"][self.words["STALE"]]) <= EXPIRE_S
        self.expect(not owned or leased, "the stale client is fenced by us, but no lease explains it")
        self.expect(self.first != PENDING or (fenced and leased), "the run says that the fence stays, but it is not there")
        self.expect(self.first not in (HEALED, NOTHING) or not (owned or leased), "the run says that all is done, but an entry or a lease is left")
        self.expect(not reserved(self.lab, self.image), "a reservation is left")
        if self.fault.rival:
            self.read_rival()

    def read_rival(self) -> None:
        log, code = self.lab.directory / "rival.log", self.lab.directory / "rival.code"
        ended = outcome(subprocess.CompletedProcess([], int(code.read_text()) if code.exists() else -9, log.read_text(), ""))
        self.then = f"the other {ended}, "
        self.expect(ended in (HEALED, NOTHING, PENDING), f"the other run ended as {ended}: {log.read_text()[-1500:]}")

    def others(self, entries: t.Mapping[str, str]) -> set[str]:
        """Returns the clients that Ceph itself fenced: a dead manager, or a lock's owner when the gateway's librbd breaks the lock. Short entries are ours."""
        named = {client for word in self.fault.fences for client in (self.words[word] + (f" {self.manager()}" if word == "MANAGER" else "")).split()}
        return {client for client in named if client in entries and seconds_left(entries[client]) > EXPIRE_S}

    def converge(self, pid: int) -> None:
        """Runs again until all is done; a stopped client is ended when it stays fenced."""
        ends = [self.again()]
        if self.fault.kind == "zombie" and lives(pid):
            self.expect(ends == [PENDING], f"a living client's entry was removed: {ends}")
            self.must("kill -CONT $CLIENT; kill -KILL $CLIENT; sleep 1")
            ends += [self.again()]
        while ends[-1] == PENDING and len(ends) < LATER_RUNS + 2:
            time.sleep(LATER_S)
            ends += [self.again()]
        if ends[-1] == PENDING and self.fault.kind == "zombie":
            ends += [self.by_word()]
        self.then += ", ".join(ends)
        self.expect(ends[-1] in (HEALED, NOTHING, "removed by the operator"), f"the next run ended as {ends[-1]}")
        if self.fault.keeps:
            self.expect(bool(blacklist(self.lab)["entries"].get(self.kept)), f"another operator's entry of {self.kept} is gone")

    def again(self) -> str:
        done = self.heal()
        ended = outcome(done)
        return ended if ended in (HEALED, NOTHING, PENDING) else f"{ended} ({sentence(done)})"

    def by_word(self) -> str:
        """Removes the entry as an operator would, if the client is known to be gone."""
        settings = {"remediate_watchers_restore": "always", "restore_blacklist_addresses": [self.words["STALE"]]}
        done = self.lab.play("playbooks/restore_blacklist.yml", settings)
        return "removed by the operator" if done.returncode == 0 else f"not removed by the operator: {sentence(done)}"

    def settle(self) -> None:
        """Waits until all monitors and OSDs are in, all placement groups are active, a manager is there, nothing is full, and the image answers."""
        give_up = time.monotonic() + SETTLED_S
        while time.monotonic() < give_up:
            command = ["timeout", "30", "ceph", "--conf", self.lab.conf, "status", "--format", "json"]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode == 0 and is_well(json.loads(done.stdout)) and self.answers():
                return
            time.sleep(1)
        raise LabError(f"The lab did not become well again within {SETTLED_S} s.")

    def answers(self) -> bool:
        command = ["timeout", "30", "rbd", "--conf", self.lab.conf, "status", f"rbd/{self.image}"]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0


class Inside:
    """Lets the fault happen in the middle of a task, as soon as the cluster shows what is waited for."""

    def __init__(self, cell: Cell) -> None:
        self.cell, self.over = cell, threading.Event()
        self.thread = threading.Thread(target=self.wait, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        self.thread.join(130)

    def wait(self) -> None:
        lab, stale, was = self.cell.lab, self.cell.words["STALE"], False
        with Cluster(Connection.from_options(lab.connection)) as cluster:
            while not self.over.is_set():
                leased, entered = stale in lease_store.read(cluster, "rbd"), stale in entries.read(cluster).entries
                if {"leased": leased, "entered": entered, "removed": was and not entered}[self.cell.phase]:
                    self.happen()
                    return
                was = was or entered
                time.sleep(0.01)

    def happen(self) -> None:
        done = subprocess.run(
            ["timeout", "120", "bash", "-ec", self.cell.fault.happen], check=False, capture_output=True, text=True, env={**os.environ, **self.cell.words}
        )
        self.cell.note.write_text(f"{done.returncode} {done.stdout}{done.stderr}")


def is_well(state: t.Mapping[str, t.Any]) -> bool:
    active = [one["state_name"] for one in state["pgmap"].get("pgs_by_state", [])] == ["active+clean"]
    whole = len(state["quorum"]) == state["monmap"]["num_mons"] and state["osdmap"]["num_up_osds"] == state["osdmap"]["num_osds"]
    full = {"POOL_FULL", "OSD_FULL"} & set(state["health"]["checks"])
    return active and whole and not full and bool(state["mgrmap"].get("available"))


def chosen(words: t.Sequence[str]) -> list[tuple[Fault, str]]:
    """Returns the cells that at least one group of words describes. Each group must describe a cell."""
    groups = [group.split() for group in " ".join(words).split(",")]
    cells = [(fault, phase) for fault in FAULTS for phase in fault.ends]
    fitting = [[cell for cell in cells if set(group) <= set(f"{cell[0].name} {cell[0].kind} {cell[1]}".split())] for group in groups]
    if not all(fitting):
        raise SystemExit(f"No cell is described by one of {groups}.")
    return [cell for cell in cells if any(cell in found for found in fitting)]


def line(row: Row) -> str:
    after = row.after
    seen = (
        ("not seen", "", "", "")
        if after is None
        else ("equal" if row.equal else "changed", str(len(after.leases)), after.lun, "left" if after.reserved else "none")
    )
    return columns("FAILED" if row.wrong else "ok", row.cell, row.first, f"{row.took_s:.0f} s", row.then, *seen)


def columns(*words: str) -> str:
    return "".join(f"{word:<{width}}" for word, width in zip(words, (7, 50, 23, 7, 42, 9, 7, 9, 4)))


def tried(lab: Lab, cells: t.Sequence[tuple[Fault, str]]) -> t.Iterator[Row]:
    """Yields row by row. Ends early if the lab does not become well again."""
    for number, (fault, phase) in enumerate(cells, 1):
        cell = Cell(lab, number, fault, phase)
        try:
            yield cell.run()
        except RescueError as error:
            cell.expect(False, f"its state could not be seen: {error}")
            yield cell.row()
        except LabError as error:
            cell.expect(False, f"{error} The cells after it were not tried.")
            yield cell.row()
            return


def main() -> None:
    lab, rows = Lab(Path(sys.argv[1]), int(sys.argv[2])), []
    cells = chosen(sys.argv[3:])
    require_sight(lab)
    for row in tried(lab, cells):
        rows.append(row)
        print(line(row), *(f"\n        {why}" for why in row.wrong), flush=True)
    print("\n" + columns("", "fault, incident, phase", "first run", "", "then", "entries", "leases", "LUN", "reservation"))
    for row in rows:
        print(line(row))
    failed = sum(bool(row.wrong) for row in rows) + len(cells) - len(rows)
    print(f"{len(cells)} cells, {failed} failed")
    sys.exit(1 if failed or not cells else 0)


if __name__ == "__main__":
    main()

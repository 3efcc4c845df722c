# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role on each release of Ceph that a Debian carries, with that Debian's Python and libraries.

usage: releases.py LAB PORT [RELEASE ...]

On each: an orphan is fenced, the image proven healed, and the entry removed; a stopped client stays fenced until it is ended; two healthy clients are
refused; then a survey of everything finds nothing. The blocklist is as before. If the release has ranges, another operator's range is on it. Prints a line
for each step, and exits with 1 if one failed.

Seen to fail: without the exception for Nautilus in _ceph/sessions.py, nothing is fenced there. With the task's layout of libiscsi 1.19, the LUN is faulty
on reef and tentacle.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from kill_everywhere import QUICK
from lab import Lab

RELEASES = ("nautilus", "pacific", "reef", "tentacle")
# Before Octopus it is not visible whether a client is gone, so its entry is removed only by the operator. Ranges came with Quincy.
BLIND, RANGES = ("nautilus",), ("reef", "tentacle")
# Most of this is to fetch and unpack a Debian, once.
ROOT_MADE_S = 1200
CEPH = "timeout 30 ceph --conf {conf} "


class Failed(Exception):
    """What was not as it should be."""


class Release:
    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name, self.blind = lab, name, name in BLIND

    def steps(self) -> list[tuple[str, t.Callable[[], None]]]:
        return [("up", self.up), ("orphan", self.orphan), ("zombie", self.zombie), ("survey", self.survey), ("contested", self.contested), ("down", self.down)]

    def up(self) -> None:
        self.ended(self.lab.play("playbooks/lab_down.yml", self.lab.settings), 0)
        self.ended(self.lab.play("playbooks/lab_up.yml", {**self.lab.settings, "incident_lab_release": self.name}, ROOT_MADE_S), 0)
        if f") {self.name} (" not in self.shell(CEPH + "version"):
            raise Failed("the cluster is of another release")
        if self.name in RANGES:
            self.shell(CEPH + "osd blocklist range add 198.51.100.0/24 3600")

    def orphan(self) -> None:
        before = self.broken("orphan")
        self.heals("orphan", "healed_restore_pending" if self.blind else "healed")
        if self.blind:
            self.word_given("orphan")
        self.heals("orphan", "nothing_to_do")
        self.as_before("orphan", before)

    def zombie(self) -> None:
        before = self.broken("zombie")
        client = self.client("zombie")
        self.heals("zombie", "healed_restore_pending")
        if client["address"] not in self.seen()["blacklist"]:
            raise Failed("the stopped client is not fenced")
        self.shell(f"kill -CONT {client['pid']}; kill -KILL {client['pid']}; sleep 1")
        if self.blind:
            self.word_given("zombie")
        else:
            self.heals("zombie", "healed")
        self.heals("zombie", "nothing_to_do")
        self.as_before("zombie", before)

    def survey(self) -> None:
        done = self.lab.play("playbooks/remediate_watchers.yml", QUICK, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
        self.ended(done, 0)
        if "nothing_to_do, looked at 3 images" not in done.stdout:
            raise Failed(done.stdout)

    def contested(self) -> None:
        before = self.broken("contested")
        self.heals("contested", "refused")
        if self.seen()["blacklist"] != before:
            raise Failed("the blocklist changed")

    def down(self) -> None:
        if self.name in RANGES and "198.51.100.0" not in self.shell(CEPH + "osd blocklist ls"):
            raise Failed("another operator's range is gone")
        self.ended(self.lab.play("playbooks/lab_down.yml", self.lab.settings), 0)

    def broken(self, kind: str) -> dict[str, str]:
        """Makes an image of that name and kind. Returns the blocklist."""
        self.ended(self.lab.play("playbooks/lab_inject.yml", {**self.lab.settings, "incident_lab_image": kind, "incident_lab_kind": kind}), 0)
        return t.cast(dict[str, str], self.seen()["blacklist"])

    def seen(self) -> dict[str, t.Any]:
        """Returns what the modules see inside the lab, since this host's librados might be too old for the cluster's keys."""
        self.ended(self.lab.play("playbooks/lab_show.yml", {"lab_show_name": "now"}), 0)
        return json.loads((self.lab.directory / "shown" / "now.json").read_text())  # type: ignore[no-any-return]

    def heals(self, image: str, outcome: str) -> None:
        settings = {**QUICK, "remediate_watchers_images": [f"rbd/{image}"]}
        done = self.lab.play("playbooks/remediate_watchers.yml", settings, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
        found = re.search(r"^(\w+), looked at", done.stdout, re.MULTILINE)
        if not found or found[1] != outcome:
            raise Failed(f"{found[1] if found else 'no outcome'} instead of {outcome}:\n{done.stdout}{done.stderr}")

    def word_given(self, image: str) -> None:
        settings = {"remediate_watchers_restore": "always", "restore_blacklist_addresses": [self.client(image)["address"]]}
        self.ended(self.lab.play("playbooks/restore_blacklist.yml", settings), 0)

    def client(self, image: str) -> dict[str, t.Any]:
        return json.loads((self.lab.directory / "clients" / f"{image}.json").read_text())  # type: ignore[no-any-return]

    def as_before(self, image: str, before: dict[str, str]) -> None:
        after = self.seen()
        verdict = next(probe["verdict"] for probe in after["probes"] if probe["item"]["image"] == f"rbd/{image}")
        watchers = next([watcher["liveness"] for watcher in one["watchers"]] for one in after["images"] if one["spec"] == f"rbd/{image}")
        if (verdict, watchers, after["blacklist"], after["leases"]) != ("healthy", ["alive"], before, []):
            raise Failed(f"the LUN is {verdict}, its watchers are {watchers}, the blocklist is {after['blacklist']}, leases are {after['leases']}")

    def shell(self, command: str) -> str:
        """Runs a command where the cluster is. Returns its output."""
        inventory = str(self.lab.directory / "inventory.yml")
        asked = ["ansible", "lab", "--inventory", inventory, "--module-name", "ansible.builtin.shell", "--args", command.format(conf=self.lab.conf)]
        done = subprocess.run(asked, check=False, capture_output=True, text=True, timeout=120)
        self.ended(done, 0)
        return done.stdout

    def ended(self, done: subprocess.CompletedProcess[str], code: int) -> None:
        if done.returncode != code:
            raise Failed(f"{done.args} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def main() -> None:
    lab, names, failed = Lab(Path(sys.argv[1]), int(sys.argv[2])), sys.argv[3:] or RELEASES, 0
    for name in names:
        for step, act in Release(lab, name).steps():
            began = time.monotonic()
            try:
                act()
            except Failed as error:
                failed += 1
                print(f"FAILED  {name:<10}{step:<10}{error}", flush=True)
            else:
                print(f"ok      {name:<10}{step:<10}{time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(names)} releases, {failed} steps failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

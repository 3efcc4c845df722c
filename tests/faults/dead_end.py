# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of unusable images have in common: runs of the role, and checks of how they end."""

from __future__ import annotations

import subprocess
import time
import typing as t

from aftermath import outcome
from lab import Lab

QUICK = {
    "remediate_watchers_notify_timeout": 3,
    "remediate_watchers_patience": 3,
    "remediate_watchers_report_dir": "",
    "remediate_watchers_look_only": False,
}


class DeadEnd:
    def __init__(self, lab: Lab) -> None:
        self.lab, self.faults = lab, 0

    def check(self, what: str, holds: bool, why: object) -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else f': {why}'}", flush=True)
        self.faults += not holds

    def play(self, **settings: t.Any) -> subprocess.CompletedProcess[str]:
        """Runs the role. The settings lack their prefix."""
        told = {f"remediate_watchers_{name}": value for name, value in settings.items()}
        return self.lab.play("playbooks/remediate_watchers.yml", {**QUICK, **told})

    def free(self, *images: str, **settings: t.Any) -> subprocess.CompletedProcess[str]:
        return self.play(free=images, **settings)

    def ends(self, what: str, done: subprocess.CompletedProcess[str], end: str, *words: str) -> None:
        missing = [word for word in words if word not in done.stdout]
        self.check(f"{what}: {end}", outcome(done) == end and not missing, f"{outcome(done)}, not said: {missing}: {done.stdout[-3000:]}{done.stderr[-800:]}")

    def removes(self, image: str) -> bool:
        """Returns whether the image can be deleted, and deletes it."""
        self.lab.run("rbd", "--conf", self.lab.conf, "rm", "--no-progress", f"rbd/{image}", check=False)
        return image not in self.lab.json("rbd", "ls", "rbd")

    def dead(self, image: str, count: int) -> None:
        """Makes an image whose clients were killed one after the other. If there was only one, it held the lock."""
        self.lab.create(image, "layering,exclusive-lock" if count == 1 else "layering")
        for number in range(count):
            self.lab.orphan(image, f"{image}-{number}")


def locked(lab: Lab, image: str) -> str:
    """Makes an image whose lock is held by a client that was killed and fenced, and whose entry was removed. Returns its address."""
    lab.create(image, "layering,exclusive-lock")
    owner = str(lab.orphan(image, image)["address"])
    lab.run("ceph", "--conf", lab.conf, "osd", "blocklist", "add", owner, "60")
    give_up = time.monotonic() + 30
    while watchers(lab, image) and time.monotonic() < give_up:
        time.sleep(0.2)
    lab.run("ceph", "--conf", lab.conf, "osd", "blocklist", "rm", owner)
    return owner


def watchers(lab: Lab, image: str) -> list[str]:
    return [one["address"] for one in lab.json("rbd", "status", f"rbd/{image}")["watchers"]]


def holder(lab: Lab, image: str) -> str:
    """Returns the address of the client that holds the lock, '' for none."""
    return next((one["address"] for one in lab.json("rbd", "lock", "ls", f"rbd/{image}")), "")

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab that is up, for test programs: plays in it, incidents in it, and what it serves."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

INITIATOR = "iqn.2026-11.invalid.cephops.iscsi-rescue:after"
# What the modules' argument specs would fill in.
LOOK = {
    "pools": [],
    "images": [],
    "expected": 1,
    "expected_for": [],
    "survey": "auto",
    "evict": [],
    "missing_ok": False,
    "liveness": "duplicates",
    "notify_timeout": 5,
}
BLACKLIST = {"addresses": [], "state": "present", "expire": 3600, "lease": None, "pools": [], "restore": "when_gone"}


class Lab(t.NamedTuple):
    directory: Path
    port: int

    @property
    def conf(self) -> str:
        return str(self.directory / "ceph.conf")

    @property
    def connection(self) -> dict[str, t.Any]:
        return {"conf": self.conf, "client": "client.admin", "keyring": None, "timeout": 30, "quorum_settle": 15}

    @property
    def settings(self) -> dict[str, t.Any]:
        """What the lab's own playbooks must be told."""
        return {"incident_lab_dir": str(self.directory), "incident_lab_port": self.port}

    def command(self, playbook: str, settings: t.Mapping[str, t.Any]) -> list[str]:
        return ["ansible-playbook", "--inventory", str(self.directory / "inventory.yml"), playbook, "--extra-vars", json.dumps(settings)]

    def play(self, playbook: str, settings: t.Mapping[str, t.Any], **environment: str) -> subprocess.CompletedProcess[str]:
        """In a process group of its own."""
        merged = {**os.environ, **environment}
        return subprocess.run(self.command(playbook, settings), env=merged, check=False, capture_output=True, text=True, timeout=300, start_new_session=True)

    def inject(self, image: str, kind: str = "orphan") -> dict[str, t.Any]:
        """An incident on an image and a LUN of its own; the client's own words."""
        done = self.play("playbooks/lab_inject.yml", {**self.settings, "incident_lab_image": image, "incident_lab_kind": kind})
        if done.returncode:
            raise SystemExit(f"The incident could not be made:\n{done.stdout}{done.stderr}")
        return json.loads((self.directory / "clients" / f"{image}.json").read_text())  # type: ignore[no-any-return]

    def lun(self, image: str) -> dict[str, t.Any]:
        """The entry of remediate_watchers_luns."""
        command = ["ansible-inventory", "--inventory", str(self.directory / "inventory.yml"), "--host", "lab"]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
        return next(lun for lun in told["remediate_watchers_luns"] if lun["image"] == f"rbd/{image}")

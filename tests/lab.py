# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab that is up, for test programs: plays in it, incidents in it, and what it serves."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:lab"
LONGEST_PLAY_S = 300
INITIATOR = "iqn.2026-11.invalid.cephops.iscsi-rescue:after"
# What the modules' argument specs would fill in.
LOOK = {
    "pools": [],
    "images": [],
    "expected": 1,
    "expected_for": [],
    "survey": "auto",
    "evict": [],
    "free": [],
    "dead_hosts": [],
    "deep": False,
    "missing_ok": False,
    "blocklist": False,
    "after": 0,
    "wait": 0,
    "served": [],
    "liveness": "duplicates",
    "notify_timeout": 5,
    "patience": 0,
}
BLACKLIST = {"addresses": [], "state": "present", "expire": 3600, "lease": None, "pools": [], "restore": "when_gone"}


# How ansible-core to 2.18, and that from 2.19 on, shows a module that ended by an exception: the latter without the traceback, and fail_json's msg as it is.
_CRASHED = re.compile(r"""Traceback \(most recent call last\)|MODULE FAILURE|module_stdout|msg"?: ['"]?Task failed: Module failed: """)


class LabError(Exception):
    """The lab is not as a test needs it."""


class Lab(t.NamedTuple):
    """``gateway``: where its iSCSI portal is."""

    directory: Path
    port: int
    gateway: str = "127.0.0.1"

    @property
    def conf(self) -> str:
        return str(self.directory / "ceph.conf")

    @property
    def connection(self) -> dict[str, t.Any]:
        return {"conf": self.conf, "client": "client.admin", "keyring": None, "timeout": 30, "quorum_settle": 15, "osd_settle": 15}

    @property
    def settings(self) -> dict[str, t.Any]:
        """What the lab's own playbooks must be told."""
        return {"incident_lab_dir": str(self.directory), "incident_lab_port": self.port}

    def command(self, playbook: str, settings: t.Mapping[str, t.Any]) -> list[str]:
        return ["ansible-playbook", "--inventory", str(self.directory / "inventory.yml"), playbook, "--extra-vars", json.dumps(settings)]

    def play(self, playbook: str, settings: t.Mapping[str, t.Any], longest_s: float = LONGEST_PLAY_S, **environment: str) -> subprocess.CompletedProcess[str]:
        """In a process group of its own. What does not end by itself is killed with all its children; then the return code is that of the kill."""
        command = self.command(playbook, settings)
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            said = process.communicate(timeout=longest_s)
        except subprocess.TimeoutExpired:
            for child in [*descendants(process.pid), process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            said = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, *said)

    def run(self, *command: str, check: bool = True) -> str:
        """What a short command says."""
        environment = {**os.environ, "TGT_IPC_SOCKET": str(self.directory / "tgtd")}
        done = subprocess.run(["timeout", "60", *command], check=False, capture_output=True, text=True, env=environment)
        if check and done.returncode:
            raise LabError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def json(self, program: str, *words: str) -> t.Any:
        """What a command of ``ceph`` or ``rbd`` says."""
        return json.loads(self.run(program, "--conf", self.conf, *words, "--format", "json"))

    def placed(self, image: str) -> dict[str, t.Any]:
        """Where the image's header is, as ``ceph osd map`` says."""
        header = f"rbd_header.{self.json('rbd', 'info', f'rbd/{image}')['id']}"
        return t.cast(dict[str, t.Any], self.json("ceph", "osd", "map", "rbd", header))

    def inject(self, image: str, kind: str = "orphan") -> dict[str, t.Any]:
        """An incident on an image and a LUN of its own; the client's own words. What playbooks/lab_inject.yml does, without the seconds of a playbook."""
        self.create(image, "layering" if kind == "contested" else "layering,exclusive-lock")
        self.serve(image)
        if kind == "orphan":
            return self.orphan(image, image)
        said = self.client(image, image)
        if kind == "zombie":
            os.kill(said["pid"], signal.SIGSTOP)
        return said

    def create(self, image: str, features: str = "layering") -> None:
        self.run("rbd", "--conf", self.conf, "create", f"rbd/{image}", "--size", "64M", "--image-feature", features)

    def orphan(self, image: str, name: str) -> dict[str, t.Any]:
        """A client that has opened the image and was killed."""
        said = self.client(image, name)
        self.run(*self.daemon(name), "--stop", "--retry", "KILL/5")
        return said

    def client(self, image: str, name: str) -> dict[str, t.Any]:
        """A client that has the image open; what it says of itself."""
        ready = self.directory / "clients" / f"{name}.json"
        command = ["/usr/bin/python3", str(ROOT / "roles/incident_lab/files/lab_client.py"), self.conf, str(ready), "rbd", image]
        ready.unlink(missing_ok=True)
        self.run(*self.daemon(name), "--start", "--background", "--make-pidfile", "--startas", command[0], "--", *command[1:])
        give_up = time.monotonic() + 60
        while not ready.exists():
            if time.monotonic() > give_up:
                raise LabError(f"A client did not open rbd/{image} within 60 s.")
            time.sleep(0.1)
        return json.loads(ready.read_text())  # type: ignore[no-any-return]

    def daemon(self, name: str) -> list[str]:
        return ["start-stop-daemon", "--pidfile", str(self.directory / "clients" / f"{name}.pid"), "--name", "lab_client"]

    def serve(self, image: str) -> None:
        """As the next LUN, by the lab's tgtd."""
        number = str(max(self.served().values(), default=0) + 1)
        backing = ["--bstype", "rbd", "--bsopts", f"conf={self.conf};id=admin", "--backing-store", f"rbd/{image}"]
        self.run(*self.tgtadm, "--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", number, *backing)

    def served(self) -> dict[str, int]:
        """Image, as pool/image -> LUN number."""
        shown = self.run(*self.tgtadm, "--op", "show", "--mode", "target")
        return {image: int(lun) for lun, image in re.findall(r"(?s)LUN: ([1-9][0-9]*)\n.*?Backing store path: (\S+)", shown)}

    @property
    def tgtadm(self) -> list[str]:
        return ["tgtadm", "--lld", "iscsi", "--control-port", str(self.port)]

    def lun(self, image: str) -> dict[str, t.Any]:
        """An entry of remediate_watchers_luns."""
        return {"image": f"rbd/{image}", "portal": f"{self.gateway}:{self.port + 2}", "target": TARGET, "lun": self.served()[f"rbd/{image}"]}


def wanting(*clients: str, gone: bool = False, serving: t.Mapping[str, list[str]] | None = None) -> dict[str, t.Any]:
    """A look that wants these clients fenced, as evidence for osd_blacklist; ``gone``: without a session, so that restoring needs one look only.

    ``serving``: image -> addresses of the clients that serve it, as that look found them.
    """
    gone_too = list(clients) if gone else []
    return {"at": time.time() - 10, "fence": list(clients), "gone": gone_too, "serving": serving or {}, "watches": {}, "freeing": [], "locks": {}}


def lives(pid: int) -> bool:
    """Whether the process is there, and not only its entry in the table."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def crashed(said: str) -> bool:
    """Whether a module ended by an exception in a play that said this."""
    return bool(_CRASHED.search(said))


def descendants(pid: int) -> list[int]:
    """The children of a process, and theirs."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        # A process might end meanwhile.
        with contextlib.suppress(OSError):
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for parent in found:
        found += [child for child, its in parents.items() if its == parent]
    return found[1:]

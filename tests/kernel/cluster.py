# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Ceph cluster inside the guest, of one monitor, one manager and one OSD, and the incident's orphan on it.

The lab's role makes the same with Ansible, which takes five times as long here as outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import rados
from guest import run, wait_for

DIRECTORY = Path("/var/tmp/cluster")
CONF = DIRECTORY / "ceph.conf"
_CLIENT = Path(__file__).parents[2] / "roles/incident_lab/files/lab_client.py"
_WRITER = Path(__file__).parents[1] / "faults/writer.py"
_PORT = 24300
# Ten seconds as a rule, and over a minute where this machine has three times as much to do as it can.
_COMMAND_S = 240
_MON = f"[v2:127.0.0.1:{_PORT},v1:127.0.0.1:{_PORT + 1}]"
_SETTINGS = f"""
[global]
fsid = 3f2c9a52-6f6e-4a7e-9d0e-0f6f8c6b4a11
mon host = {_MON}
keyring = {DIRECTORY}/keyring
run dir = {DIRECTORY}
crash dir = {DIRECTORY}
admin socket = {DIRECTORY}/$name.asok
pid file = {DIRECTORY}/$name.pid
log file = {DIRECTORY}/$name.log
mon data = {DIRECTORY}/mon.a
mgr data = {DIRECTORY}/mgr.x
# Nothing here asks them for anything, and each takes seconds to load in a guest.
mgr disabled modules = {" ".join(path.name for path in Path("/usr/share/ceph/mgr").iterdir() if path.is_dir())}
osd data = {DIRECTORY}/osd.0
osd objectstore = memstore
osd client watch timeout = 3600
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon warn on pool no redundancy = false
mon data avail crit = 1
auth allow insecure global id reclaim = false
public addr = 127.0.0.1
ms bind port min = {_PORT + 10}
ms bind port max = {_PORT + 40}
[client]
admin socket =
log file =
"""


def ceph(prefix: str, **arguments: t.Any) -> str:
    """A monitor command's answer. The ceph program takes some seconds here to begin."""
    limits = dict.fromkeys(("client_mount_timeout", "rados_mon_op_timeout"), str(_COMMAND_S))
    with rados.Rados(conffile=str(CONF), conf=limits) as cluster:
        code, answer, status = cluster.mon_command(json.dumps({"prefix": prefix, "format": "json", **arguments}), b"")
    assert code == 0, status
    return answer.decode()  # type: ignore[no-any-return]


@contextlib.contextmanager
def pool() -> t.Iterator[rados.Ioctx]:
    """The pool of the images."""
    with rados.Rados(conffile=str(CONF), conf={"client_mount_timeout": str(_COMMAND_S)}) as cluster, cluster.open_ioctx("rbd") as ioctx:
        yield ioctx


def rbd(*command: str) -> str:
    return run("rbd", "--conf", str(CONF), *command, seconds=_COMMAND_S).stdout


def start() -> None:
    """Up, with a pool for images."""
    for part in ("mon.a", "mgr.x", "osd.0"):
        (DIRECTORY / part).mkdir(parents=True)
    CONF.write_text(_SETTINGS)
    _make_keys()
    run("monmaptool", "--create", "--fsid", "3f2c9a52-6f6e-4a7e-9d0e-0f6f8c6b4a11", "--addv", "a", _MON, str(DIRECTORY / "monmap"))
    _daemon("mon", "a", "--mkfs", "--monmap", str(DIRECTORY / "monmap"))
    _daemon("mon", "a")
    _daemon("mgr", "x")
    ceph("osd new", uuid="11111111-2222-4333-8444-555555555555", id=0)
    _daemon("osd", "0", "--mkfs", "--osd-uuid", "11111111-2222-4333-8444-555555555555")
    _daemon("osd", "0")
    ceph("osd pool create", pool="rbd", pg_num=4)
    # It writes, so it ends when the pool takes writes.
    rbd("pool", "init", "rbd")


def make(image: str) -> None:
    """An image with exclusive lock."""
    rbd("create", f"rbd/{image}", "--size", "32", "--image-feature", "layering,exclusive-lock")


def create(image: str) -> str:
    """The same, mapped by krbd; its disk."""
    make(image)
    run("modprobe", "rbd")
    # There is no udev here to wait for.
    return rbd("map", f"rbd/{image}", "--options", "noudev").strip()


def orphan(image: str, *others: str) -> dict[str, t.Any]:
    """A client that took the lock of the image by writing, opened the others, too, and was killed; what it said of itself."""
    client, told = _client(image, *others)
    client.kill()
    client.wait()
    return told


@contextlib.contextmanager
def living(image: str, *others: str) -> t.Iterator[dict[str, t.Any]]:
    """The same client, which closes its images at the end."""
    client, told = _client(image, *others)
    try:
        yield told
    finally:
        client.terminate()
        client.wait(_COMMAND_S)


def _client(image: str, *others: str) -> tuple[subprocess.Popen[bytes], dict[str, t.Any]]:
    ready = DIRECTORY / f"{image}.client"
    ready.unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": "/usr/lib/python3/dist-packages"}
    client = subprocess.Popen([sys.executable, str(_CLIENT), str(CONF), str(ready), "rbd", image, *others], env=environment)
    wait_for(ready.exists, _COMMAND_S, "the client's write")
    return client, json.loads(ready.read_text())


class Writer:
    """A healthy client that holds the lock of an image and writes to it, five times a second."""

    def __init__(self, image: str) -> None:
        self._log = DIRECTORY / f"{image}.writer"
        environment = {**os.environ, "PYTHONPATH": "/usr/lib/python3/dist-packages"}
        subprocess.Popen([sys.executable, str(_WRITER), str(CONF), "rbd", image, str(self._log)], env=environment)
        wait_for(lambda: len(self._lines()) > 2, _COMMAND_S, "the writer's writes")

    @property
    def address(self) -> str:
        """As the blocklist writes it."""
        watchers = self._lines()[0]
        return watchers.rpartition("v1:")[2].strip("]").removeprefix("any:") if "v1:" in watchers else watchers

    def failed(self) -> bool:
        """Whether a write of it failed."""
        return self._lines()[-1].startswith("failed")

    def goes_on(self) -> None:
        """It writes still."""
        written = len(self._lines())
        wait_for(lambda: len(self._lines()) > written + 2, saying="more writes")
        assert not self.failed()

    def _lines(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


def _make_keys() -> None:
    keyring = ["ceph-authtool", str(DIRECTORY / "keyring"), "--gen-key"]
    run(*keyring, "--create-keyring", "--name", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "mgr.x", "osd.0"):
        run(*keyring, "--name", name, "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *")


def _daemon(kind: str, name: str, *options: str) -> None:
    run(f"ceph-{kind}", "--conf", str(CONF), "--id", name, *options)

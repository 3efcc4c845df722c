# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the LUNs of tgt by its own program tgtadm, which does not show ``--bsopts``."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image, Lun

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
_DEFAULT_POOL = "rbd"
_NO_PATH = "None"
_TARGET = re.compile(r"^Target \d+: (.*)$", re.MULTILINE)
_LUN = re.compile(r"^ +LUN: (\d{1,9})$", re.MULTILINE)
_INITIATOR = re.compile(r"^ +Initiator: (\S+) alias: ", re.MULTILINE)
_PORTAL = re.compile(r"^Portal: (\S+),\d+$", re.MULTILINE)


def read(control_port: int, seconds: float, note: t.Callable[[str], None]) -> list[Lun]:
    """Returns what the tgtd on that control port exports by iSCSI; nothing without a tgtd.

    ``seconds``: for each of two questions. ``note``: takes a gap. Raises TargetError.
    """
    program = shutil.which("tgtadm", path=os.pathsep.join((os.environ.get("PATH", os.defpath), _SBIN)))
    try:
        targets = _show(program, control_port, seconds, "target") if program else ""
        return parse(targets, _show(program, control_port, seconds, "portal")) if program and targets else []
    except subprocess.TimeoutExpired:
        note(f"tgtd on control port {control_port} did not answer tgtadm within {seconds:g} s, so its LUNs are unknown: check whether it hangs")
        return []


def parse(targets: str, portals: str) -> list[Lun]:
    """Parses ``--mode target`` and ``--mode portal``, ``--op show``. Every target listens on every portal."""
    listening = tuple(sorted(_PORTAL.findall(portals)))
    _before, *parts = _TARGET.split(targets)
    return [lun for target, body in zip(parts[::2], parts[1::2]) for lun in _target(target, body, listening)]


def _target(target: str, body: str, portals: tuple[str, ...]) -> t.Iterator[Lun]:
    initiators = tuple(sorted(set(_INITIATOR.findall(body))))
    _before, *parts = _LUN.split(body)
    for number, lines in zip(parts[::2], parts[1::2]):
        told = dict(_told(line) for line in lines.splitlines())
        if told.get("Type") != "controller":
            path = told.get("Backing store path", "")
            backing = "" if path == _NO_PATH else path
            # A LUN has one number for all initiators; the access control of tgt is separate.
            lun = Lun("tgt", target, int(number), backing, backing, initiators=initiators, logged_in=initiators, portals=portals, everybody_but=())
            lun = replace(lun, serial=told.get("SCSI SN", "").strip(), naa=naa(told.get("SCSI ID", "")))
            yield lun.on(image(backing)) if backing and told.get("Backing store type") == "rbd" else lun


def _told(line: str) -> tuple[str, str]:
    name, _colon, value = line.lstrip().partition(": ")
    return name, value


def image(path: str) -> Image:
    """Reads ``[POOL/]IMAGE[@SNAPSHOT]`` as bs_rbd.c of tgt does, without namespaces: the image's name follows the first slash."""
    pool, slash, rest = path.partition("/")
    name, _at, snapshot = (rest if slash else path).partition("@")
    return Image(f"{pool if slash else _DEFAULT_POOL}/{name}", snapshot=snapshot)


def naa(scsi_id: str) -> str:
    """Returns the last NAA designator of page 83h, as spc.c of tgt makes it.

    Each character of the SCSI ID is one hex digit, zero when it is none; the last 32 of them, and a 6 for the first.
    """
    digits = re.sub("[^0-9a-f]", "0", scsi_id.lower())
    return f"6{digits[-31:].zfill(31)}"


def _show(program: str, control_port: int, seconds: float, mode: str) -> str:
    """Returns what tgtadm prints, '' when no tgtd listens there. Raises TargetError, and TimeoutExpired."""
    try:
        command = [program, "--lld", "iscsi", "--control-port", str(control_port), "--mode", mode, "--op", "show"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds)
    except OSError as error:
        raise TargetError(f"Running {program} failed: {error.strerror}.") from error
    if done.returncode == errno.ENOTCONN and not _is_closed(control_port):
        return ""
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise TargetError(f"tgtadm could not ask tgtd on control port {control_port}, which needs root: {said}.")
    return done.stdout.decode(errors="replace")


def _is_closed(control_port: int) -> bool:
    """Returns whether this user is not allowed to use the socket, for which tgtadm gives the same error as for a missing one. The path is TGT_IPC_SOCKET's."""
    path = f"{os.environ.get('TGT_IPC_SOCKET', '/var/run/tgtd/socket')}.{control_port}"
    return os.path.exists(path) and not os.access(path, os.W_OK)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the SCSI disk that a device path names, whether it can be probed, and its sg device, by sysfs and the mount table."""

from __future__ import annotations

import os
import re
import stat
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, KernelError

# Peripheral device types of SPC-4 6.6.2 that have blocks: disk, simplified disk, zoned disk.
_DISK_TYPES = ("0", "14", "20")


# As multipath-tools and kpartx name what they make.
_MULTIPATH = re.compile(r"(part\d+-)?mpath-")


@dataclass(frozen=True)
class Disk:
    """Holds a disk. ``block`` is the name below C(/dev), empty for a LUN that no disk driver took; ``generic`` the path of its sg device."""

    block: str
    generic: str


def find(device: str, force: bool = False) -> Disk:
    """Returns the disk that ``device`` (C(/dev/sdX), C(/dev/sgN) or a link to one) names. Raises InputError, and KernelError if it has no sg device."""
    node = _sysfs_node(device)
    _refuse_other_kinds(device, node)
    unit = node / "device"
    block = next(iter(_names(unit / "block")), "")
    generic = next(iter(_names(unit / "scsi_generic")), "")
    if not generic:
        raise KernelError(f"{device} has no sg device: load the kernel's sg module (modprobe sg).")
    if not os.access(f"/dev/{generic}", os.R_OK | os.W_OK):
        raise KernelError(f"/dev/{generic}, the sg device of {device}, cannot be opened: run the task as root.")
    if block and not force:
        _refuse_in_use(block)
    return Disk(block, f"/dev/{generic}")


def _sysfs_node(device: str) -> Path:
    try:
        status = os.stat(device)
    except OSError as error:
        raise InputError(f"{device} cannot be probed: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{device!r} is not the path of a device: {error}.") from error
    kind = {stat.S_IFBLK: "block", stat.S_IFCHR: "char"}.get(stat.S_IFMT(status.st_mode))
    if kind is None:
        raise InputError(f"{device} is no device: name a SCSI disk such as /dev/sdb, /dev/sg1 or a link to one.")
    return Path(f"/sys/dev/{kind}/{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}").resolve()


def _refuse_other_kinds(device: str, node: Path) -> None:
    if (node / "partition").exists():
        raise InputError(f"{device} is a partition, but a reservation holds the whole LUN: name its disk, /dev/{node.parent.name}.")
    below = _names(node / "slaves")
    if below:
        raise InputError(f"{device} is built on {', '.join(below)}: name one of these, since a reservation belongs to one path.")
    if (node / "device/subsystem").resolve().name != "scsi":
        raise InputError(f"{device} is no SCSI device, so it has no RESERVE.")
    if _text(node / "device/type") not in _DISK_TYPES:
        raise InputError(f"{device} is a SCSI device but no disk (type {_text(node / 'device/type')}).")


def _refuse_in_use(block: str) -> None:
    uses = list(_uses(block))
    if uses:
        raise InputError(f"/dev/{block} is in use on this host ({'; '.join(uses)}): probe from another host, or set force and accept that its I/O is delayed.")


def _uses(block: str) -> t.Iterator[str]:
    """Mounts, swap, and devices on top, of the disk and its partitions, and of a multipath map that it is a path of."""
    disk = Path("/sys/class/block") / block
    parts = [disk, *(path.parent for path in disk.resolve().glob("*/partition"))]
    numbers, names = {_text(part / "dev") for part in parts}, {part.name for part in parts}
    for part in parts:
        for holder in _names(part / "holders"):
            # A multipath map is another name of the LUN: what counts is whether the map is in use.
            yield from _uses(holder) if _MULTIPATH.match(_text(part / "holders" / holder / "dm/uuid")) else [f"{holder} is built on {part.name}"]
    for fields in _table("/proc/self/mountinfo"):
        # proc(5): major:minor is the third field. File systems such as btrfs have no own number: their source is the second field behind the dash.
        source = fields[fields.index("-") + 2] if "-" in fields[:-2] else ""
        if fields[2] in numbers or os.path.basename(os.path.realpath(source)) in names:
            yield f"mounted at {fields[4]}"
    yield from (f"{fields[0]} is swap" for fields in _table("/proc/swaps") if os.path.basename(fields[0]) in names)


def _table(path: str) -> list[list[str]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        return [fields for fields in (line.split() for line in file) if len(fields) > 4]


def _names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory)) if directory.is_dir() else []


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip() if path.exists() else ""

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the RBD images that the kernel has mapped as /dev/rbdN: Documentation/ABI/testing/sysfs-bus-rbd of Linux.

``config_info`` is not read, since it names keys.
"""

from __future__ import annotations

import os
import re

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import header_object
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

DEVICES = "sys/bus/rbd/devices"
_NO_SNAPSHOT = "-"
_DISK = re.compile(r"(rbd\d+)(p\d+)?")


def read(tree: Tree) -> dict[str, Image]:
    """Returns disk name, such as rbd0 -> the image mapped there. Raises TargetError."""
    found = {f"rbd{number}": _image(tree, f"{DEVICES}/{number}") for number in tree.names(DEVICES)}
    return {disk: image for disk, image in found.items() if image is not None}


def _image(tree: Tree, path: str) -> Image | None:
    """Returns the image, None if the mapping was removed meanwhile. A format-1 image has an empty line as its id, and its name in the header."""
    pool, namespace, name, image_id, snapshot = (tree.line(f"{path}/{attribute}") for attribute in ("pool", "pool_ns", "name", "image_id", "current_snap"))
    if not (pool and name and tree.data(f"{path}/image_id")):
        return None
    return Image(
        image="/".join(filter(None, (pool, namespace, name))),
        image_id=image_id,
        header=header_object.name_of(image_id, name),
        snapshot="" if snapshot == _NO_SNAPSHOT else snapshot,
        client_address=tree.line(f"{path}/client_addr"),
    )


def beneath(tree: Tree, backing: str) -> list[str]:
    """Returns the krbd disks that a block device stores its data on: itself, the disk of a partition, or what lies below device mapper or md."""
    found: set[str] = set()
    seen: set[str] = set()
    below = [kernel_name(tree, backing)]
    while below:
        name = below.pop()
        disk = _DISK.fullmatch(name)
        if disk:
            found.add(disk[1])
        elif name and name not in seen:
            seen.add(name)
            below += tree.names(f"sys/block/{name}/slaves")
    return sorted(found)


def kernel_name(tree: Tree, backing: str) -> str:
    """Returns dm-0 for /dev/dm-0, '' for other texts. Links, such as /dev/mapper/NAME and /dev/rbd/POOL/IMAGE, resolve only on the host itself."""
    path = _resolved(backing) if tree.live and backing.startswith("/") else backing
    directory, name = os.path.split(path)
    return name if directory == "/dev" else ""


def _resolved(path: str) -> str:
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path

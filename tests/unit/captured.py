# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lays sysfs and configfs out below a directory: as captured from running kernels, or as a test writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Union

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lun_map
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

Files = dict[str, Union[str, bytes, Path]]

ROOT = Path(__file__).parents[2]
DATA = Path(__file__).parent / "data"
CAPTURES = DATA / "captures"
SCST = "sys/kernel/scst_tgt"
LIO = "sys/kernel/config/target"
_LINKS = {"scst": SCST, "scst-iscsi": SCST}


def text(name: str) -> str:
    return (CAPTURES / f"{name}.txt").read_text(encoding="utf-8", errors="surrogateescape")


def lay_out(root: Path, *names: str) -> Tree:
    """As the readers take it."""
    for name in names:
        if name.endswith("-links"):
            links = (line.removeprefix("./").partition(" -> ") for line in text(name).splitlines())
            write(root, {f"{_LINKS.get(name.removesuffix('-links'), LIO)}/{path}": Path(target) for path, _arrow, target in links})
        else:
            files = (block.partition("\n") for block in text(name).split("### /")[1:])
            write(root, {path: content for path, _newline, content in files})
    return Tree(str(root))


def write(root: Path, files: Files) -> Tree:
    """Files with their content; a path as content makes a symbolic link."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            path.symlink_to(content)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Tree(str(root))


def luns(tree: Tree) -> list[Lun]:
    """All that is exported or mapped there."""
    return lun_map.read(tree.root).luns


def krbd(number: int, **attributes: str) -> Files:
    """The files of one mapping."""
    told = {"pool": "rbd", "pool_ns": "", "name": f"img{number}", "image_id": f"{number}abc", "current_snap": "-", "client_addr": "192.0.2.7:0/1"}
    return {f"sys/bus/rbd/devices/{number}/{name}": f"{value}\n" for name, value in {**told, **attributes}.items()}


# Block devices that lie on krbd disks, on others and on themselves.
BLOCK: Files = {
    "sys/block/dm-0/slaves/rbd3p1": "",
    "sys/block/dm-1/slaves/dm-0": "",
    "sys/block/dm-2/slaves/rbd3": "",
    "sys/block/dm-2/slaves/rbd4p2": "",
    "sys/block/dm-3/slaves/dm-3": "",
    "sys/block/dm-4/slaves/sda1": "",
}

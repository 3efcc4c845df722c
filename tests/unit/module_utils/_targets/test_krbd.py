# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import krbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import BLOCK, write


@pytest.mark.parametrize(
    ("attributes", "image"),
    [
        ({}, Image("rbd/img3", "3abc", "rbd_header.3abc", "", "192.0.2.7:0/1")),
        ({"pool_ns": "tenant"}, Image("rbd/tenant/img3", "3abc", "rbd_header.3abc", "", "192.0.2.7:0/1")),
        ({"image_id": ""}, Image("rbd/img3", "", "img3.rbd", "", "192.0.2.7:0/1")),
        ({"current_snap": "monday"}, Image("rbd/img3", "3abc", "rbd_header.3abc", "monday", "192.0.2.7:0/1")),
    ],
)
def test_krbd(tmp_path: Path, attributes: dict[str, str], image: Image) -> None:
    assert krbd.read(write(tmp_path, captured.krbd(3, **attributes))) == {"rbd3": image}


def test_krbd_of_an_old_kernel_and_one_that_goes_while_it_is_read(tmp_path: Path) -> None:
    old = {path: content for path, content in captured.krbd(3).items() if not path.endswith(("pool_ns", "client_addr"))}
    root = write(
        tmp_path, {**old, "sys/bus/rbd/devices/4/pool": "rbd\n", **{path: content for path, content in captured.krbd(5).items() if "image_id" not in path}}
    )
    assert krbd.read(root) == {"rbd3": Image("rbd/img3", "3abc", "rbd_header.3abc")}


@pytest.mark.parametrize(
    ("backing", "disks"),
    [
        ("/dev/rbd3", ["rbd3"]),
        ("/dev/rbd3p1", ["rbd3"]),
        ("/dev/dm-0", ["rbd3"]),
        ("/dev/dm-1", ["rbd3"]),
        ("/dev/dm-2", ["rbd3", "rbd4"]),
        ("/dev/dm-3", []),
        ("/dev/dm-4", []),
        ("/dev/rbd3x", []),
        ("/srv/rbd3", []),
        ("rbd/rbd3", []),
        ("", []),
        ("/dev/\0", []),
    ],
)
def test_what_a_block_device_lies_on(tmp_path: Path, backing: str, disks: list[str]) -> None:
    assert krbd.beneath(write(tmp_path, dict(BLOCK)), backing) == disks


def test_on_the_host_itself_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = tmp_path / "img1"
    link.symlink_to("/dev/rbd77")
    assert krbd.beneath(Tree("/"), str(link)) == ["rbd77"]
    assert krbd.beneath(Tree(str(tmp_path)), str(link)) == []
    assert krbd.beneath(Tree("/"), "/dev/\0") == []

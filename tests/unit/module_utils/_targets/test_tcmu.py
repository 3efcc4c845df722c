# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LUNs of tcmu-runner and ceph-iscsi, from captures of running kernels."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import lay_out, luns

TARGET = "iqn.2003-01.com.redhat.iscsi-gw:iscsi-igw"
PROBE = "iqn.2026-11.invalid.cephops.iscsi-rescue:probe"


def capture(tmp_path: Path, name: str) -> list[t.Any]:
    return luns(lay_out(tmp_path, f"{name}-configfs", f"{name}-links"))


def test_ceph_iscsi_keeps_the_portal_of_the_other_gateway_in_a_group_that_is_off(tmp_path: Path) -> None:
    own, other = capture(tmp_path, "ceph-iscsi-2gw")
    assert [(lun.target, lun.lun, lun.image, lun.enabled, lun.portals) for lun in (own, other)] == [
        (TARGET, 0, "rbd/img1", True, ("10.0.2.15:3260",)),
        (TARGET, 0, "rbd/img1", False, ("10.0.2.16:3260",)),
    ]
    assert own.tcmu == {"mode": "implicit", "group": "ao", "state": "Active/Optimized", "active": True, "osd_op_timeout": 30, "cmd_time_out": 0}
    assert (other.tcmu["mode"], other.tcmu["group"], other.tcmu["state"]) == ("implicit", "ano2", "Active/NonOptimized")
    assert (own.initiators, own.logged_in) == (("iqn.1998-01.com.vmware:esx1", PROBE), ())
    assert own.naa == other.naa == "600140546c5caeddd444145a4867e1cf"


@pytest.mark.parametrize(("name", "modes"), [("tcmu-default", {"default"}), ("tcmu-implicit", {"default", "implicit"})])
def test_the_mode_is_that_of_the_luns_own_group(tmp_path: Path, name: str, modes: set[str]) -> None:
    """A loopback port of the same backstore stays in the default group."""
    found = capture(tmp_path, name)
    assert {lun.tcmu["mode"] for lun in found} == modes
    assert {lun.tcmu["mode"] for lun in found if lun.target.startswith("iqn.")} == {name.removeprefix("tcmu-")}


def test_images_that_tcmu_runner_could_not_open(tmp_path: Path) -> None:
    """A namespace, a missing image, a snapshot; and a company that INQUIRY does not tell."""
    found = {lun.device: lun for lun in capture(tmp_path, "tcmu-company-id-and-failed-opens")}
    assert {device: lun.tcmu["active"] for device, lun in found.items()} == {"user_0/c": True}
    assert (found["user_0/c"].naa[:7], found["user_0/c"].tcmu["cmd_time_out"]) == ("6001405", 30)

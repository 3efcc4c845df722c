# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""lun_map on a real LIO: what it says of a LUN is what the LUN's own disks say."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree
from guest import INITIATORS, TARGETS, Lun, Suspendable, four_ways, module, run, wait_for, zero_disk

TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:kernel"


@pytest.fixture(scope="module")
def storage():
    return Suspendable(zero_disk())


@pytest.fixture(scope="module")
def lun(storage):
    return Lun(storage.path)


def mapped(**options):
    return [one for one in module("lun_map", **options)["luns"] if one["stack"] == "lio"]


def test_each_initiator_s_disk_and_its_identity(lun):
    results = four_ways("lun_map")
    assert [(one["changed"], one["luns"]) for one in results] == [(False, results[0]["luns"])] * 4
    luns = mapped()
    assert [(one["target"], one["lun"], one["device"], one["disk"]) for one in luns] == [
        (initiator, 0, "iblock_0/lun", disk) for initiator, disk in zip(INITIATORS, lun.disks)
    ]
    for one in luns:
        device = Path("/sys/block", Path(one["disk"]).name, "device")
        assert f"naa.{one['naa']}" == (device / "wwid").read_text().strip()
        assert one["serial"] == (device / "vpd_pg80").read_bytes()[4:].strip(b"\0 ").decode()
        assert one["initiators"] == [one["target"].replace("naa.5", "naa.6")]
        assert Path(one["backing"]).is_block_device()


@pytest.mark.parametrize(("serial", "company_id"), [("short-1", "0x001405"), ("0f" * 40, "0x0abcde")])
def test_the_naa_name_of_other_serials(lun, serial, company_id):
    """It is in the page 83h that the kernel answers; both can only be set while nothing exports the backstore."""
    other = TARGETS / "core/iblock_1" / "other"
    other.mkdir(parents=True)
    group = TARGETS / "loopback/naa.5001405aaaaaaaa9/tpgt_1"
    try:
        (other / "control").write_text(f"udev_path={lun.disks[0]}\n")
        (other / "wwn/vpd_unit_serial").write_text(f"{serial}\n")
        (other / "wwn/company_id").write_text(f"{company_id}\n")
        (other / "enable").write_text("1\n")
        (group / "lun/lun_0").mkdir(parents=True)
        (group / "nexus").write_text("naa.6001405aaaaaaaa9\n")
        (group / "lun/lun_0/port").symlink_to(other)
        (one,) = (one for one in mapped() if one["device"] == "iblock_1/other")
        assert one["backing"] == lun.disks[0]
        page = run("sg_inq", "--hex", "--hex", "--page=0x83", one["disk"]).stdout
        assert one["naa"] in "".join(page.split()).lower()
    finally:
        (group / "lun/lun_0/port").unlink()
        (group / "nexus").write_text("NULL\n")
        (group / "lun/lun_0").rmdir()
        group.rmdir()
        group.parent.rmdir()
        other.rmdir()
        other.parent.rmdir()


def test_which_initiator_has_it_reserved(lun):
    assert lun.reserve(lun.disks[1]) == 0
    try:
        assert {one["reservation_holder"] for one in mapped()} == {INITIATORS[1].replace("naa.5", "naa.6")}
    finally:
        assert lun.release(lun.disks[1]) == 0
    assert {one["reservation_holder"] for one in mapped()} == {""}


def test_iscsi_where_an_initiator_has_a_number_of_its_own(lun):
    run("modprobe", "iscsi_target_mod")
    group = TARGETS / "iscsi" / TARGET / "tpgt_1"
    (group / "lun/lun_3").mkdir(parents=True)
    (group / "lun/lun_3/a1b2c3").symlink_to(lun.backstore)
    (group / "np/127.0.0.1:3260").mkdir()
    for initiator, number in (("iqn.1998-01.com.vmware:esx1", 12), ("iqn.1998-01.com.vmware:esx2", 12), ("iqn.1998-01.com.vmware:esx3", 3)):
        (group / "acls" / initiator / f"lun_{number}").mkdir(parents=True)
        (group / "acls" / initiator / f"lun_{number}" / "default").symlink_to(group / "lun/lun_3")
    found = mapped(wanted=[{"naa": mapped()[0]["naa"]}])
    assert [(one["lun"], one["initiators"], one["portals"]) for one in found if one["target"] == TARGET] == [
        (3, ["iqn.1998-01.com.vmware:esx3"], ["127.0.0.1:3260"]),
        (12, ["iqn.1998-01.com.vmware:esx1", "iqn.1998-01.com.vmware:esx2"], ["127.0.0.1:3260"]),
    ]


def test_the_kernel_counts_the_inodes_of_sysfs_up():
    """By that, lun_map knows which group of SCST was made first. These modules were loaded in this order."""
    loaded = ["target_core_mod", "target_core_iblock", "tcm_loop"]
    assert [name for name in Tree("/").oldest_first("sys/module") if name in loaded] == loaded
    assert sorted(loaded) == ["target_core_iblock", "target_core_mod", "tcm_loop"]


def test_a_port_without_an_initiator(lun):
    """Its nexus answers ENODEV."""
    group = TARGETS / "loopback/naa.5001405aaaaaaaa8/tpgt_1"
    (group / "lun/lun_0").mkdir(parents=True)
    (group / "lun/lun_0/port").symlink_to(lun.backstore)
    with pytest.raises(OSError, match="No such device"):
        (group / "nexus").read_text()
    assert [(one["lun"], one["initiators"]) for one in mapped() if one["target"] == group.parent.name] == [(0, [])]


def test_what_a_target_holds_is_a_gap_and_the_rest_is_told(lun, storage):
    """Taking a LUN away waits for its commands, and holds the directory that a look lists. A look that waited for it would take 120 s."""
    disk = lun.disks[0]
    link = TARGETS / "loopback" / INITIATORS[0] / "tpgt_1/lun/lun_0/port"
    (Path("/sys/class/block") / Path(disk).name / "device/timeout").write_text("600\n")
    assert module("lun_map", timeout=10)["luns"]
    storage.suspend()
    try:
        write = subprocess.Popen(["dd", "if=/dev/zero", f"of={disk}", "bs=4k", "count=1", "oflag=direct"], stderr=subprocess.DEVNULL)
        wait_for(lambda: _waits(write.pid), saying="the write")
        taking = subprocess.Popen(["rm", str(link)])
        wait_for(lambda: _waits(taking.pid), saying="rm in state D")
        began = time.monotonic()
        told = module("lun_map", timeout=10)
        assert [gap for gap in told["gaps"] if "tpgt_1/lun/lun_0" in gap], told
        assert INITIATORS[1] in [one["target"] for one in told["luns"]]
        assert time.monotonic() - began < 60
    finally:
        storage.resume()
    assert taking.wait(60) == 0
    assert INITIATORS[0] not in [one["target"] for one in mapped()]


def _waits(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "D"

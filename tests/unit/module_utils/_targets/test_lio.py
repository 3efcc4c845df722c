# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lio, lio_backstore
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import LIO, Files, krbd, lay_out, write

GROUP = f"{LIO}/iscsi/iqn.t/tpgt_1"
ISCSI = "iblock_0/rbd.img1"


def exported(number: int, device: str = ISCSI, group: str = GROUP, name: str = "0a1b2c") -> Files:
    """The link's name is free to choose; targetcli takes ten random hex digits."""
    return {f"{group}/lun/lun_{number}/{name}": Path(f"../../../../../../target/core/{device}"), f"{group}/lun/lun_{number}/alua_tg_pt_offline": "0\n"}


def mapped(initiator: str, seen: int, number: int, group: str = GROUP) -> Files:
    target = Path(f"../../../../../../../target/{group.removeprefix(LIO + '/')}/lun/lun_{number}")
    return {f"{group}/acls/{initiator}/lun_{seen}/any": target, f"{group}/acls/{initiator}/lun_{seen}/write_protect": "0\n"}


def core(device: str, **attributes: str) -> Files:
    return {f"{LIO}/core/{device}/{attribute.replace('__', '/')}": value for attribute, value in attributes.items()}


def seen(root: str) -> list[tuple[object, ...]]:
    return [(lun.lun, lun.device, lun.initiators) for lun in captured.luns(root)]


def test_each_initiator_may_have_a_number_of_its_own(tmp_path: Path) -> None:
    root = write(tmp_path, {**exported(0), **exported(1, "iblock_1/b"), **mapped("iqn.a", 0, 0), **mapped("iqn.b", 7, 0), **mapped("iqn.c", 7, 0)})
    assert seen(root) == [(0, ISCSI, ("iqn.a",)), (1, "iblock_1/b", ()), (7, ISCSI, ("iqn.b", "iqn.c"))]


def test_a_number_that_no_initiator_sees_is_none(tmp_path: Path) -> None:
    root = write(tmp_path, {**exported(0), **mapped("iqn.b", 7, 0)})
    assert seen(root) == [(7, ISCSI, ("iqn.b",))]


@pytest.mark.parametrize(
    ("files", "guests"),
    [({f"{GROUP}/attrib/generate_node_acls": "1\n"}, ()), ({f"{GROUP}/dynamic_sessions": "iqn.guest2\n\0iqn.guest1\n\0"}, ("iqn.guest1", "iqn.guest2"))],
)
def test_an_initiator_without_an_access_list_sees_the_number_of_the_group(tmp_path: Path, files: Files, guests: tuple[str, ...]) -> None:
    root = write(tmp_path, {**exported(0), **mapped("iqn.b", 7, 0), **exported(1), **mapped("iqn.b", 1, 1), **files})
    assert seen(root) == [(0, ISCSI, guests), (1, ISCSI, ("iqn.b", *guests)), (7, ISCSI, ("iqn.b",))]


def test_the_groups_of_a_target_are_one(tmp_path: Path) -> None:
    other = GROUP.replace("tpgt_1", "tpgt_2")
    portals = {f"{GROUP}/np/192.0.2.2:3260/iser": "0\n", f"{other}/np/192.0.2.1:3260/iser": "0\n", f"{other}/np/[2001:db8::1]:3260/iser": "0\n"}
    root = write(tmp_path, {**exported(0), **mapped("iqn.a", 0, 0), **exported(0, group=other), **mapped("iqn.b", 0, 0, other), **portals})
    (lun,) = captured.luns(root)
    assert lun.initiators == ("iqn.a", "iqn.b")
    assert lun.portals == ("192.0.2.2:3260", "192.0.2.1:3260", "[2001:db8::1]:3260")


def test_the_disk_of_a_loopback_lun(tmp_path: Path) -> None:
    disks = {"sys/class/scsi_device/2:0:1:0/device/block/sdc/ro": "0\n", "sys/class/scsi_device/2:0:1:1/device/block/sdd/ro": "0\n"}
    lay_out(tmp_path, "lio-configfs", "lio-links")
    luns = lio.read(write(tmp_path, {**disks, **exported(1, group=f"{LIO}/loopback/naa.5001405aaaaaaaa1/tpgt_1")}))
    assert [(lun.target, lun.lun, lun.disk) for lun in luns if lun.disk] == [("naa.5001405aaaaaaaa1", 0, "/dev/sdc"), ("naa.5001405aaaaaaaa1", 1, "/dev/sdd")]


@pytest.mark.parametrize(
    ("config", "image", "backing"),
    [
        ("rbd/rbd/disk_1;osd_op_timeout=30;conf=/etc/ceph/ceph.conf;id=gw", "rbd/disk_1", "rbd/rbd/disk_1"),
        ("rbd/rbd/disk 1", "rbd/disk 1", "rbd/rbd/disk 1"),
        ("rbd/pool/tenant/disk_1;id=gw", "pool/tenant/disk_1", "rbd/pool/tenant/disk_1"),
        ("rbd/nonsense", "", "rbd/nonsense"),
        ("file//srv/disk.img", "", "file//srv/disk.img"),
    ],
)
def test_tcmu_runner(tmp_path: Path, config: str, image: str, backing: str) -> None:
    info = f"Status: ACTIVATED  Max Queue Depth: 128  SectorSize: 512  HwMaxSectors: 128\n        Config: {config} Size: 1073741824 MaxDataAreaMB: 8\n"
    (lun,) = lio.read(write(tmp_path, {**exported(0, "user_0/rbd.disk_1"), **core("user_0/rbd.disk_1", info=info)}))
    assert (lun.image, lun.backing, lun.header) == (image, backing, "")


@pytest.mark.parametrize(
    ("device", "info", "backing"),
    [
        (ISCSI, "        iBlock device: rbd3  UDEV PATH: /dev/rbd3  readonly: 0\n", "/dev/rbd3"),
        (ISCSI, "        iBlock device: rbd3  UDEV PATH: /dev/rbd/rbd/img3  readonly: 0\n", "/dev/rbd3"),
        ("fileio_0/f", "        TCM FILEIO ID: 0        File: /srv/a file.img  Size: 1048576  Mode: Buffered-WCE\n", "/srv/a file.img"),
        ("pscsi_0/d", "        SCSI Device Bus Location: Channel ID: 0 Target ID: 0 LUN: 0\n", "/dev/noted"),
    ],
)
def test_what_the_kernel_opened_counts_more_than_what_was_noted(tmp_path: Path, device: str, info: str, backing: str) -> None:
    (lun,) = lio.read(write(tmp_path, {**exported(0, device), **core(device, info=info, udev_path="/dev/noted\n")}))
    assert lun.backing == backing


def test_the_image_behind_a_device_that_was_named_by_a_link(tmp_path: Path) -> None:
    info = "        iBlock device: rbd3  UDEV PATH: /dev/rbd/rbd/img3  readonly: 0\n"
    (lun,) = captured.luns(write(tmp_path, {**exported(0), **core(ISCSI, info=info), **krbd(3)}))
    assert lun.image == "rbd/img3"


@pytest.mark.parametrize(
    ("serial", "company_id", "naa"),
    [
        ("8cb1bf32-0001-4000-8000-0123456789ab", "0x001405", "60014058cb1bf3200014000800001234"),
        ("8CB1BF32-0001-4000-8000-0123456789AB", "", "60014058cb1bf3200014000800001234"),
        ("disk-1", "0x001405", "6001405d100000000000000000000000"),
        ("00ff", "0xabc", "6000abc00ff000000000000000000000"),
        ("", "0x001405", ""),
    ],
)
def test_naa(serial: str, company_id: str, naa: str) -> None:
    assert lio_backstore.naa(serial, company_id) == naa
    assert len(naa) in (0, 32)


def test_a_device_that_is_passed_through_has_its_own_identity(tmp_path: Path) -> None:
    (lun,) = lio.read(write(tmp_path, {**exported(0, "pscsi_0/d"), **core("pscsi_0/d", wwn__vpd_unit_serial="T10 VPD Unit Serial Number: 00ff\n")}))
    assert (lun.serial, lun.naa) == ("00ff", "")


@pytest.mark.parametrize(
    ("told", "holder"),
    [
        ("SPC-2 Reservation: iSCSI Initiator: iqn.1998-01.com.vmware:esx1\n", "iqn.1998-01.com.vmware:esx1"),
        ("SPC-3 Reservation: iSCSI Initiator: iqn.1998-01.com.vmware:esx1,i,0x00023d000001\n", "iqn.1998-01.com.vmware:esx1"),
        ("SPC-3 Reservation: loopback Initiator: naa.6001405aaaaaaaa1\n", "naa.6001405aaaaaaaa1"),
        ("No SPC-3 Reservation holder\n", ""),
        ("No SPC-2 Reservation holder\n", ""),
        ("Passthrough\n", ""),
        ("", ""),
    ],
)
def test_which_initiator_has_it_reserved(tmp_path: Path, told: str, holder: str) -> None:
    (lun,) = lio.read(write(tmp_path, {**exported(0), **core(ISCSI, pr__res_holder=told)}))
    assert lun.reservation_holder == holder


def test_which_initiator_has_it_reserved_by_its_naa(tmp_path: Path) -> None:
    serial = core(ISCSI, wwn__vpd_unit_serial="T10 VPD Unit Serial Number: beaf11\n")
    reserved = core(ISCSI, pr__res_holder="SPC-2 Reservation: iSCSI Initiator: iqn.1998-01.com.vmware:esx1\n")
    root = write(tmp_path, {**exported(0), **exported(1, "iblock_1/b"), **serial, **reserved})
    assert lio.reservation_holders(root.root) == {"6001405beaf110000000000000000000": "iqn.1998-01.com.vmware:esx1"}


def test_what_goes_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    root = write(tmp_path, {f"{GROUP}/lun/lun_0/alua_tg_pt_offline": "0\n", f"{GROUP}/lun/lun_1/other": Path("../../elsewhere/x"), **mapped("iqn.a", 3, 3)})
    assert lio.read(root) == []
    write(tmp_path, {**exported(5, "iblock_9/gone"), **krbd(3)})
    assert seen(root) == [(None, "rbd3", ()), (5, "iblock_9/gone", ())]

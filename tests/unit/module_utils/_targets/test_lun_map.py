# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lun_map, select, tgt
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import BLOCK, LIO, SCST, lay_out, write

SCST_CAPTURES = ("scst-devices", "scst-targets", "scst-links")
LIO_CAPTURES = ("lio-configfs", "lio-links")
IMG1 = {
    "image": "rbd/img1",
    "image_id": "100dde1f22cd",
    "header": "rbd_header.100dde1f22cd",
    "snapshot": "",
    "client_address": "127.0.0.1:0/3397745399",
}


def read(root: str) -> list[dict[str, Any]]:
    return [lun.record() for lun in lun_map.read(root, 0)]


def places(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(record["stack"], record["target"], record["lun"], record["device"], record["initiators"]) for record in records]


def test_from_the_name_that_esxi_logs_to_the_header(tmp_path: Path) -> None:
    luns, missing = select.matching(lun_map.read(lay_out(tmp_path, *SCST_CAPTURES, "krbd-sysfs"), 0), [{"eui": "eui.3366613230313464"}])
    assert missing == []
    assert [lun.record() for lun in luns] == [
        {
            **{"stack": "scst", "target": target, "lun": 12, "device": "lun12", "backing": "/dev/rbd0", **IMG1},
            **{"serial": "3fa2014d", "eui": "3366613230313464", "naa": "", "initiators": [initiator]},
            **{"reservation_holder": "", "portals": [], "disk": "", "enabled": True, "everybody_but": []},
        }
        for target, initiator in (("scst_local_tgt", "scst_local_host"), ("tgtB", "initB"))
    ]


def test_lio_by_iscsi_and_by_two_loopback_ports(tmp_path: Path) -> None:
    write(tmp_path, {"sys/class/scsi_device/3:0:1:0/device/block/sdb/size": "131072"})
    common = {"stack": "lio", "device": "iblock_0/rbd.img1", "backing": "/dev/rbd0", **IMG1, "reservation_holder": "", "enabled": True, "everybody_but": None}
    identity = {"serial": "8cb1bf32-0001-4000-8000-0123456789ab", "eui": "", "naa": "60014058cb1bf3200014000800001234"}
    iscsi = {"target": "iqn.2003-01.org.linux-iscsi.gw1:rbd", "lun": 12, "portals": ["127.0.0.1:3260"], "disk": "", "enabled": False}
    loop = {"lun": 0, "portals": []}
    assert [record for record in read(lay_out(tmp_path, *LIO_CAPTURES, "krbd-sysfs")) if record["stack"] == "lio"] == [
        {**common, **identity, **iscsi, "initiators": ["iqn.1993-08.org.debian:01:6997c6813639"]},
        {**common, **identity, **loop, "target": "naa.5001405aaaaaaaa1", "disk": "", "initiators": ["naa.6001405aaaaaaaa1"]},
        {**common, **identity, **loop, "target": "naa.5001405aaaaaaaa2", "disk": "/dev/sdb", "initiators": ["naa.6001405aaaaaaaa2"]},
    ]


def test_a_mapping_that_no_target_exports_is_there_by_itself(tmp_path: Path) -> None:
    records = read(lay_out(tmp_path, *LIO_CAPTURES, "krbd-sysfs"))
    alone = [record for record in records if record["stack"] == "krbd"]
    assert places(alone) == [("krbd", "", None, "rbd1", [])]
    assert (alone[0]["backing"], alone[0]["image"], alone[0]["header"]) == ("/dev/rbd1", "rbd/img2", "rbd_header.100fbc97a105")
    assert read(lay_out(tmp_path / "scst", *SCST_CAPTURES, "krbd-sysfs"))[-1]["stack"] == "scst"


def test_every_record_has_every_key_and_the_order_is_fixed(tmp_path: Path) -> None:
    records = read(lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs"))
    assert {tuple(record) for record in records} == {tuple(records[0])}
    assert [(record["stack"], record["lun"]) for record in records] == [
        *(("lio", number) for number in (12, 0, 0)),
        *(("scst", number) for number in (0, 12, 13, 0, 12, 13)),
    ]


def test_a_host_without_any_target_has_no_luns(tmp_path: Path) -> None:
    assert read(str(tmp_path)) == []


def test_a_root_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no directory"):
        read(str(tmp_path / "none"))


def test_a_disk_that_was_unmapped_has_no_image(tmp_path: Path) -> None:
    (record,) = read(lay_out(tmp_path, *LIO_CAPTURES))[:1]
    assert (record["backing"], record["image"]) == ("/dev/rbd0", "")


def test_a_lun_over_two_images_is_there_for_each(tmp_path: Path) -> None:
    device = {f"{SCST}/targets/iscsi/t/luns/0/device": Path("../../../../../devices/striped"), f"{SCST}/devices/striped/filename": "/dev/dm-2\n[key]\n"}
    records = read(write(tmp_path, {**device, **BLOCK, **captured.krbd(3), **captured.krbd(4), **captured.krbd(5)}))
    assert [(record["stack"], record["device"], record["image"]) for record in records] == [
        ("krbd", "rbd5", "rbd/img5"),
        ("scst", "striped", "rbd/img3"),
        ("scst", "striped", "rbd/img4"),
    ]


@pytest.mark.parametrize(("root", "asked"), [("/", [4711]), ("//", [4711]), ("", [])])
def test_tgt_is_asked_only_on_the_host_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str, asked: list[int]) -> None:
    ports: list[int] = []
    monkeypatch.setattr(tgt, "read", lambda port: ports.append(port) or [])
    lun_map.read(root or str(tmp_path), 4711)
    assert ports == asked


@pytest.mark.parametrize("call", ["open", "os.listdir"])
def test_what_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(path: str, *_mode: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    root = lay_out(tmp_path, *LIO_CAPTURES)
    monkeypatch.setattr(f"{'builtins.' if call == 'open' else ''}{call}", refuse)
    with pytest.raises(TargetError, match="was denied: run the task as root"):
        lun_map.read(root, 0)


def test_secrets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs")
    write(tmp_path, {f"{LIO}/iscsi/discovery_auth/password": "secret\n"})
    opened: list[str] = []
    really = {"builtins.open": open, "os.listdir": os.listdir}
    for name, function in really.items():
        monkeypatch.setattr(name, lambda path, *mode, _really=function: opened.append(str(path)) or _really(path, *mode))
    assert "secret" not in str(lun_map.read(root, 0))
    assert len(opened) > 100
    assert not [path for path in opened if "auth" in path.split("/")[-2:] or "discovery_auth" in path or path.endswith("config_info")]


def test_hostile_content_is_read_all_the_same(tmp_path: Path) -> None:
    root = lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs")
    expected = places(read(root))
    for path in [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]:
        path.write_bytes(b"\xff\0../../%s{}\n[key]\n" * 40)
    write(tmp_path, {os.fsdecode(b"sys/bus/rbd/devices/\xff/pool"): b"\xff\n", os.fsdecode(b"sys/bus/rbd/devices/\xff/name"): b"\xfe\n"})
    records = read(root)
    assert [place[:4] for place in places(records) if place[0] != "krbd"] == [place[:4] for place in expected if place[0] != "krbd"]
    assert json.dumps(records, ensure_ascii=False).encode()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
import typing as t
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lun_map, select, tgt
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree
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


def read(tree: Tree) -> list[dict[str, Any]]:
    return [lun.record() for lun in captured.luns(tree)]


def places(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(record["stack"], record["target"], record["lun"], record["device"], record["initiators"]) for record in records]


def test_from_the_name_that_esxi_logs_to_the_header(tmp_path: Path) -> None:
    luns, missing = select.matching(captured.luns(lay_out(tmp_path, *SCST_CAPTURES, "krbd-sysfs")), [{"eui": "eui.3366613230313464"}])
    assert missing == []
    assert [lun.record() for lun in luns] == [
        {
            **{"stack": "scst", "target": target, "lun": 12, "device": "lun12", "backing": "/dev/rbd0", **IMG1},
            **{"serial": "3fa2014d", "eui": "3366613230313464", "naa": "", "initiators": [initiator], "unless": [], "logged_in": [initiator]},
            **{
                "reservation_holder": "",
                "portals": [],
                "disk": "",
                "enabled": True,
                "everybody_but": [],
                "per_portal_acl": False,
                "nv_cache": False,
                "tcmu": None,
                "in_flight": None,
            },
        }
        for target, initiator in (("scst_local_tgt", "scst_local_host"), ("tgtB", "initB"))
    ]


def test_lio_by_iscsi_and_by_two_loopback_ports(tmp_path: Path) -> None:
    write(tmp_path, {"sys/class/scsi_device/3:0:1:0/device/block/sdb/size": "131072"})
    common = {"stack": "lio", "device": "iblock_0/rbd.img1", "backing": "/dev/rbd0", **IMG1, "reservation_holder": "", "enabled": True, "everybody_but": None}
    common |= {"unless": [], "per_portal_acl": False, "nv_cache": False, "tcmu": None, "in_flight": None, "logged_in": []}
    identity = {"serial": "8cb1bf32-0001-4000-8000-0123456789ab", "eui": "", "naa": "60014058cb1bf3200014000800001234"}
    iscsi = {"target": "iqn.2003-01.org.linux-iscsi.gw1:rbd", "lun": 12, "portals": ["127.0.0.1:3260"], "disk": "", "enabled": False}
    loop = {"lun": 0, "portals": []}
    assert [record for record in read(lay_out(tmp_path, *LIO_CAPTURES, "krbd-sysfs")) if record["stack"] == "lio"] == [
        {**common, **identity, **iscsi, "initiators": ["iqn.1993-08.org.debian:01:6997c6813639"]},
        {
            **common,
            **identity,
            **loop,
            "target": "naa.5001405aaaaaaaa1",
            "disk": "",
            "initiators": ["naa.6001405aaaaaaaa1"],
            "logged_in": ["naa.6001405aaaaaaaa1"],
        },
        {
            **common,
            **identity,
            **loop,
            "target": "naa.5001405aaaaaaaa2",
            "disk": "/dev/sdb",
            "initiators": ["naa.6001405aaaaaaaa2"],
            "logged_in": ["naa.6001405aaaaaaaa2"],
        },
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
    assert read(Tree(str(tmp_path))) == []


def test_a_root_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no directory"):
        read(Tree(str(tmp_path / "none")))


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
    monkeypatch.setattr(tgt, "read", lambda port, seconds, note: ports.append(port) or [])
    lun_map.read(root or str(tmp_path), 4711)
    assert ports == asked


@pytest.mark.parametrize("call", ["open", "os.listdir"])
def test_what_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(path: str, *_mode: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    root = lay_out(tmp_path, *LIO_CAPTURES)
    monkeypatch.setattr(f"{'builtins.' if call == 'open' else ''}{call}", refuse)
    with pytest.raises(TargetError, match="was denied: run the task as root"):
        captured.luns(root)


def test_secrets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs")
    write(tmp_path, {f"{LIO}/iscsi/discovery_auth/password": "secret\n"})
    opened: list[str] = []
    really = {"builtins.open": open, "os.listdir": os.listdir}
    for name, function in really.items():
        monkeypatch.setattr(name, lambda path, *mode, _really=function: opened.append(str(path)) or _really(path, *mode))
    assert "secret" not in str(captured.luns(root))
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


def busy(tmp_path: Path, flying: str, ended: int) -> None:
    write(tmp_path, {"sys/block/rbd0/inflight": f"{flying}\n", "sys/block/rbd0/stat": f"  100 0 9 9  {ended} 0 9 9 2 9 9 0 0 0 0 7 0\n"})


def test_what_is_in_flight_below_a_lun(tmp_path: Path) -> None:
    busy(tmp_path, "       1        6", 50)
    records = read(lay_out(tmp_path, *SCST_CAPTURES, "krbd-sysfs"))
    told = {record["image"]: record["in_flight"] for record in records if record["image"]}
    assert told == {"rbd/img1": {"reads": 1, "writes": 6, "still_for": 0.0}, "rbd/img2": None}


@pytest.mark.parametrize("content", ["", "1\n", "x y\n", "-1 2\n"])
def test_what_is_in_flight_and_not_understood_is_not_known(tmp_path: Path, content: str) -> None:
    busy(tmp_path, content, 50)
    assert {record["in_flight"] is None for record in read(lay_out(tmp_path, *SCST_CAPTURES, "krbd-sysfs"))} == {True}


@pytest.fixture(name="block")
def _block() -> t.Iterator[t.Callable[[Path], None]]:
    """Opening a pipe to read waits for a writer, as a file name of SCST waits for the removal of its device."""
    pipes: list[Path] = []

    def block(path: Path) -> None:
        path.unlink()
        os.mkfifo(path)
        pipes.append(path)

    yield block
    for pipe in pipes:
        os.close(os.open(pipe, os.O_RDWR))


def test_what_a_stuck_target_holds_is_a_gap_and_the_rest_is_told(tmp_path: Path, block: t.Callable[[Path], None]) -> None:
    """A LUN of which the file name is held would seem to have no image."""
    tree = lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs")
    expected = [place for place in places(read(tree)) if place[0] != "krbd" and place[3] not in ("lun12", "lun13")]
    block(tmp_path / SCST / "devices/lun12/filename")
    block(tmp_path / SCST / "devices/lun13/filename")
    luns, gaps = lun_map.read(tree.root)
    assert [place for place in places([lun.record() for lun in luns]) if place[0] != "krbd"] == expected
    held = "sys/kernel/scst_tgt/devices/lun12/filename and 3 more of that name could not be read, since its target has locked its configuration"
    assert [gap for gap in gaps if gap == held or "SCST does not show what is behind its device lun1" in gap] == [*gaps] and held in gaps


def test_a_stack_that_is_stuck_hides_no_other(tmp_path: Path, block: t.Callable[[Path], None]) -> None:
    tree = lay_out(tmp_path, *SCST_CAPTURES, *LIO_CAPTURES, "krbd-sysfs")
    expected = [place for place in places(read(tree)) if place[0] == "lio"]
    for path in (tmp_path / SCST).rglob("*"):
        if path.is_file() and not path.is_symlink():
            block(path)
    began = time.monotonic()
    luns, gaps = lun_map.read_within(4, tree.root, 0)
    assert time.monotonic() - began < 6
    assert [place for place in places([lun.record() for lun in luns]) if place[0] == "lio"] == expected
    assert {lun.image for lun in luns if lun.stack == "lio"} == {"rbd/img1"}
    assert any("could not be read" in gap for gap in gaps)


@pytest.mark.parametrize(("handler", "gaps"), [("vdisk_blockio", 1), ("vdisk_fileio", 1), ("vdisk_nullio", 0), ("dev_disk", 0)])
def test_a_device_whose_file_name_is_gone_is_a_gap_and_no_lun(tmp_path: Path, handler: str, gaps: int) -> None:
    device = {f"{SCST}/targets/iscsi/t/luns/0/device": Path("../../../../../devices/x"), f"{SCST}/devices/x/handler": Path(f"../../handlers/{handler}")}
    told = lun_map.read(write(tmp_path, device).root)
    assert (len(told.luns), len(told.gaps)) == (1 - gaps, gaps)


def test_portals_of_sessions_stay_first(tmp_path: Path) -> None:
    target = f"{SCST}/targets/iscsi/t"
    session = {f"{target}/sessions/s/initiator_name": "iqn.a", f"{target}/sessions/s/luns": Path("../../luns"), f"{target}/sessions/s/c/target_ip": "192.0.2.5"}
    table = "head\n 0: 0100000A:0CBC 00000000:0000 0A 0:0 0:0 0 0 0 7 1\n 1: zz:0CBC 0 0A 0 0 0 0 0 7 1\n 2: 01:02:03 0 0A 0 0 0 0 0 7 1\n"
    daemon = {"proc/9/comm": "iscsi-scstd\n", "proc/9/net/tcp": table, "proc/9/fd/3": Path("socket:[7]")}
    (lun,) = captured.luns(write(tmp_path, {f"{target}/luns/0/device": Path("../../../../../devices/x"), **session, **daemon}))
    assert lun.portals == ("192.0.2.5:3260", "10.0.0.1:3260")


def test_where_the_daemon_listens_may_be_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = write(tmp_path, {f"{SCST}/targets/iscsi/t/luns/0/device": Path("../../../../../devices/x"), "proc/9/comm": "iscsi-scstd\n", "proc/9/fd/3": ""})
    really = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("/fd"):
            raise PermissionError(13, "Permission denied", path)
        return really(path)

    monkeypatch.setattr("os.listdir", refuse)
    told = lun_map.read(tree.root)
    assert len(told.luns) == 1 and "where iscsi-scstd listens is unknown" in told.gaps[0]

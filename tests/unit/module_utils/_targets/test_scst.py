# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import scst
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import SCST, Files, lay_out, text, write

TARGET = f"{SCST}/targets/iscsi/iqn.t"
DEVICES = "../../../../../devices"


def device(name: str, **attributes: str) -> Files:
    return {f"{SCST}/devices/{name}/{attribute}": value for attribute, value in attributes.items()}


def session(name: str, luns: str) -> Files:
    path = f"{TARGET}/sessions/{name}#1"
    return {f"{path}/initiator_name": f"{name}\n", f"{path}/luns": Path(luns)}


def test_the_eui_of_every_device_is_the_one_that_an_initiator_saw(tmp_path: Path) -> None:
    seen = {columns[3]: columns[4].removeprefix("eui.") for columns in (line.split() for line in text("scst-block").splitlines())}
    luns = scst.read(lay_out(tmp_path, "scst-devices", "scst-targets", "scst-links"))
    assert {lun.device: lun.eui for lun in luns} == seen
    assert len(seen) == 3


def test_the_copy_manager_is_left_out(tmp_path: Path) -> None:
    luns = scst.read(lay_out(tmp_path, "scst-devices", "scst-targets", "scst-links"))
    assert {lun.target for lun in luns} == {"scst_local_tgt", "tgtB"}


@pytest.mark.parametrize(
    ("eui64_id", "naa_id", "t10_dev_id", "identity"),
    [
        ("", "", b"3fa2014d-lun12\n", ("3366613230313464", "")),
        ("", "", b"3fa2014-lun12\n[key]\n", ("336661323031342d", "")),
        ("", "", b"lun1\n", ("6c756e3100000000", "")),
        ("", "", b"a\xff\n", ("61ff000000000000", "")),
        ("", "", b"\n", ("", "")),
        ("", "", b"", ("", "")),
        ("0x0000000000000abc", "", b"3fa2014d-lun12\n", ("0000000000000abc", "")),
        ("0000000000000ABC", "", b"3fa2014d-lun12\n", ("0000000000000abc", "")),
        ("", "0x60014050000000000000000000000abc", b"3fa2014d-lun12\n", ("", "60014050000000000000000000000abc")),
        ("0x0000000000000abc", "0x5001405000000abc", b"3fa2014d-lun12\n", ("0000000000000abc", "5001405000000abc")),
    ],
)
def test_identity(eui64_id: str, naa_id: str, t10_dev_id: bytes, identity: tuple[str, str]) -> None:
    assert scst.identity(eui64_id, naa_id, t10_dev_id) == identity


def test_a_value_that_was_set_has_a_second_line(tmp_path: Path) -> None:
    set_by_hand = {"filename": "/dev/rbd0\n[key]\n", "usn": "00ab\n[key]\n", "eui64_id": "0x00000000000000ab\n[key]\n", "t10_dev_id": "00ab-x\n[key]\n"}
    (lun,) = scst.read(write(tmp_path, {f"{TARGET}/luns/0/device": Path(f"{DEVICES}/x"), **device("x", **set_by_hand)}))
    assert (lun.backing, lun.serial, lun.eui) == ("/dev/rbd0", "00ab", "00000000000000ab")


def test_each_group_of_initiators_has_its_own_luns(tmp_path: Path) -> None:
    luns = captured.luns(
        write(
            tmp_path,
            {
                f"{TARGET}/luns/0/device": Path(f"{DEVICES}/common"),
                f"{TARGET}/ini_groups/esx/luns/0/device": Path(f"../../{DEVICES}/datastore"),
                f"{TARGET}/ini_groups/esx/luns/mgmt": "",
                f"{TARGET}/ini_groups/esx/initiators/iqn.esx1": "iqn.esx1\n",
                f"{TARGET}/ini_groups/esx/initiators/iqn.lab*": "iqn.lab*\n",
                f"{TARGET}/ini_groups/esx/initiators/mgmt": "",
                f"{TARGET}/ini_groups/empty/luns/mgmt": "",
                f"{TARGET}/ini_groups/mgmt": "",
                **session("iqn.other", "../../luns"),
                **session("iqn.lab2", "../../ini_groups/esx/luns"),
            },
        )
    )
    assert [(lun.lun, lun.device, lun.initiators) for lun in luns] == [
        (0, "common", ("iqn.other",)),
        (0, "datastore", ("iqn.esx1", "iqn.lab*", "iqn.lab2")),
    ]


def test_groups_that_have_the_same_lun_are_one(tmp_path: Path) -> None:
    root = write(
        tmp_path,
        {
            f"{TARGET}/luns/5/device": Path(f"{DEVICES}/x"),
            f"{TARGET}/ini_groups/esx/luns/5/device": Path(f"../../{DEVICES}/x"),
            f"{TARGET}/ini_groups/esx/luns/6/device": Path(f"../../{DEVICES}/x"),
            f"{TARGET}/ini_groups/esx/initiators/iqn.b": "",
            **session("iqn.c", "../../luns"),
            **session("iqn.a", "../../luns"),
        },
    )
    assert [(lun.lun, lun.initiators) for lun in captured.luns(root)] == [(5, ("iqn.a", "iqn.b", "iqn.c")), (6, ("iqn.b",))]


def test_what_goes_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    root = write(
        tmp_path, {f"{TARGET}/luns/0/read_only": "0\n", f"{TARGET}/luns/1/device": Path(f"{DEVICES}/gone"), f"{TARGET}/sessions/s/luns": Path("../../luns")}
    )
    assert [(lun.lun, lun.device, lun.backing, lun.eui, lun.initiators) for lun in scst.read(root)] == [(1, "gone", "", "", ())]


@pytest.mark.parametrize(
    ("switches", "enabled"),
    [({}, True), ({TARGET: "1"}, True), ({TARGET: "0"}, False), ({f"{SCST}/targets/iscsi": "0", TARGET: "1"}, False), ({f"{SCST}/targets/iscsi": "1"}, True)],
)
def test_a_target_that_is_off_admits_no_initiator(tmp_path: Path, switches: dict[str, str], enabled: bool) -> None:
    files = {f"{path}/enabled": f"{value}\n[key]\n" for path, value in switches.items()}
    (lun,) = scst.read(write(tmp_path, {f"{TARGET}/luns/0/device": Path(f"{DEVICES}/x"), **device("x"), **files}))
    assert lun.enabled == enabled


def test_a_capture_with_targets_that_are_on_and_off(tmp_path: Path) -> None:
    luns = scst.read(lay_out(tmp_path, "scst-iscsi", "scst-iscsi-links"))
    assert {lun.target.rpartition(":")[2]: lun.enabled for lun in luns if lun.target.startswith("iqn.2026-11.test")} == {"disabled": False, "t1": True}


def test_the_first_group_that_names_an_initiator_counts(tmp_path: Path) -> None:
    """In a copy, the first is the first by name."""
    groups: Files = {
        **{f"{TARGET}/ini_groups/{group}/luns/0/device": Path(f"../../{DEVICES}/{group}") for group in ("a", "b")},
        f"{TARGET}/ini_groups/a/initiators/iqn.lab*": "",
        f"{TARGET}/ini_groups/b/initiators/iqn.lab1": "",
        f"{TARGET}/ini_groups/b/luns/1/device": Path(f"../../{DEVICES}/a"),
        f"{TARGET}/ini_groups/a/luns/1/device": Path(f"../../{DEVICES}/a"),
    }
    luns = captured.luns(write(tmp_path, groups))
    assert [(lun.lun, lun.device, lun.initiators, lun.unless) for lun in luns] == [
        (0, "a", ("iqn.lab*",), ()),
        (0, "b", ("iqn.lab1",), ("iqn.lab*",)),
        (1, "a", ("iqn.lab*", "iqn.lab1"), ()),
    ]


def test_portals_are_those_of_sessions_first_and_then_the_sockets_of_the_daemon(tmp_path: Path) -> None:
    """Rows of /proc/net/tcp: 127.0.0.1:3270 and 0.0.0.0:3260 listen, the third is a connection, the fourth another program's."""
    rows = ["0100007F:0CC6 00000000:0000 0A", "00000000:0CBC 00000000:0000 0A", "0100007F:0CBC 0100007F:D431 01", "00000000:0016 00000000:0000 0A"]
    table = "  sl  local_address rem_address st\n" + "".join(f"{n}: {row} 0:0 0:0 0 0 0 {700 + n} 1\n" for n, row in enumerate(rows))
    daemon: Files = {"proc/9/comm": "iscsi-scstd\n", "proc/9/net/tcp": table, **{f"proc/9/fd/{n}": Path(f"socket:[{700 + n}]") for n in range(3)}}
    connections = {f"{TARGET}/sessions/iqn.a#1/192.0.2.9/target_ip": "192.0.2.1\n", f"{TARGET}/sessions/iqn.b#1/192.0.2.8/target_ip": "2001:db8::1\n"}
    files: Files = {f"{TARGET}/luns/0/device": Path(f"{DEVICES}/x"), **session("iqn.a", "../../luns"), **session("iqn.b", "../../luns"), **connections}
    (without,) = scst.read(write(tmp_path, files))
    assert (without.portals, without.logged_in) == (("192.0.2.1:3260", "[2001:db8::1]:3260"), ("iqn.a", "iqn.b"))
    (lun,) = scst.read(write(tmp_path, daemon))
    assert lun.portals == ("192.0.2.1:3260", "[2001:db8::1]:3260", "0.0.0.0:3260", "127.0.0.1:3270")


def test_names_that_hold_the_portal(tmp_path: Path) -> None:
    (lun,) = scst.read(write(tmp_path, {f"{TARGET}/luns/0/device": Path(f"{DEVICES}/x"), f"{TARGET}/per_portal_acl": "1\n[key]\n"}))
    assert lun.per_portal_acl


# EUI and NAA, as they follow from what each device of that capture was given.
IDENTITIES = {
    "both": ("aa23456789abcdef", "3123456789abcdef"),
    "eui8": ("0123456789abcdef", ""),
    "eui12": ("0123456789abcdef01234567", ""),
    "eui16": ("0123456789abcdef0123456789abcdef", ""),
    "naa8": ("", "2123456789abcdef"),
    "naa16": ("", "6001405aabbccddeeff0011223344556"),
    "t10": ("4142434445464748", ""),
    "t10short": ("4162310000000000", ""),
    "t10space": ("2020737020616365", ""),
}


def test_a_capture_with_identities_of_every_kind(tmp_path: Path) -> None:
    """File names end in an extra line, also where they were not set by hand; vdisk_nullio has none, and that is no gap."""
    luns = {lun.device: lun for lun in scst.read(lay_out(tmp_path, "scst-iscsi", "scst-iscsi-links"))}
    assert {name: (luns[name].eui, luns[name].naa) for name in IDENTITIES} == IDENTITIES
    assert (luns["file1"].backing, luns["lun12"].backing, luns["null1"].backing) == ("/var/srv/f.img", "/dev/ram0", "")
    assert luns["usn"].serial == "my-serial-01"
    assert [name for name, lun in luns.items() if not lun.backing] == ["null1"]

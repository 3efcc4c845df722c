# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the playbook diagnose_esxi makes of the answers, in the shapes in which Ansible hands them over."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.host_answers import diagnose

LINE = '2019-10-08T07:10:25.198Z cpu13:35761)ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "naa.6001" failed H:0x3 D:0x0 P:0x0\n'
TABLE = "Volume Name  VMFS UUID  Device Name\n-----------  ---------  -----------\nds1          uuid1      naa.6001\n"
LUN = {
    "stack": "lio",
    "target": "iqn.t",
    "lun": 1,
    "device": "d",
    "backing": "/dev/rbd0",
    "image": "rbd/lun",
    "header": "",
    "serial": "",
    "eui": "",
    "naa": "6001",
    "snapshot": "",
}
MAPPED = {"item": "gw1", "luns": [LUN]}


def answer(host: str, what: str, stdout: str, **more: t.Any) -> dict[str, t.Any]:
    return {"item": {"host": host, "what": what}, "rc": 0, "stdout": stdout, "stderr": "", **more}


def test_answers_of_several_hosts_come_together() -> None:
    asked = [answer(host, "log", LINE * number) for number, host in enumerate(("esx1", "esx2"), 1)]
    asked += [answer("esx1", "extents", TABLE), answer("esx2", "stats", "naa.6001\n   Device: naa.6001\n   Failed Commands: 3\n")]
    found = diagnose(asked, [MAPPED, {"item": "gw2", "luns": []}])
    (suspect,) = found["suspects"]
    assert (suspect["images"], suspect["hosts"], suspect["counts"]) == (["rbd/lun"], ["esx1", "esx2"], {"timeout": 3})
    assert (suspect["volumes"], suspect["counters"]) == ([{"uuid": "uuid1", "name": "ds1"}], {"failed_commands": 3})
    assert found["gaps"] == []
    assert found["read"] == [
        "log of esx1: 1 line, 1 tell of devices in trouble",
        "log of esx2: 2 lines, 2 tell of devices in trouble",
        "gateway gw1: 1 LUN",
        "gateway gw2: 0 LUNs",
    ]


def test_what_was_not_answered_is_said_and_the_rest_counts() -> None:
    asked = [
        answer("esx1", "log", LINE),
        answer("esx1", "extents", "", rc=1, stderr="Error: no\nmore"),
        {"item": {"host": "esx1", "what": "stats"}, "failed": True, "msg": "Timed out after 60 s"},
        {"item": {"host": "esx2", "what": "log"}, "unreachable": True, "msg": "Connection refused", "stdout": "", "rc": 255},
        answer("esx3", "extents", '[{"Device'),
        answer("esx3", "stats", "", rc=3),
    ]
    found = diagnose(asked, [{"item": "gw1", "unreachable": True, "msg": "no route"}, {"item": "gw2", "msg": "tgtd did not answer"}])
    assert [suspect["device"] for suspect in found["suspects"]] == ["naa.6001"]
    assert [gap for gap in found["gaps"] if "cannot be read" not in gap] == [
        "esx1 did not give its extents: Error: no",
        "esx1 did not give its stats: Timed out after 60 s",
        "esx2 did not give its log: Connection refused",
        "esx3 did not give its stats: exit status 3",
        "gateway gw1 did not tell its LUNs: no route",
        "gateway gw2 did not tell its LUNs: tgtd did not answer",
    ]
    assert any(gap.startswith("the extents of esx3 cannot be read: The output of esxcli begins as JSON, but") for gap in found["gaps"])


def test_nothing_asked_is_nothing_found() -> None:
    assert diagnose([], []) == {"suspects": [], "read": [], "gaps": [], "logs": 0}


def test_a_log_that_was_cut_off_counts_as_far_as_it_came() -> None:
    found = diagnose([answer("esx1", "log", LINE, rc=1, stderr="gzip: unexpected end of file")], [])
    assert (len(found["suspects"]), found["logs"]) == (1, 1)
    assert found["gaps"] == ["the log of esx1 ended early: gzip: unexpected end of file"]


def test_what_is_not_esxclis_is_a_gap() -> None:
    asked = [answer("esx1", "extents", "Connection to host lost\n"), answer("esx1", "stats", '[{"Device": ["x"]}]'), answer("esx1", "log", LINE)]
    assert diagnose(asked, [])["gaps"] == [
        "the extents of esx1 cannot be read: this is not output of esxcli",
        "the stats of esx1 cannot be read: this is not output of esxcli",
    ]


@pytest.mark.parametrize(
    ("size", "read", "gaps"),
    [
        (9_000, "2000", ["the log of esx1 has 9,000 bytes, of which the last 2,000 were read: raise diagnose_esxi_log_bytes to read more"]),
        (2_000, 2_000, []),
        ("", 2_000, []),
    ],
)
def test_a_log_of_which_only_the_end_was_read_is_a_gap(size: t.Any, read: t.Any, gaps: list[str]) -> None:
    told = answer("esx1", "log", f"# of {size} bytes\r\n{LINE}")
    found = diagnose([{**told, "item": {**told["item"], "bytes": read}}], [])
    assert (found["gaps"], found["logs"], found["read"]) == (gaps, 1, ["log of esx1: 1 line, 1 tell of devices in trouble"])


def test_a_log_that_is_not_there_has_not_answered() -> None:
    assert diagnose([answer("esx1", "log", "# of 0 bytes", rc=1, stderr="no such file")], [])["gaps"] == ["esx1 did not give its log: no such file"]


HIDDEN = LINE.replace("H:0x3", "H:0x0").replace("D:0x0", "D:0x18").replace("10-08", "10-01")
HOSTD = "2019-10-08T07:10:25.198Z info hostd[9F81B70] [Originator@6876 sub=Vimsvc.TaskManager] Task Created\n"


def test_a_file_that_is_none_of_these_logs_is_named() -> None:
    found = diagnose([answer("b/hostd.log", "log", HOSTD * 3), answer("b/vmkernel.log", "log", HOSTD + LINE)], [])
    assert found["gaps"] == ["b/hostd.log is no vmkernel.log, vmkwarning.log or vobd.log: none of its lines has the form of these logs"]
    assert (found["logs"], found["read"]) == (1, ["log of b/vmkernel.log: 2 lines, 1 tell of devices in trouble"])


def test_rotated_parts_are_one_log_in_their_order() -> None:
    command = '2019-10-08T07:10:25.198Z cpu1:7)NMP: nmp_ThrottleLogForDevice:1: Cmd 0x2a (0x4, 0) to dev "naa.6001" on path "vmhba1:C0:T0:L1" Failed:'
    parts = {
        "b/vmkernel.log": "2019-10-08T07:20:00.000Z cpu1:7)NMP: nmp_ThrottleLogForDevice:1: last error status from device naa.6001 repeated 5 times\n",
        "b/vmkernel.0.gz": f"{command} H:0x0 D:0x18 P:0x0\n",
        "b/vmkernel.10.gz": f"{command} H:0x3 D:0x0 P:0x0\n".replace("10-08", "10-01"),
        "b/vmkernel.2.gz": f"{command} H:0x3 D:0x0 P:0x0\n".replace("10-08", "10-02"),
    }
    found = diagnose([answer(name, "log", text) for name, text in parts.items()], [MAPPED])
    (suspect,) = found["suspects"]
    assert (suspect["counts"], suspect["pattern"], suspect["hosts"]) == ({"reservation_conflict": 6, "timeout": 2}, "conflict", ["b/vmkernel.log"])
    assert found["read"][0] == "log of b/vmkernel.log with 3 older parts: 4 lines, 4 tell of devices in trouble"
    assert (suspect["first"], found["logs"]) == ("2019-10-01T07:10:25.198Z", 1)


def test_hosts_whose_names_end_with_numbers_are_several() -> None:
    found = diagnose([answer(f"10.0.0.{number}", "log", LINE) for number in (1, 2)], [])
    assert found["suspects"][0]["hosts"] == ["10.0.0.1", "10.0.0.2"]


def test_the_logs_of_one_directory_are_one_hosts() -> None:
    warning = "2019-10-08T07:10:26.000Z cpu1:7)WARNING: Partition: 1112: Partition table read from device naa.6001 failed: I/O error\n"
    ended = "2019-10-08T07:12:00.000Z: [APDCorrelator] 1us: [esx.clear.storage.apd.exit] Device or filesystem with identifier [naa.6001] has exited\n"
    warning = warning.replace("Z cpu", "Z Wa(180) vmkernel: cpu")
    warnings = warning.replace("vmkernel", "vmkwarning")
    asked = [answer("b/vmkernel.log", "log", LINE + warning), answer("b/vmkwarning.log", "log", warnings), answer("b/vobd.log", "log", ended)]
    (suspect,) = diagnose(asked, [MAPPED])["suspects"]
    assert (suspect["counts"], suspect["hosts"], suspect["pattern"]) == ({"io_error": 1, "recovered": 1, "timeout": 1}, ["b"], "recovered")


def test_an_old_conflict_in_another_part_hides_no_hang() -> None:
    (suspect,) = diagnose([answer("vmkernel.log", "log", LINE), answer("vmkernel.0.gz", "log", HIDDEN)], [MAPPED])["suspects"]
    assert (suspect["pattern"], suspect["episodes"]) == ("hung", 2)


def test_what_was_not_understood_is_shown() -> None:
    found = diagnose([answer("esx1", "log", LINE + LINE.split("Z", maxsplit=1)[0] + "Z cpu1:7)ScsiCore: 12: Something new\n")], [])
    assert found["read"] == [
        "log of esx1: 2 lines, 1 tell of devices in trouble",
        "log of esx1: 1 line of storage modules not understood. Please report the most frequent: 1 x ScsiCore: N: Something new",
    ]


def test_a_volumes_name_is_its_own_hosts() -> None:
    waits = "2019-10-08T07:10:25.198Z cpu1:7)HBX: 1: Waiting for timed out [HB state abcdef02] on vol 'ds1'\n"
    tables = {host: TABLE.replace("uuid1", f"uuid{number}").replace("6001", f"600{number}") for number, host in enumerate(("esx1", "esx2"), 1)}
    asked = [answer(host, "extents", table) for host, table in tables.items()] + [answer("esx2", "log", waits)]
    assert [suspect["device"] for suspect in diagnose(asked, [])["suspects"]] == ["naa.6002"]

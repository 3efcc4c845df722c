# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events from the incident's kernel log, from SCST's trace, and from the forms that LIO, the disks and krbd print."""

from __future__ import annotations

import random
import typing as t
from dataclasses import asdict

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import kernel_log, scst_events
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_events import Parsed, parse
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import DATA

LOGS = DATA / "logs"


def told(parsed: Parsed) -> list[dict[str, t.Any]]:
    """What is not empty, but for the messages and the times."""
    return [{key: value for key, value in asdict(event).items() if value not in ("", None) and key not in ("text", "seconds")} for event in parsed.events]


def of(*messages: str) -> Parsed:
    return parse(Record(number, float(number), 6, message) for number, message in enumerate(messages))


@pytest.mark.parametrize("name", ["incident-kern.log", "scst-trace-reserve.dmesg", "scst-aborts.dmesg"])
def test_every_line_is_understood(name: str) -> None:
    lines = (LOGS / name).read_text().splitlines()
    records = kernel_log.parse_lines(lines)
    assert len(records) == len(lines) == parse(records).understood > 0


def test_the_incident() -> None:
    parsed = parse(kernel_log.read_file(str(LOGS / "incident-kern.log")))
    assert told(parsed) == [
        {"kind": "reserve", "stack": "scst", "holder": "ffff88011c870000"},
        {"kind": "conflict", "stack": "scst", "device": "tgt0_0", "initiator": "iqn.1993-08.org.debian:01:6997c6813639"},
        {"kind": "conflict", "stack": "sd", "device": "3:0:0:0"},
    ]
    assert parsed.events[0].seconds == 356969.436003


def test_scst_aborts_and_resets() -> None:
    """In the form of a debug build and in that of a release."""
    events = told(parse(kernel_log.read_file(str(LOGS / "scst-aborts.dmesg"))))
    probe, esx = {"initiator": "iqn.2026-11.invalid.cephops.iscsi-rescue:probe", "target": "iqn.2026-11.test:t1"}, {"initiator": "hostA", "target": "tgtA"}
    error = {"kind": "error", "stack": "scst"}
    assert {**error, "lun": 12, "initiator": "hostB", "target": "tgtB", "command": "LUN_RESET"} in events
    assert [event["command"] for event in events if event == {**error, **esx, "command": event.get("command")}] == ["ABORT_TASK", "WRITE(10)"]
    stuck = [event["command"] for event in events if event == {**error, **probe, "command": event.get("command")}]
    assert set(stuck) == {"SYNCHRONIZE CACHE(10)", "COMPARE AND WRITE", "WRITE(16)", "RESERVE(6)", "READ(10)"}


RESERVED = (
    "[7]: scst: NEW CDB: len 6, lun 12, initiator hostA, target tgtA, queue_type 1, tag 1 (cmd 0000000000000001, sess 1)",
    "[7]: scst: op_name <RESERVE(6)> (cmd 0000000000000001), direction=4",
    "[7]: scst: cmd 0000000000000001, status 0, msg_status 0, host_status 0",
)
RELEASED = tuple(line.replace("RESERVE(6)", "RELEASE(6)") for line in RESERVED)


@pytest.mark.parametrize(
    ("between", "old_holder"),
    [
        ((), "hostA"),
        (("scst: TM fn ABORT_TASK/0 (mcmd 00000002, initiator hostA, target tgtA)",), "hostA"),
        (("scst: TM fn LUN_RESET/4 (mcmd 00000002, initiator hostB, target tgtA)", "scst: Resetting LUN 11 (mcmd 00000002)"), "hostA"),
        (("scst: TM fn LUN_RESET/4 (mcmd 00000002, initiator hostB, target tgtA)", "scst: Resetting LUN 12 (mcmd 00000002)"), None),
        (("scst: scst_lun_reset:6085:Resetting LUN 12 (mcmd 00000002)",), None),
        (("scst: TM fn TARGET_RESET/5 (mcmd 00000002, initiator hostB, target tgtA)",), None),
        (("scst: TM fn TARGET_RESET/5 (mcmd 00000002, initiator hostB, target tgtB)",), "hostA"),
        (("scst: scst_rx_mgmt_fn:6742:TM fn NEXUS_LOSS_SESS/6 (mcmd 00000002, initiator hostA, target tgtA)",), None),
        (("scst: TM fn NEXUS_LOSS_SESS/6 (mcmd 00000002, initiator hostB, target tgtA)",), "hostA"),
    ],
)
def test_after_a_reset_the_old_holder_is_believed_no_more(between: tuple[str, ...], old_holder: str | None) -> None:
    events = told(of(*RESERVED, *between, *RELEASED))
    assert (events[0]["kind"], events[-1]["kind"], events[-1].get("old_holder")) == ("reserve", "release", old_holder)


def test_scst_trace() -> None:
    parsed = parse(kernel_log.read_file(str(LOGS / "scst-trace-reserve.dmesg")))
    local = {"lun": 12, "initiator": "scst_local_host", "target": "scst_local_tgt"}
    assert told(parsed) == [
        {"kind": "reserve", "stack": "scst", **local, "holder": "scst_local_host", "command": "RESERVE(6)", "status": "0x0"},
        {
            "kind": "conflict",
            "stack": "scst",
            "device": "lun12",
            "lun": 12,
            "initiator": "initB",
            "target": "tgtB",
            "command": "RESERVE(6)",
            "status": "0x18",
        },
        {"kind": "conflict", "stack": "sd", "device": "1:0:0:12"},
        {
            "kind": "error",
            "stack": "sd",
            "device": "1:0:0:12",
            "disk": "sdd",
            "command": "Reserve(6)",
            "status": "hostbyte=DID_OK driverbyte=DRIVER_OK cmd_age=0s",
        },
        {"kind": "release", "stack": "scst", **local, "old_holder": "scst_local_host", "command": "RELEASE(6)", "status": "0x0"},
    ]
    assert parsed.events[0].seconds == 97.523809
    assert parsed.events[1].text.count("\n") == 3


def test_scst_commands_of_two_initiators_at_once() -> None:
    new = "[9]: scst: NEW CDB: len 6, lun {lun}, initiator {who}, target t, queue_type 1, tag 1 (cmd {cmd}, sess 0)"
    operation = "[9]: scst: op_name <{name}> (cmd {cmd}), direction=4"
    ends = "[9]: scst: cmd {cmd}, status {status}, msg_status 0, host_status 0"
    parsed = of(
        new.format(lun=1, who="a", cmd="aa"),
        new.format(lun=1, who="b", cmd="bb"),
        operation.format(name="RESERVE(6)", cmd="bb"),
        operation.format(name="RESERVE(6)", cmd="aa"),
        new.format(lun=2, who="c", cmd="cc"),
        operation.format(name="READ(10)", cmd="cc"),
        "[9]: scst: Reservation conflict (dev lun1, initiator b, tgt_id 0)",
        ends.format(cmd="aa", status="0"),
        ends.format(cmd="cc", status="0"),
        ends.format(cmd="bb", status="18"),
        ends.format(cmd="dd", status="0"),
    )
    assert [(event.kind, event.initiator, event.device) for event in parsed.events] == [("reserve", "a", ""), ("conflict", "b", "lun1")]
    assert parsed.understood == 11


def test_a_release_of_scst_is_the_end_only_of_what_its_sender_reserved() -> None:
    lines = []
    for number, (who, name) in enumerate([("a", "RELEASE(6)"), ("a", "RESERVE(6)"), ("b", "RELEASE(6)"), ("a", "RELEASE(6)"), ("a", "RELEASE(6)")]):
        lines += [
            f"NEW CDB: len 6, lun 3, initiator {who}, target t, queue_type 1, tag 1 (cmd c{number}, sess 0)",
            f"op_name <{name}> (cmd c{number}), direction=4",
            f"cmd c{number}, status 0, msg_status 0",
        ]
    assert [(event.kind, event.old_holder, event.holder) for event in of(*lines).events] == [
        ("release", "", ""),
        ("reserve", "", "a"),
        ("release", "", ""),
        ("release", "a", ""),
        ("release", "", ""),
    ]


def test_a_command_that_meets_a_reservation_is_a_conflict_too() -> None:
    parsed = of(
        "NEW CDB: len 10, lun 3, initiator b, target t, queue_type 1, tag 1 (cmd bb, sess 0)",
        "op_name <READ(10)> (cmd bb), direction=2",
        "Reservation conflict (dev lun3, initiator b, tgt_id 1)",
        "cmd bb, status 18, msg_status 0",
    )
    assert told(parsed) == [
        {"kind": "conflict", "stack": "scst", "device": "lun3", "lun": 3, "initiator": "b", "target": "t", "command": "READ(10)", "status": "0x18"}
    ]


def test_the_thread_says_which_of_an_initiators_commands_met_the_conflict() -> None:
    new = "[{thread}]: scst: NEW CDB: len 6, lun {lun}, initiator b, target t, queue_type 1, tag 1 (cmd {cmd}, sess 0)"
    operation = "[{thread}]: scst: op_name <{name}> (cmd {cmd}), direction=4"
    parsed = of(
        new.format(thread=1, lun=1, cmd="aa"),
        operation.format(thread=11, name="RESERVE(6)", cmd="aa"),
        new.format(thread=1, lun=2, cmd="bb"),
        operation.format(thread=12, name="READ(10)", cmd="bb"),
        "[11]: scst: Reservation conflict (dev lun1, initiator b, tgt_id 0)",
        "[12]: scst: cmd bb, status 0, msg_status 0",
        "[11]: scst: cmd aa, status 18, msg_status 0",
    )
    assert [(event.kind, event.command, event.lun, event.device) for event in parsed.events] == [("conflict", "RESERVE(6)", 1, "lun1")]


def test_of_a_scst_command_cut_off_what_is_known_is_told() -> None:
    begins = "NEW CDB: len 6, lun 3, initiator b, target t, queue_type 1, tag 1 (cmd bb, sess 0)"
    operation = "op_name <RESERVE(6)> (cmd bb), direction=4"
    conflict = "Reservation conflict (dev lun3, initiator b, tgt_id 1)"
    ends = "cmd bb, status {}, msg_status 0"
    known = {"kind": "conflict", "stack": "scst", "device": "lun3", "initiator": "b"}
    more = {"lun": 3, "target": "t", "command": "RESERVE(6)"}
    assert told(of(begins, operation, conflict)) == [{**known, **more}]
    assert told(of(begins, operation, conflict, begins)) == [{**known, **more}]
    assert told(of(conflict, ends.format(18))) == [known]
    assert told(of(begins, operation, ends.format(18))) == [{key: value for key, value in {**known, **more, "status": "0x18"}.items() if key != "device"}]
    assert told(of(operation, ends.format(0))) == [{"kind": "reserve", "stack": "scst", "command": "RESERVE(6)", "status": "0x0"}]
    assert [event.kind for event in of(begins, operation, ends.format(2)).events] == ["error"]
    assert told(of(begins, operation, conflict, conflict)) == [known, {**known, **more}]
    assert told(of(begins, operation, ends.format(2), conflict))[1:] == [known]
    assert of(begins, operation).events == of(begins, ends.format(0)).events == of(ends.format(18)).events == []


def test_scst_commands_without_an_end_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scst_events, "_MOST_PENDING", 2)
    operations = [f"op_name <RESERVE(6)> (cmd {number}), direction=4" for number in range(3)]
    parsed = of(*operations, *(f"cmd {number}, status 0, msg_status 0" for number in range(3)))
    assert len(parsed.events) == 2


@pytest.mark.parametrize("prefix", ["", "[4711] ", "[4711] target_core_mod:target_scsi2_reservation_reserve:291: "])
def test_lio_with_any_flags(prefix: str) -> None:
    parsed = of(
        prefix + "SCSI-2 Reserved iSCSI LUN: 0 -> MAPPED LUN: 12 for iqn.1998-01.com.vmware:esx1",
        prefix + "SCSI-2 Released reservation for iSCSI LUN: 0 -> MAPPED LUN: 12 for iqn.1998-01.com.vmware:esx1",
    )
    name = "iqn.1998-01.com.vmware:esx1"
    assert told(parsed) == [
        {"kind": "reserve", "stack": "lio", "lun": 12, "target": "iSCSI", "initiator": name, "holder": name},
        {"kind": "release", "stack": "lio", "lun": 12, "target": "iSCSI", "initiator": name, "old_holder": name},
    ]


@pytest.mark.parametrize("headline", ["SCSI-2 RESERVATION CONFLICT for iSCSI fabric", "SCSI-2 RESERVATION CONFLIFT for iSCSI fabric"])
def test_lio_conflict_is_one_event(headline: str) -> None:
    parsed = of(
        headline,
        "Original reserver LUN: 0 iqn.1998-01.com.vmware:esx1",
        "something else",
        "Current attempt - LUN: 0 -> MAPPED LUN: 3 from iqn.1998-01.com.vmware:esx2 ",
    )
    assert told(parsed) == [
        {
            "kind": "conflict",
            "stack": "lio",
            "lun": 3,
            "target": "iSCSI",
            "old_holder": "iqn.1998-01.com.vmware:esx1",
            "initiator": "iqn.1998-01.com.vmware:esx2",
        }
    ]
    assert parsed.understood == 3


def test_lio_conflicts_cut_off_are_not_mixed() -> None:
    headline = "SCSI-2 RESERVATION CONFLICT FOR iSCSI fabric"
    first = ("Original reserver LUN: 0 one", "Current attempt - LUN: 0 -> MAPPED LUN: 3 from two ")
    second = ("Original reserver LUN: 0 three", "Current attempt - LUN: 0 -> MAPPED LUN: 4 from four ")
    parsed = of(*second, headline, first[0], second[0], headline, *first, *second)
    assert [(event.old_holder, event.initiator, event.lun) for event in parsed.events] == [("one", "", None), ("one", "two", 3)]
    assert parsed.understood == 10


def test_a_reset_of_the_lun_releases_it() -> None:
    parsed = of("LUN_RESET: TMR starting for [iblock/lun12], tas: 0", "LUN_RESET: SCSI-2 Released reservation", "LUN_RESET: TMR for [iblock] Complete")
    assert [event.kind for event in parsed.events] == ["error", "release", "error"]


def test_scsi_errors_cut_off_are_not_mixed() -> None:
    disk = "sd 1:0:0:12: [sdd] tag#7 "
    parsed = of(
        disk + "FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_OK cmd_age=3s",
        disk + "CDB: Test Unit Ready 00 00 00 00 00 00",
        disk + "Sense Key : Not Ready [current] ",
        disk + "Add. Sense: Logical unit not ready",
        disk + "Sense Key : Aborted Command [current] ",
        disk + "CDB: Read(16): 88 00",
        disk + "CDB[00]: 88 00",
        "sd 1:0:0:12: [sdd] Synchronize Cache(10) failed: Result: hostbyte=DID_NO_CONNECT driverbyte=DRIVER_OK",
    )
    assert [(event.command, event.status, event.sense) for event in parsed.events] == [
        ("Test Unit Ready", "hostbyte=DID_OK driverbyte=DRIVER_OK cmd_age=3s", ""),
        ("", "", "Not Ready [current]; Logical unit not ready"),
        ("Read(16)", "", "Aborted Command [current]"),
        ("", "hostbyte=DID_NO_CONNECT driverbyte=DRIVER_OK", ""),
    ]
    assert parsed.understood == 8


@pytest.mark.parametrize(
    ("message", "kind", "device", "disk", "status"),
    [
        ("sd 2:0:0:1: rejecting I/O to offline device", "error", "2:0:0:1", "", ""),
        ("scsi 2:0:0:1: rejecting I/O to dead device", "error", "2:0:0:1", "", ""),
        ("sd 2:0:0:1: Device offlined - not ready after error recovery", "error", "2:0:0:1", "", ""),
        ("sd 2:0:0:1: [sde] tag#3 timing out command, waited 180s", "error", "2:0:0:1", "sde", ""),
        ("sd 2:0:0:1: Power-on or device reset occurred", "error", "2:0:0:1", "", ""),
        ("sd 2:0:0:1: [sde] tag#3 aborting command", "error", "2:0:0:1", "sde", ""),
        ("I/O error, dev sdb, sector 8 op 0x0:(READ) flags 0x0", "error", "", "sdb", "I/O error"),
        ("print_req_error: critical target error, dev dm-3, sector 8", "error", "", "dm-3", "critical target error"),
        ("blk_update_request: critical nexus error, dev sdd, sector 0", "conflict", "", "sdd", "critical nexus error"),
        ("blk_update_request: I/O error, dev rbd0, sector 8", "error", "rbd0", "", "I/O error"),
        ("operation not supported error, dev sdb, sector 8", "error", "", "sdb", "operation not supported error"),
    ],
)
def test_what_disks_and_the_block_layer_say(message: str, kind: str, device: str, disk: str, status: str) -> None:
    (event,) = of(message).events
    assert (event.kind, event.device, event.disk, event.status) == (kind, device, disk, status)


def test_scsi_errors_are_joined_by_disk_and_tag() -> None:
    parsed = of(
        "sd 1:0:0:12: [sdd] tag#7 FAILED Result: hostbyte=DID_OK driverbyte=DRIVER_OK cmd_age=3s",
        "sd 2:0:0:1: [sde] tag#7 FAILED Result: hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK cmd_age=40s",
        "sd 1:0:0:12: [sdd] tag#7 Sense Key : Illegal Request [current] ",
        "sd 1:0:0:12: [sdd] tag#7 Add. Sense: Invalid command operation code",
        "sd 2:0:0:1: [sde] tag#7 CDB: Write(10) 2a 00 00 00 08 00 00 00 08 00",
        "sd 1:0:0:12: [sdd] tag#7 CDB: opcode=0x8b 8b 00",
        "blk_update_request: I/O error, dev sde, sector 2048 op 0x1:(WRITE) flags 0x0 phys_seg 1 prio class 0",
        "sd 2:0:0:1: rejecting I/O to offline device",
        "reservation conflict error, dev sdd, sector 0 op 0x0:(READ)",
        "sd 9:0:0:1: [sdz] tag#1 Sense Key : Not Ready [current]",
    )
    assert [(event.kind, event.disk, event.command, event.sense) for event in parsed.events] == [
        ("error", "sdd", "opcode=0x8b", "Illegal Request [current]; Invalid command operation code"),
        ("error", "sde", "Write(10)", ""),
        ("error", "sde", "", ""),
        ("error", "", "", ""),
        ("conflict", "sdd", "", ""),
        ("error", "sdz", "", "Not Ready [current]"),
    ]
    assert parsed.events[1].status == "hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK cmd_age=40s"
    assert parsed.understood == 10


def test_krbd_lock() -> None:
    parsed = of(
        "rbd: rbd0: no lock owners detected",
        "rbd: rbd0: breaking header lock owned by client4122",
        "rbd: rbd1: encountered watch error: -107",
        "rbd: rbd0: capacity 33554432 features 0x5",
        "rbd: image img1: no lock owners detected",
        "rbd: rbd0: client4123 seems dead, breaking lock",
        "rbd: rbd0: failed to blocklist client4123: -13",
        "rbd: rbd0: failed to acquire exclusive lock: -110",
    )
    assert told(parsed) == [
        {"kind": "lock", "stack": "krbd", "device": "rbd0"},
        {"kind": "lock", "stack": "krbd", "device": "rbd0", "old_holder": "client4122"},
        {"kind": "lock", "stack": "krbd", "device": "rbd1"},
        {"kind": "lock", "stack": "krbd"},
        {"kind": "lock", "stack": "krbd", "device": "rbd0", "old_holder": "client4123"},
        {"kind": "lock", "stack": "krbd", "device": "rbd0", "old_holder": "client4123"},
        {"kind": "lock", "stack": "krbd", "device": "rbd0"},
    ]


HOLDERS = "Old Holder: {}, New Holder: {}"


@pytest.mark.parametrize("prefix", ["", "[82419] ", "scst: ", "scst_reserve_dev: ", "536: ", "[82419] scst:scst_reserve_dev:536: "])
def test_scst_old_reserve_with_any_flags(prefix: str) -> None:
    parsed = of(prefix + HOLDERS.format("(null)", "ffff88011c870000"), prefix + HOLDERS.format("ffff88011c870000", "0000000000000000"))
    assert told(parsed) == [
        {"kind": "reserve", "stack": "scst", "holder": "ffff88011c870000"},
        {"kind": "release", "stack": "scst", "old_holder": "ffff88011c870000"},
    ]


def test_scst_old_release_says_no_more_than_it_was_told() -> None:
    parsed = of("scst_clear_dev_reservation: on lun12", "[1] scst_clear_dev_reservation:548: ")
    assert told(parsed) == [{"kind": "release", "stack": "scst"}] * 2


def test_scst_old_release_and_lun_resets() -> None:
    parsed = of(
        "[82419] scst_clear_dev_reservation:548: Old Holder: ffff88011c870000",
        "ABORT_TASK: Found referenced iSCSI task_tag: 112",
        "LUN_RESET: TMR for [iSCSI] completed",
        "EXT4-fs (sda1): mounted filesystem",
    )
    assert [(event.kind, event.stack, event.old_holder) for event in parsed.events] == [
        ("release", "scst", "ffff88011c870000"),
        ("error", "lio", ""),
        ("error", "lio", ""),
    ]


def test_whatever_comes_it_does_not_fail() -> None:
    """Real lines, cut, mixed and with bytes of chance."""
    chance = random.Random(4)
    lines = [record.message for path in LOGS.iterdir() for record in kernel_log.parse_lines(path.read_text().splitlines())]
    lines += ["Original reserver LUN: 1 x", "sd 1:0:0:1: [sda] tag#1 CDB: Read(6) 08 00", "sd 1:0:0:1: [sda] Sense Key : x"]
    lines += ["SCSI-2 RESERVATION CONFLICT FOR iSCSI fabric", f"Current attempt - LUN: 1 -> MAPPED LUN: {'9' * 5000} from x"]
    lines += ["rbd: rbd0: breaking header lock owned by client4122", "I/O error, dev sda, sector 1", HOLDERS.format("(null)", "(null)")]
    for _round in range(200):
        cut = [line[chance.randrange(len(line) + 1) * (chance.random() < 0.3) :] + chr(chance.randrange(0x3000)) for line in lines]
        chance.shuffle(cut)
        assert of(*cut).understood <= len(cut)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of ESXi: the incident's own, the forms of other versions, and what is no log at all."""

from __future__ import annotations

import random
import time
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import suspects, vmkernel
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import DATA

LOG = (DATA / "esxi" / "esxi-vmkernel.log").read_text(encoding="utf-8")
HEAD = "2019-10-08T07:10:25.198Z cpu13:35761)"
DEVICE = "naa.60060e801603dd00000103dd00000123"
FAILED = f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed'


def the_one(line: str) -> vmkernel.Event:
    read = vmkernel.events(line)
    assert (read["lines"], read["unparsed"]) == (1, 0), read
    return read["events"][0]  # type: ignore[no-any-return]


def test_every_line_of_the_incident_is_understood() -> None:
    read = vmkernel.events(LOG, "esx1")
    assert (read["lines"], read["unparsed"], read["dropped"]) == (10, 0, 0)
    kinds = ["io_error"] * 5 + ["reserve_failed", "io_error", "command_failed", "path_in_doubt", "timeout"]
    assert [event["kind"] for event in read["events"]] == kinds
    assert {event["host"] for event in read["events"]} == {"esx1"}


def test_the_fields_of_the_incident() -> None:
    events = vmkernel.events(LOG)["events"]
    assert [event["device"] for event in events] == ["eui.6465336666353233"] * 4 + [""] * 3 + ["eui.3939303832313261", "", "eui.3939303832313261"]
    assert [event["partition"] for event in events] == [None, None, None, 1, None, None, None, None, None, 1]
    assert {event["volume"] for event in events[4:7]} == {"5a9d48e2-f2d01afa-cc00-000af797e698"}
    assert (events[7]["path"], events[7]["lun"], events[7]["opcode"]) == ("vmhba32:C0:T0:L12", 12, "0x84")
    assert [event["severity"] for event in events].count("WARNING") == 3
    assert events[9]["time"] == "2019-10-08T07:11:05.203Z"
    # One operation touched the device and the volume; another one, later, the other device.
    assert len({event["operation"] for event in events[:7]}) == 1
    assert len({event["operation"] for event in events}) == 3


@pytest.mark.parametrize(
    ("words", "uuid"),
    [
        ((0x5A9D48E2, 0xF2D01AFA, 0x0A00CC00, 0x98E697F7), "5a9d48e2-f2d01afa-cc00-000af797e698"),
        ((1, 2, 0x0, 0xFFFFFFFF), "00000001-00000002-0000-0000ffffffff"),
    ],
)
def test_the_uuid_of_a_volume_that_could_not_be_reserved(words: tuple[int, int, int, int], uuid: str) -> None:
    assert vmkernel.volume_uuid(*words) == uuid


@pytest.mark.parametrize(
    ("message", "kind", "facts"),
    [
        (
            f'ScsiDeviceIO: 2337: Cmd(0x412fc26ed2c0) 0x28, CmdSN 0x3dc65a from world 0 to dev "{DEVICE}" failed '
            "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x20 0x0.",
            "answered",
            {"device": DEVICE, "opcode": "0x28", "host_status": "0x0", "device_status": "0x2", "plugin_status": "0x0", "sense": "0x5 0x20 0x0"},
        ),
        (
            f'ScsiDeviceIO: 1672: Command 0x28 to device "{DEVICE}" failed H:0x0 D:0x18 P:0x3 Possible sense data: 0x0 0x0 0x0.',
            "reservation_conflict",
            {"device": DEVICE, "opcode": "0x28", "device_status": "0x18", "sense": ""},
        ),
        (
            f'NMP: nmp_CompleteCommandForPath: Command 0x16 (0x4100020e0b00) to NMP device "{DEVICE}" failed on physical path "vmhba2:C0:T0:L152" '
            "H:0x3 D:0x0 P:0x0 Possible sense data: 0x0 0x0 0x0.",
            "timeout",
            {"device": DEVICE, "path": "vmhba2:C0:T0:L152", "lun": 152, "opcode": "0x16", "host_status": "0x3"},
        ),
        (
            f'NMP: nmp_ThrottleLogForDevice:3617: Cmd 0x2a (0x439500a7f200, 65693) to dev "{DEVICE}" on path "vmhba0:C0:T0:L0" Failed: H:0x5 D:0x0 P:0x0 '
            "Possible sense data: 0x0 0x0 0x0. Act:EVAL",
            "timeout",
            {"opcode": "0x2a", "host_status": "0x5"},
        ),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x1 D:0x0 P:0x0', "no_connection", {"opcode": "0x2a"}),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x0 D:0x8 P:0x0', "busy", {}),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x7 D:0x0 P:0x0', "command_failed", {}),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x8 D:0x0 P:0x0', "timeout", {}),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x2 D:0x0 P:0x0', "busy", {}),
        (f'ScsiDeviceIO: 1: Cmd(0x1) 0x2a, CmdSN 0x1 from world 7 to dev "{DEVICE}" failed H:0x0 D:0x28 P:0x0', "busy", {}),
        (f'NMP: nmp_CompleteCommandForPath: Command 0x2a (0x4100020e0b00) to NMP device "{DEVICE}"', "command_failed", {"opcode": "0x2a"}),
        (f'NMP: nmp_DeviceRetryCommand:133: Device "{DEVICE}": awaiting fast path state update', "path_in_doubt", {}),
        ("FS3: 2762: [Req mode: SCSI] reservation error: Failure", "reserve_failed", {}),
        (f"Vol3: 731: Couldn't read volume header from {DEVICE}:1: No connection", "no_connection", {}),
        (f"{FAILED} H:0x0 D:0x2 P:0x0 Valid sense data: 0x3 0x11 0x0", "check_condition", {}),
        (f"{FAILED} H:0x0 D:0x2 P:0x0 Valid sense data: 0xe 0x1d 0x0", "answered", {}),
        (f"{FAILED} H:0x0 D:0x2 P:0x0 Possible sense data: 0x5 0x0 0x0", "check_condition", {}),
        (f'ScsiDeviceIO: 4: Get VPD 86 Inquiry for device "{DEVICE}" from Plugin "NMP" failed. Not supported', "answered", {"device": DEVICE}),
        (
            f"StorageApdHandlerEv: 110: Device or filesystem with identifier [{DEVICE}] has entered the All Paths Down state.",
            "path_in_doubt",
            {"device": DEVICE},
        ),
        (f"Vol3: 1: Could not open {DEVICE}; it is gone", "io_error", {"device": DEVICE}),
        (f'NMP: nmp_ThrottleLogForDevice:2458: Cmd 0x84 (0x41330179b3c0, 0) to dev "{DEVICE}', "command_failed", {"device": DEVICE}),
        (
            f"ScsiDeviceIO: 1223: Device {DEVICE} performance has deteriorated. I/O latency increased from average value of 1832 microseconds to 19403.",
            "slow",
            {"device": DEVICE},
        ),
        (f'NMP: nmp_DeviceRequestFastDeviceProbe:237: NMP device "{DEVICE}" state in doubt; requested fast path state update...', "path_in_doubt", {}),
        (f"StorageApdHandler: 265: APD Timeout for [{DEVICE}] All Paths Down", "path_in_doubt", {"device": DEVICE}),
        # The UUID is that of a host.
        ("HBX: 2832: Waiting for timed out [HB state abcdef02 offset 3948544 gen 5 uuid 5a9d48e2-f2d01afa-cc00-000af797e698]", "timeout", {"volume": ""}),
        ("FS3: 2762: reservation error: SCSI reservation conflict", "reservation_conflict", {}),
        ('Partition: 423: Failed read for "mpx.vmhba1:C0:T0:L0": I/O error', "io_error", {"device": "mpx.vmhba1:C0:T0:L0", "partition": None, "lun": 0}),
        ("Vol3: 731: Couldn't read volume header from t10.ATA_____X__Y:3: Timeout", "timeout", {"device": "t10.ATA_____X__Y", "partition": 3}),
    ],
)
def test_forms(message: str, kind: str, facts: dict[str, object]) -> None:
    event = the_one(HEAD + message)
    assert event["kind"] == kind
    assert {name: event[name] for name in facts} == facts


@pytest.mark.parametrize(
    "head",
    [
        "2014-03-14T16:22:52.801Z esx1.example.com vmkernel: cpu3:32800)",
        "<181>2014-03-14T16:22:52.801Z esx1 vmkernel: cpu3:32800)",
        "2022-12-01T16:22:52.801Z In(182) vmkernel: cpu12:2097862 opID=1d9f)",
        "2022-12-01T16:22:52.801Z Wa(180) vmkernel: cpu12:2097862)WARNING: ",
        "Mar  9 23:53:24 esx405 vmkernel: 2:14:39:54.069 cpu3:4300)",
        "cpu3:4300)ALERT: ",
        "2022-12-01T16:22:52.801Z mycpu1.example.com In(182) vmkernel: cpu12:2097862 opID=1d9f)",
    ],
)
def test_heads_of_other_versions_and_of_syslog(head: str) -> None:
    event = the_one(f'{head}Partition: 423: Failed read for "{DEVICE}": I/O error')
    assert (event["device"], event["kind"]) == (DEVICE, "io_error")
    assert event["time"] == (head.partition(" ")[0].rpartition(">")[2] if "T16" in head else "")


@pytest.mark.parametrize(
    "line",
    [
        "no log",
        HEAD,
        f"{HEAD}World: 12: Failed: I/O error",
        f"{HEAD}Vol3: 12: mounted",
        f"{HEAD}StorageApdHandler: 507: Device with identifier [{DEVICE}] has exited the All Paths Down state. I/O will no longer be failed",
        'Partition: 423: Failed read for "naa.1": I/O error',
        "cpu)Partition: 1: failed",
        ")cpu1:1",
        "\0\x1b[31m\ufffd",
    ],
)
def test_anything_else_is_counted(line: str) -> None:
    assert vmkernel.events(line) == {"events": [], "dropped": 0, "lines": 1, "unparsed": 1}


def test_empty_lines_are_no_lines() -> None:
    assert vmkernel.events("\n  \r\n\t\n")["lines"] == 0


def test_a_status_in_a_line_of_its_own_belongs_to_the_line_before() -> None:
    first = f'NMP: nmp_ThrottleLogForDevice:3863: Cmd 0x16 (0x45d, 7) to dev "{DEVICE}" on path "vmhba2:C0:T0:L12" Failed:'
    rest = "NMP: nmp_ThrottleLogForDevice:3867: H:0x0 D:0x18 P:0x0 Possible sense data: 0x0 0x0 0x0. Act:NONE"
    other = first.replace(DEVICE, "naa.02").replace("0x16", "0x2a")
    read = vmkernel.events("\n".join(HEAD + line for line in (first, rest, other, rest)))
    assert (read["lines"], read["unparsed"], read["dropped"]) == (4, 0, 0)
    assert [(event["device"], event["opcode"], event["kind"]) for event in read["events"]] == [
        (DEVICE, "0x16", "reservation_conflict"),
        ("naa.02", "0x2a", "reservation_conflict"),
    ]
    later = vmkernel.events(f"{HEAD}{first}\n{HEAD.replace('25.198Z', '26.198Z')}{rest}")
    assert [event["device"] for event in later["events"]] == [DEVICE, ""]


def test_the_newest_are_kept() -> None:
    read = vmkernel.events(LOG, limit=3)
    assert [event["kind"] for event in read["events"]] == ["command_failed", "path_in_doubt", "timeout"]
    assert (read["dropped"], read["unparsed"]) == (7, 0)


def test_every_line_may_end_anywhere() -> None:
    lines = LOG.splitlines()
    for line in lines:
        for end in range(len(line)):
            vmkernel.events(line[:end])
            vmkernel.events(line[end:])


def test_arbitrary_bytes_never_raise() -> None:
    chance = random.Random(5)
    pieces = [line.encode() for line in LOG.splitlines()]
    pieces += [
        b"cpu",
        b")",
        b"0x",
        b"H:0x3 D:0x0 P:0x0",
        b" Valid sense data: 0x5 0x20 0x0",
        b"H:0x3 D:",
        b"\n",
        b"Failed to reserve volume ",
        b"naa.",
        b"vmhba",
    ]
    for _text in range(2000):
        mixed = bytearray(b"".join(chance.choices(pieces, k=4)))
        for _byte in range(chance.randrange(30)):
            mixed[chance.randrange(len(mixed))] = chance.randrange(256)
        text = mixed.decode("utf-8", errors="replace")
        read = vmkernel.events(text)
        told = [event for event in map(vmkernel.parse, text.split("\n")) if event]
        assert read["lines"] - read["unparsed"] == len(told)
        assert sum(bool(event["device"] or not event["host_status"]) for event in told) <= len(read["events"]) <= len(told)


def cpu_seconds(read: t.Callable[[str], t.Any], text: str) -> float:
    """The least of three, for others use the machine, too."""
    took = []
    for _repeat in range(3):
        began = time.process_time()
        read(text)
        took.append(time.process_time() - began)
    return min(took)


def suspected(text: str) -> list[dict[str, t.Any]]:
    return suspects.from_events(vmkernel.events(text)["events"], [])


@pytest.mark.parametrize("read", [vmkernel.events, suspected])
def test_eight_times_the_lines_take_about_eight_times_as_long(read: t.Callable[[str], t.Any]) -> None:
    """It was seen to fail with a reader that cuts each line off the rest of the text, which takes 50 times as long."""
    log = LOG * 100
    assert cpu_seconds(read, log * 8) < 16 * cpu_seconds(read, log)


@pytest.mark.parametrize("piece", [" ", "cpu", ")", "cpu1:1)", "naa.", "a-", "0x1 ", "Cmd ", "\r", "12345678-", "cpu1:1 opID=", "H:0x1 D:"])
def test_a_line_without_end_is_read_in_no_time(piece: str) -> None:
    """No more of it is read than of any other line."""
    length = 3_000_000
    assert cpu_seconds(vmkernel.events, piece * (length // len(piece))) < 0.1
    assert cpu_seconds(vmkernel.events, f"{HEAD}Vol3: 1: " + piece * (length // len(piece))) < 0.1

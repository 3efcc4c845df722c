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


VOBD = ["2024-05-01T10:00:00.000Z: [aCorrelator] 12us: ", '2024-05-01T10:00:00.000Z h vobd 20 - [esx@4413 threadName="aCorrelator"] 12us: ']


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
        (f"{FAILED.replace('0x2a', '0x89')} H:0x0 D:0x2 P:0x0 Valid sense data: 0xe 0x1d 0x0", "ats_miscompare", {"opcode": "0x89"}),
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
    ("message", "kind", "detail"),
    [
        ("StorageApdHandler: 1205: APD start for 0x43 [naa.01]", "path_in_doubt", "all_paths_down"),
        ("StorageApdHandler: 248: APD Timer started for ident [naa.01]", "path_in_doubt", "all_paths_down"),
        ("StorageApdHandler: 609: APD timeout event for 0x43 [naa.01]", "path_in_doubt", "all_paths_down_timeout"),
        ("StorageApdHandlerEv: 126: Device [naa.01] has entered the All Paths Down Timeout state after 140 s", "path_in_doubt", "all_paths_down_timeout"),
        ("StorageApdHandler: 507: Device [naa.01] has exited the All Paths Down state. I/O will no longer be failed", "recovered", "all_paths_down_exit"),
        ("HBX: 6214: APD EventType: APD_START (3) for vol 'ds one'", "path_in_doubt", "all_paths_down"),
        ("HBX: 6214: APD EventType: APD_EXIT (4) for vol 'ds one'", "recovered", "all_paths_down_exit"),
        ("ScsiDevice: 5036: Device naa.01 is Out of APD; token num:1", "recovered", "all_paths_down_exit"),
        ('VMW_SATP_ALUA: satp_alua_issueCommandOnPath:661: Path "vmhba3:C0:T0:L0" (PERM LOSS) command 0xa3 failed', "permanent_loss", ""),
        (f"{FAILED} H:0x0 D:0x2 P:0x0 Valid sense data: 0x4 0x3e 0x1", "permanent_loss", ""),
        (f"{FAILED} H:0x0 D:0x2 P:0x0 Valid sense data: 0x7 0x27 0x7", "out_of_space", ""),
        (f"{FAILED} H:0x1 D:0x0 P:0x3", "no_connection", ""),
        ('NMP: nmp_IssueCommandToDevice:2954: I/O could not be issued to device "naa.01" due to Not found', "permanent_loss", ""),
        ('HPP: HppDeviceFindActivePath:412: No active path found for device "eui.01"', "path_in_doubt", "no_path"),
        ("vmw_psp_mru: psp_mruSelectPath: Changing active path from vmhba33:C0:T1:L7 to vmhba33:C0:T0:L7", "path_in_doubt", "path_changed"),
        ('NMP: nmp_CompleteRetryForPath: Retry world recovered device "naa.01"', "recovered", "connectivity_restored"),
        ('iscsi_vmk: iscsivmk_StartConnection: vmhba64:CH:0 T:0 CN:0: iSCSI connection is being marked "ONLINE"', "recovered", "session_recovered"),
        (
            "iscsi_vmk: iscsivmk_ConnRxNotifyFailure: vmhba64:CH:0 T:0 CN:0: Connection rx notifying failure: Failed to Receive.",
            "no_connection",
            "session_lost",
        ),
        ("HBX: 3100: ATS Miscompare detected between test and set HB images at offset 1 on vol 'ds'", "ats_miscompare", "heartbeat_miscompare"),
        ("FS3: 1: Waiting for timed out heartbeat [HB state abcdef02 offset 1]", "timeout", "heartbeat_timed_out"),
        ("FSS: 1: Failed to open file 'x'; Requested flags 0x1: Lock was not free", "lock_wait", ""),
        ("ScsiDeviceIO: 1: Device naa.01 performance has improved.", "recovered", "latency_improved"),
        ("HBX: 1: ATS miscompare was seen on vol ds one", "ats_miscompare", ""),
        ("StorageApdHandler: 1: APD_TIMEOUT for [naa.01]", "path_in_doubt", "all_paths_down_timeout"),
        ("HBX: 1: 'ds one': HB at offset 3735552 - Timeout", "timeout", "heartbeat_timed_out"),
        ("ScsiDevice: 1: Device naa.01 is no longer permanently inaccessible", "recovered", "device_restored"),
        ("ScsiDevice: 1: Device naa.01 is permanently unavailable", "permanent_loss", ""),
        ("ScsiDevice: 1: Device naa.01 is in permanent device loss", "permanent_loss", ""),
        ("ScsiDevice: 1: Setting Device naa.01 state back to 0x2", "recovered", "all_paths_down_exit"),
        ('NMP: nmp_SelectPath:1: There is no working path for "naa.01"', "path_in_doubt", "no_path"),
        ('VMW_SATP_ALUA: satp_alua_updatePath:1: Path "vmhba64:C0:T0:L1" is down', "path_in_doubt", "path_dead"),
        ("ScsiPath: 1: TaskMgmt abort failed on path vmhba64:C0:T0:L1", "timeout", "task_management"),
        ("Fil3: 1: Max retries (10) exceeded for caller Fil3_FileIO (status 'Busy')", "timeout", ""),
        ("Res3: 1: Read on naa.01 timed out", "timeout", ""),
        ("Vol3: 1: Couldn't read volume header from naa.01:1: Device is permanently unavailable", "permanent_loss", ""),
        ("FS3: 1: Failed to write on 'ds one': All Paths Down", "path_in_doubt", "all_paths_down"),
        ("NMP: nmp_ResetDeviceLogThrottling:3776: last error status from device naa.01 repeated 3 times", "command_failed", ""),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Failed to transmit data", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Connection rx notifying failure: State=Online", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Connection closed by peer", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: NOP timeout (Event:4)", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Login failed", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Login authentication was refused", "no_connection", "session_lost"),
        ("iscsi_vmk: f: vmhba64:CH:0 T:0 CN:0: Failed to login to target", "no_connection", "session_lost"),
        ("FSS: 1: Failed to open file on 'ds one': Timeout", "timeout", ""),
        ("FSS: 1: Open of 'ds one' timed out", "timeout", ""),
        ("FSS: 1: IO was aborted via a virt-reset on 'ds one'", "timeout", ""),
        ("FSS: 1: Failed to open file on 'ds one': I/O error", "io_error", ""),
        ("FSS: 1: Failed to open file on 'ds one': No connection", "no_connection", ""),
        ("ScsiPath: 1: Path vmhba64:C0:T0:L1 changed state from active to dead", "path_in_doubt", "path_dead"),
        ("ScsiPath: 1: Path vmhba64:C0:T0:L1 changed state from dead to active", "recovered", "path_restored"),
        ("ScsiDeviceIO: 1: Restricting cmd 0x2a to quiesced device naa.01", "path_in_doubt", "device_blocked"),
        ("VMW_SATP_ALUA: satp_alua_determineStatus:529: Unknown Check condition 0/2 0x5 0x25 0x0.", "permanent_loss", ""),
        ("ScsiPath: 1: Set retry timeout for failed TaskMgmt abort for CmdSN 0x0, path vmhba64:C0:T0:L1", "timeout", "task_management"),
        ("iscsi_vmk: iscsivmk_ConnReceive: vmhba64:CH:0 T:0 CN:0: Didn't receive a NOP-Out response in time", "no_connection", "session_lost"),
        ("ScsiDevice: 1: Device naa.01 has been turned on administratively.", "recovered", "device_restored"),
        ("Fil3: 1: Max retries (10) exceeded for caller Fil3_FileIO (status 'IO was aborted by VMFS via a virt-reset on the device')", "timeout", ""),
    ],
)
def test_what_the_modules_say(message: str, kind: str, detail: str) -> None:
    event = the_one(HEAD + message)
    assert (event["kind"], event["detail"]) == (kind, detail)


@pytest.mark.parametrize(
    "message",
    [
        "FSS: 6092: Failed to open file 'a'; Requested flags 0x5, world: 2098: Busy",
        "LVM: 10419: LVMProbeDevice failed on (3964225888, naa.01:1): Device does not contain a logical volume",
        "ScsiPath: 5200: DeletePath : adapter=vmhba64, channel=0, target=0, lun=1 failed",
        "StorageApdHandler: 967: APD Handle 9093fe95-3a4075e7 Created with lock[StorageApd-0x431",
        "StorageApdHandler: 1: APD start for 0x43 [9093fe95-3a4075e7]",
        "LVM: 6817: Forcing APD unregistration of devID 53d6343f in state 1.",
        "LVM: 8389: Device naa.01:1 detected to be a snapshot:",
        "LVM: 13188: One or more LVM devices have been discovered.",
        "FSS: 5334: No FS driver claimed device 'naa.01:1': No filesystem on the device",
        "FSS: 5334: Failed to open file 'a': Not found",
        "ScsiScan: 1274: Add path: vmhba64:C0:T0:L1",
        "ScsiPath: 5161: Plugin 'NMP' claimed path 'vmhba64:C0:T0:L1'",
        "ScsiPath: 6896: vmhba64:C0:T0:L1 is being unclaimed",
        "ScsiCore: 1540: Power-on Reset occurred on naa.01",
        'ScsiDevice: 4443: Successfully registered device "naa.01" from plugin "NMP" of type 0',
        'NMP: nmp_DeviceAttemptFailover:603: Retry world failover device "naa.01" - issuing command 0x4124',
        "iscsi_vmk: iscsivmk_StopConnection: Conn [CID: 0 L: 192.0.2.1:58200 R: 192.0.2.10:3260]",
        "iscsi_vmk: iscsivmk_ConnNetRegister: socket 0x41096b6bef60 network resource pool netsched.pools.persist.iscsi associated",
        "iscsi_vmk: iscsivmk_ConnNetRegister: socket 0x41096b6bef60 network tracker id 168 associated",
        "StorageApdHandler: 1: APD Timer killed for ident [naa.01]",
        "LVM: 1: Failed to open device naa.01:1 : Not found",
        "ScsiDevice: 1: Device naa.01 has been turned off administratively.",
        "NMP: nmp_UnregisterDevice: Could not unregister device naa.01",
        "HBX: 1: Reclaiming HB at offset 3444736 on vol 'ds one'",
        'iscsi_vmk: iscsivmk_ConnCommandResponse: vmhba64:CH:0 T:0 L:1 : Task mgmt "Lun Reset" response received',
        "iscsi_vmk: iscsivmk_StopConnection: Sess [ISID: 00023d000001 TARGET: iqn.2000-01.com.example:t TPGT: 1 TSIH: 0]",
    ],
)
def test_what_is_no_trouble(message: str) -> None:
    read = vmkernel.events(HEAD + message)
    assert (read["events"], read["unread"], read["foreign"]) == ([], 0, 0)


@pytest.mark.parametrize(
    ("event", "message", "meaning", "facts"),
    [
        ("esx.problem.storage.apd.start", "Device or filesystem with identifier [naa.01] has entered", "path_in_doubt/all_paths_down", {"device": "naa.01"}),
        ("vob.storage.apd.timeout", "Device or filesystem with identifier [naa.01]", "path_in_doubt/all_paths_down_timeout", {}),
        ("esx.clear.storage.apd.exit", "Device or filesystem with identifier [naa.01]", "recovered/all_paths_down_exit", {}),
        (
            "esx.problem.storage.connectivity.lost",
            "Lost connectivity to storage device naa.01. Path vmhba2:C0:T1:L1 is down.",
            "path_in_doubt/connectivity_lost",
            {},
        ),
        ("esx.clear.storage.connectivity.restored", "Connectivity to storage device naa.01 restored.", "recovered/connectivity_restored", {}),
        ("esx.clear.storage.redundancy.restored", "Path redundancy to storage device naa.01 restored.", "recovered/redundancy_restored", {}),
        ("vob.scsi.scsipath.pathstate.dead", "scsiPath vmhba2:C0:T1:L1 changed state from on", "path_in_doubt/path_dead", {"path": "vmhba2:C0:T1:L1"}),
        ("vob.scsi.scsipath.pathstate.on", "scsiPath vmhba2:C0:T1:L1 changed state from dead", "recovered/path_restored", {}),
        ("esx.problem.scsi.device.state.permanentloss", "The path to device naa.01 has been lost.", "permanent_loss/", {"device": "naa.01"}),
        (
            "esx.problem.scsi.device.io.latency.high",
            "Device naa.01: from average of 1832 microseconds to 19403 microseconds.",
            "slow/latency",
            {"milliseconds": 19},
        ),
        ("vob.iscsi.connection.stopped", "iScsi connection 0 stopped for vmhba64:C0:T0", "no_connection/session_lost", {}),
        ("esx.problem.vmfs.heartbeat.timedout", "53d6343f-65f9ea4e-602b-508789ad4756 ds one", "timeout/heartbeat_timed_out", {"volume_name": "ds one"}),
        ("vob.vmfs.heartbeat.timedout", '53d6343f-65f9ea4e-602b-508789ad4756 ("ds one"): x', "timeout/heartbeat_timed_out", {"volume_name": "ds one"}),
        ("esx.problem.vmfs.heartbeat.recovered", "53d6343f-65f9ea4e-602b-508789ad4756 ds one", "recovered/heartbeat_reclaimed", {}),
    ],
)
@pytest.mark.parametrize(
    "head", ["2024-05-01T10:00:00.000Z: [aCorrelator] 12us: ", '2024-05-01T10:00:00.000Z h vobd 20 - [esx@4413 threadName="aCorrelator"] 12us: ']
)
def test_vobd(head: str, event: str, message: str, meaning: str, facts: dict[str, object]) -> None:
    told = the_one(f"{head}[{event}] {message}")
    assert f"{told['kind']}/{told['detail']}" == meaning
    assert (told["time"], told["module"]) == ("2024-05-01T10:00:00.000Z", "aCorrelator")
    assert {name: told[name] for name in facts} == facts


def test_vobd_speaks_of_more_than_storage() -> None:
    read = vmkernel.events("2024-05-01T10:00:00.000Z: [netCorrelator] 12us: [vob.net.vmnic.linkstate.down] vmnic0 linkstate down")
    assert (read["unparsed"], read["unread"], read["foreign"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("head", "time"),
    [
        ("2024-05-01T12:00:00.123+02:00 esx1 vmkernel: ", "2024-05-01T10:00:00.123Z"),
        ("2024-05-01T00:30:00-0330 esx1 vmkernel: ", "2024-05-01T04:00:00Z"),
        ("<181>2024-12-31T23:30:00.5-01:00 esx1 vmkernel: ", "2025-01-01T00:30:00.5Z"),
        # A relay's own time, and the host's.
        ("2024-05-01T12:00:03+02:00 relay 2024-05-01T10:00:00.100Z esx1 vmkernel: ", "2024-05-01T10:00:00.100Z"),
        ("2024-05-01T12:00:00.123+02:00 ", "2024-05-01T10:00:00.123Z"),
        # No date at all.
        ("2024-13-41T12:00:00.123+02:00 ", "2024-13-41T12:00:00.123+02:00"),
    ],
)
def test_times_with_an_offset_are_turned_into_utc(head: str, time: str) -> None:
    assert the_one(f'{head}cpu3:32800)Partition: 423: Failed read for "{DEVICE}": I/O error')["time"] == time


def test_the_unread_is_counted_and_shown() -> None:
    log = "".join(f'{HEAD}ScsiCore: {number}: Something new on "naa.{number:04d}" took {number} s\n' for number in range(12)) + f"{HEAD}Vol3: 1: mounted\n"
    read = vmkernel.events(f"{log}{HEAD}World: 1: x\nnothing\n")
    assert (read["unread"], read["foreign"], read["unparsed"]) == (13, 1, 15)
    assert read["unread_examples"] == [{"count": 12, "line": 'ScsiCore: N: Something new on "naa.N" took N s'}, {"count": 1, "line": "Vol3: N: mounted"}]


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
        'Partition: 423: Failed read for "naa.1": I/O error',
        "cpu)Partition: 1: failed",
        ")cpu1:1",
        "\0\x1b[31m\ufffd",
    ],
)
def test_anything_else_is_counted(line: str) -> None:
    read = vmkernel.events(line)
    assert (read["events"], read["dropped"], read["lines"], read["unparsed"]) == ([], 0, 1, 1)


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
    """Returns the least of three, since other programs use the machine, too."""
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
    """Fails with a reader that cuts each line off the rest of the text, which takes 50 times as long."""
    log = LOG * 100
    assert cpu_seconds(read, log * 8) < 16 * cpu_seconds(read, log)


@pytest.mark.parametrize(
    "piece", [" ", "cpu", ")", "cpu1:1)", "naa.", "a-", "0x1 ", "Cmd ", "\r", "12345678-", "cpu1:1 opID=", "H:0x1 D:", "2024-", "us: [", "vol '", "'"]
)
def test_a_line_without_end_is_read_in_no_time(piece: str) -> None:
    """Reads no more of it than of any other line."""
    length = 3_000_000
    assert cpu_seconds(vmkernel.events, piece * (length // len(piece))) < 0.1
    assert cpu_seconds(vmkernel.events, f"{HEAD}Vol3: 1: " + piece * (length // len(piece))) < 0.1


def test_a_volumes_name_without_quotation_marks() -> None:
    assert the_one(f"{HEAD}HBX: 1: ATS miscompare was seen on vol ds one")["volume_name"] == "ds one"

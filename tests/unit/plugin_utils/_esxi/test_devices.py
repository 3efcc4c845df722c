# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events find their device by the volume, the path or the session that they name."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import suspects, vmkernel

HEAD = "2024-05-01T10:00:00.000Z cpu1:7)"
UUID = "53d6343f-65f9ea4e-602b-508789ad4756"
EXTENT = {"volume_name": "ds one", "vmfs_uuid": UUID, "device_name": "naa.01", "partition": 1}
OFFLINE = f'{HEAD}iscsi_vmk: iscsivmk_StopConnection: vmhba64:CH:0 T:0 CN:0: iSCSI connection is being marked "OFFLINE" (Event:6)\n'


def waits(name: str, head: str = HEAD) -> str:
    return f"{head}HBX: 2832: Waiting for timed out [HB state abcdef02 offset 1 gen 5 uuid 61a00001-0b0c0d0e-0a7e-005056000001 jrnl <FB 1>] on vol '{name}'\n"


def failed(device: str, path: str, world: int = 9) -> str:
    return (
        f"2024-05-01T11:00:00.000Z cpu1:{world})NMP: nmp_ThrottleLogForDevice:1: "
        f'Cmd 0x2a (0x4, 0) to dev "{device}" on path "{path}" Failed: H:0x0 D:0x8 P:0x0\n'
    )


def found(log: str, extents: t.Sequence[t.Mapping[str, t.Any]] = (), host: str = "esx1") -> list[tuple[str, int]]:
    return [(one["device"], sum(one["counts"].values())) for one in suspects.from_events(vmkernel.events(log, host)["events"], [], extents)]


def test_by_the_name_of_the_volume() -> None:
    assert found(waits("ds one"), [EXTENT]) == [("naa.01", 1)]
    assert found(waits("bob's ds"), [{**EXTENT, "volume_name": "bob's ds"}]) == [("naa.01", 1)]
    assert found(waits("ds two"), [EXTENT]) == [("", 1)]


def test_a_name_that_several_volumes_have_is_the_hosts_own_or_none() -> None:
    own = {**EXTENT, "host": "esx1"}
    other = {**EXTENT, "host": "esx2", "vmfs_uuid": UUID.replace("53", "54"), "device_name": "naa.02"}
    assert found(waits("ds one"), [own, other]) == [("naa.01", 1)]
    assert found(waits("ds one"), [own, other], "esx2") == [("naa.02", 1)]
    assert found(waits("ds one"), [own, other], "vmkernel.log") == [("", 1)]


def test_by_the_uuid_before_the_heartbeats_own() -> None:
    log = f"{HEAD}HBX: 1: Lost heartbeat timed out for volume {UUID} (ds one): [HB state abcdef02 uuid 61a00001-0b0c0d0e-0a7e-005056000001\n"
    assert found(log, [EXTENT]) == [("naa.01", 1)]
    (suspect,) = suspects.from_events(vmkernel.events(log)["events"], [])
    assert suspect["volumes"] == [{"uuid": UUID, "name": "ds one"}]


def test_a_volume_that_no_extent_has_is_told_by_its_name() -> None:
    (suspect,) = suspects.from_events(vmkernel.events(waits("ds one"))["events"], [])
    assert (suspect["device"], suspect["volumes"]) == ("", [{"uuid": "", "name": "ds one"}])


def test_by_the_path_that_another_line_gives_the_device_for() -> None:
    log = f'{HEAD}iscsi_vmk: iscsivmk_TaskMgmtIssue: vmhba33:CH:0 T:1 L:14 : Task mgmt "Lun Reset" with itt=0x5 (refITT=0x5) timed out.\n'
    assert found(log + failed("naa.01", "vmhba33:C0:T1:L14")) == [("naa.01", 2)]
    assert found(log + failed("naa.01", "vmhba33:C0:T1:L13")) == [("", 1), ("naa.01", 1)]
    # Two devices had this path, one after the other.
    assert found(log + failed("naa.01", "vmhba33:C0:T1:L14") + failed("naa.02", "vmhba33:C0:T1:L14", 10)) == [("", 1), ("naa.01", 1), ("naa.02", 1)]


def test_a_lost_session_is_told_of_each_device_behind_it() -> None:
    log = OFFLINE + failed("naa.01", "vmhba64:C0:T0:L1") + failed("naa.02", "vmhba64:C0:T0:L2") + failed("naa.03", "vmhba64:C0:T1:L1")
    assert sorted(found(log)) == [("naa.01", 2), ("naa.02", 2), ("naa.03", 1)]
    many = OFFLINE + "".join(failed(f"naa.{number:02d}", f"vmhba64:C0:T0:L{number}", number) for number in range(17))
    assert ("", 1) in found(many)


def test_every_event_is_told() -> None:
    log = f"{HEAD}FS3: 1: [Req mode: SCSI] reservation error: Failure\n"
    (suspect,) = suspects.from_events(vmkernel.events(log)["events"], [])
    assert (suspect["device"], suspect["counts"]) == ("", {"reserve_failed": 1})


def test_a_name_of_vmware_is_the_naa_in_it() -> None:
    naa = "60014050000000000000000000000001"
    log = f'{HEAD}Partition: 1: Failed read for "vml.0200010000{naa}4c494f2d4f52": I/O error\n' + failed(f"naa.{naa}", "vmhba64:C0:T0:L1")
    assert found(log) == [(f"naa.{naa}", 2)]


def test_what_a_world_says_at_the_instant_of_a_volume_is_about_its_device() -> None:
    log = waits("ds one") + f"{HEAD}Fil3: 1: Max retries (10) exceeded for caller Fil3_FileIO (status 'Timeout')\n"
    assert found(log, [EXTENT]) == [("naa.01", 2)]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A device is judged by what happened last, and by what ended."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import episodes, vmkernel

HANG, CONFLICT, ANSWERED = "H:0x3 D:0x0 P:0x0", "H:0x0 D:0x18 P:0x0", "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0"
BAD = "H:0x0 D:0x2 P:0x0 Valid sense data: 0x3 0x11 0x0"


def failed(time: str, status: str, opcode: str = "0x2a") -> str:
    return f'{time} cpu1:7)ScsiDeviceIO: 1: Cmd(0x1) {opcode}, CmdSN 0x1 from world 7 to dev "naa.01" failed {status}\n'


def says(time: str, message: str) -> str:
    return f"{time} cpu1:8){message}\n"


def judged(*logs: str) -> episodes.Judgement:
    return episodes.judge([event for number, log in enumerate(logs) for event in vmkernel.events(log, f"esx{number}")["events"]])


MONDAY, TUESDAY, NEXT_WEEK = "2024-05-06T10:00:00.000Z", "2024-05-07T08:00:00.000Z", "2024-05-13T10:00:00.000Z"
RECLAIMED = "HBX: 231: Reclaimed heartbeat for volume 53d6343f-65f9ea4e-602b-508789ad4756 (ds one): [Timeout] [HB state abcdef02 offset 4063232 gen 43"
EXIT = "StorageApdHandler: 507: APD exit for 0x43 [naa.01]"
START = "StorageApdHandler: 1205: APD start for 0x43 [naa.01]"
OFFLINE = 'iscsi_vmk: iscsivmk_StopConnection: vmhba64:CH:0 T:0 CN:0: iSCSI connection is being marked "OFFLINE" (Event:6)'
ONLINE = 'iscsi_vmk: iscsivmk_StartConnection: vmhba64:CH:0 T:0 CN:0: iSCSI connection is being marked "ONLINE"'


@pytest.mark.parametrize(
    ("log", "pattern"),
    [
        (failed(MONDAY, CONFLICT) + failed(NEXT_WEEK, HANG), "hung"),
        (failed(MONDAY, HANG) + failed(NEXT_WEEK, CONFLICT), "conflict"),
        # A stray conflict or noise on the next morning does not make a hang undone.
        (failed(MONDAY, HANG) + failed(TUESDAY, CONFLICT), "hung"),
        (failed(MONDAY, HANG) + failed(TUESDAY, CONFLICT) * 3, "conflict"),
        (failed(MONDAY, HANG) + failed(NEXT_WEEK, ANSWERED), "hung"),
        (failed(MONDAY, HANG) + says(TUESDAY, "ScsiDeviceIO: 1: Device naa.01 performance has deteriorated."), "hung"),
        # Both at once.
        (failed(MONDAY, CONFLICT) + failed(MONDAY, HANG), "mixed"),
        (failed(MONDAY, CONFLICT) + failed(MONDAY, BAD), "mixed"),
        (failed(MONDAY, CONFLICT) + says(MONDAY, "Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0"), "conflict"),
        (failed(MONDAY, CONFLICT) + says(MONDAY, "Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0") * 3, "mixed"),
        # A target without RESERVE.
        (failed(MONDAY, ANSWERED, "0x16") + says(MONDAY, "Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0"), "answers"),
        # Good news ends what was before it.
        (failed(MONDAY, HANG) + says(TUESDAY, RECLAIMED), "recovered"),
        (says(MONDAY, RECLAIMED) + failed(TUESDAY, HANG), "hung"),
        (says(MONDAY, START) + failed(MONDAY, HANG) + says(MONDAY, EXIT), "recovered"),
        (says(MONDAY, START) + says(MONDAY, EXIT) + failed(MONDAY, HANG), "hung"),
        (says(MONDAY, START) + failed(MONDAY, HANG), "all_paths_down"),
        (says(MONDAY, OFFLINE) + says(MONDAY, ONLINE), "recovered"),
        # A hang below the target makes ESXi log in again and again.
        (failed(MONDAY, HANG) + says(MONDAY, OFFLINE) + says(MONDAY, ONLINE), "hung"),
        (failed(MONDAY, HANG) + says(MONDAY, 'NMP: nmp_CompleteRetryForPath: Retry world recovered device "naa.01"'), "recovered"),
        (says(MONDAY, OFFLINE), "paths"),
        (failed(MONDAY, CONFLICT) + says(MONDAY, 'NMP: nmp_DeviceRetryCommand:133: Device "naa.01": awaiting fast path state update'), "conflict"),
        (failed(MONDAY, "H:0x1 D:0x0 P:0x0") + says(MONDAY, OFFLINE), "errors"),
    ],
)
def test_time_decides(log: str, pattern: str) -> None:
    assert judged(log).pattern == pattern


def test_what_a_host_says_ends_nothing_of_another_host() -> None:
    assert judged(failed(MONDAY, HANG), says(TUESDAY, RECLAIMED)).pattern == "hung"


def test_one_host_without_a_path_hides_no_hang_of_another() -> None:
    assert judged(says(MONDAY, START), failed(MONDAY, HANG)).pattern == "hung"
    assert judged(says(MONDAY, START), failed(MONDAY, CONFLICT)).pattern == "all_paths_down"


def test_hosts_are_put_in_one_order_of_time() -> None:
    assert judged(failed(NEXT_WEEK, HANG), failed(MONDAY, CONFLICT)).pattern == "hung"
    assert judged(failed(NEXT_WEEK, CONFLICT) * 3, failed(MONDAY, HANG)).pattern == "conflict"


def test_a_relays_time_without_a_year_parts_episodes() -> None:
    log = failed("Mar  1 03:00:00 esx1 vmkernel:", CONFLICT) + failed("Mar  8 23:53:24 esx1 vmkernel:", HANG)
    assert judged(log)[::2] == ("hung", 2)
    assert [event["time"] for event in judged(log).episode] == [""]


def test_a_line_without_a_time_is_of_the_same_episode_as_the_one_before_it() -> None:
    assert judged(failed(MONDAY, CONFLICT) + failed("", HANG))[::2] == ("mixed", 1)


def test_the_first_line_of_a_log_that_was_cut_is_of_the_next_ones_episode() -> None:
    assert judged(failed("", CONFLICT) + failed(MONDAY, HANG))[::2] == ("mixed", 1)


def test_a_time_without_a_year_goes_on_in_january() -> None:
    log = (
        failed("Dec 31 23:58:00 esx1 vmkernel:", CONFLICT)
        + failed("Jan  1 00:01:00 esx1 vmkernel:", HANG)
        + failed("Jan  8 00:01:00 esx1 vmkernel:", CONFLICT) * 3
    )
    assert judged(log)[::2] == ("conflict", 2)
    assert judged(log.split("Jan  8", maxsplit=1)[0])[::2] == ("mixed", 1)


@pytest.mark.parametrize(
    "time", ["0000-01-01T00:00:00Z", "2024-13-41T00:00:00Z", "2024-02-31T99:99:99Z", "0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00"]
)
def test_no_time_makes_it_fail(time: str) -> None:
    assert judged(failed(time, HANG)).pattern == "hung"


def test_episodes_take_linear_time() -> None:
    log: list[dict[str, t.Any]] = vmkernel.events(failed(MONDAY, HANG) * 20_000)["events"]
    assert episodes.judge(log).episodes == 1

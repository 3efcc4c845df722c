# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines that belong to an earlier one: a status in a line of its own, and repetitions."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import vmkernel


def line(second: str, world: int, message: str) -> str:
    return f"2024-05-01T10:00:{second}Z cpu1:{world})NMP: nmp_ThrottleLogForDevice:1: {message}\n"


def command(second: str, world: int = 7, device: str = "naa.01", rest: str = "") -> str:
    return line(second, world, f'Cmd 0x2a (0x4, 0) to dev "{device}" on path "vmhba64:C0:T0:L1" Failed:{rest}')


def status(second: str, world: int = 7, device: str = "0x18") -> str:
    return line(second, world, f"H:0x0 D:{device} P:0x0 . Act:NONE")


def repeated(second: str, device: str = "naa.01", times: int = 5) -> str:
    return line(second, 9, f"last error status from device {device} repeated {times} times")


def told(text: str, limit: int = 100) -> list[tuple[t.Any, ...]]:
    return [(one["device"], one["kind"], one["times"]) for one in vmkernel.events(text, limit=limit)["events"]]


def test_two_worlds_write_at_once() -> None:
    text = command("00.100", 7, "naa.01") + command("00.100", 8, "naa.02") + status("00.101", 7) + status("00.102", 8, "0x8")
    assert told(text) == [("naa.01", "reservation_conflict", 1), ("naa.02", "busy", 1)]
    read = vmkernel.events(text)
    assert (read["lines"], read["unparsed"], read["dropped"]) == (4, 0, 0)


@pytest.mark.parametrize(("second", "joined"), [("00.100", True), ("00.599", True), ("00.700", False), ("00.050", False)])
def test_what_is_written_at_once_belongs_together(second: str, joined: bool) -> None:
    assert len(told(command("00.100") + status(second))) == (1 if joined else 2)


def test_another_world_is_another_command() -> None:
    assert told(command("00.100", 7) + status("00.100", 8)) == [("naa.01", "command_failed", 1), ("", "reservation_conflict", 1)]


def test_a_status_is_used_once() -> None:
    assert told(command("00.100") + command("00.100") + status("00.100")) == [("naa.01", "command_failed", 1), ("naa.01", "reservation_conflict", 1)]


@pytest.mark.parametrize("limit", range(4))
def test_the_limit_counts_a_command_with_its_status_once(limit: int) -> None:
    text = command("00.100") + status("00.101") + command("05.100", device="naa.02") + status("05.101", device="0x8")
    read = vmkernel.events(text, limit=limit)
    assert len(read["events"]) + read["dropped"] == 2
    assert [one["device"] for one in read["events"]] == [[], ["naa.02"], ["naa.01", "naa.02"], ["naa.01", "naa.02"]][limit]


CHECKED = " H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0. Act:NONE"


def test_a_repetition_has_the_status_of_its_devices_last_line() -> None:
    text = command("00.000", rest=CHECKED) + command("01.000", device="naa.02", rest=" H:0x3 D:0x0 P:0x0") + repeated("30.000") + repeated("40.000", times=7)
    assert told(text) == [("naa.01", "answered", 1), ("naa.02", "timeout", 1), ("naa.01", "answered", 5), ("naa.01", "answered", 7)]
    event = vmkernel.events(text)["events"][2]
    assert (event["opcode"], event["sense"], event["device_status"]) == ("0x2a", "0x5 0x24 0x0", "0x2")


def test_a_repetition_of_a_command_whose_status_stands_alone() -> None:
    assert told(command("00.000") + status("00.001") + repeated("30.000"))[-1] == ("naa.01", "reservation_conflict", 5)


def test_a_repetition_of_what_the_log_does_not_hold() -> None:
    assert told(repeated("30.000")) == [("naa.01", "command_failed", 5)]


def test_two_commands_of_one_world_have_their_statuses_in_order() -> None:
    text = command("00.100", device="naa.01") + command("00.101", device="naa.02") + status("00.102") + status("00.103", device="0x8")
    assert told(text) == [("naa.01", "reservation_conflict", 1), ("naa.02", "busy", 1)]


def test_what_stands_between_a_status_and_its_repetition_is_no_status() -> None:
    doubt = line("02.000", 8, 'nmp_DeviceRequestFastDeviceProbe:237: NMP device "naa.01" state in doubt').replace("nmp_ThrottleLogForDevice:1: ", "")
    assert told(command("00.000", rest=CHECKED) + doubt + repeated("30.000"))[-1] == ("naa.01", "answered", 5)


def test_a_repetition_that_tells_its_own_status() -> None:
    head = "2024-05-01T10:00:00.000Z cpu1:7)HPP: HppThrottleLogForDevice:1078: "
    first = f'{head}Cmd 0x2a (0x45b9, 7) to dev "eui.01" on path "vmhba64:C0:T0:L1" Failed:\n'
    rest = f"{head}Error status H:0x0 D:0x18 P:0x0  . hppAction = 1\n"
    again = f"{head}Error status H:0x3 D:0x0 P:0x0 . from device eui.01 repeated 80 times, hppAction = 3\n"
    assert told(first + rest + again) == [("eui.01", "reservation_conflict", 1), ("eui.01", "timeout", 80)]


def test_many_worlds_cost_no_memory() -> None:
    text = "".join(status("00.100", world) for world in range(5_000)) + command("00.100", 4_999)
    assert len(told(text, limit=10_000)) == 5_001

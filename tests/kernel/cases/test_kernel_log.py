# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kernel_log on the kernel's own log."""

from __future__ import annotations

from pathlib import Path

import pytest
from guest import LIO_SITES, Lun, four_ways, module, zero_disk

KMSG = Path("/dev/kmsg")
DATA = Path(__file__).parents[2] / "unit/data/logs"


@pytest.fixture(autouse=True)
def unlimited():
    """The kernel lets user space write only ten lines in five seconds otherwise."""
    Path("/proc/sys/kernel/printk_devkmsg").write_text("on\n")


def say(text):
    with KMSG.open("w") as log:
        # A record without its end waits for its rest, and no reader sees it.
        log.write(text + "\n")


def test_four_ways_from_a_mark():
    say("before the mark")
    mark = module("kernel_log")["mark"]
    say("<4>rbd: rbd7: no lock owners detected")
    say("<6>of no interest \x07\\")
    ways = four_ways("kernel_log", since=mark, patterns=["^rbd: ", "interest"])
    for one in ways:
        assert not one["changed"] and one["gap"] == ""
        assert [(line["priority"], line["message"]) for line in one["lines"]] == [
            (4, "rbd: rbd7: no lock owners detected"),
            (6, "of no interest \x07\\"),
        ]
        assert [(event["kind"], event["device"]) for event in one["events"]] == [("lock", "rbd7")]
    assert ways[0]["mark"] != mark
    assert module("kernel_log", since=ways[0]["mark"], patterns=["."])["lines"] == []
    assert "before the mark" in [line["message"] for line in module("kernel_log", since="boot", patterns=["the mark"])["lines"]]


def test_which_initiator_reserves_and_which_meets_a_conflict():
    lun = Lun(zero_disk())
    traced = module("dynamic_debug", match=LIO_SITES, flags="pfmt")
    mark = module("kernel_log")["mark"]
    lun.reserve(lun.disks[0])
    assert lun.reserve(lun.disks[1]) == 24
    lun.release(lun.disks[0])
    events = module("kernel_log", since=mark)["events"]
    module("dynamic_debug", state="restored", sites=traced["before"])
    first = "naa.6001405aaaaaaaa1"
    other = Path("/sys/class/block", Path(lun.disks[1]).name, "device").resolve().name
    assert [(event["stack"], event["kind"], event["initiator"], event["device"]) for event in events if event["kind"] != "error"] == [
        ("lio", "reserve", first, ""),
        ("sd", "conflict", "", other),
        ("lio", "release", first, ""),
    ]
    (error,) = (event for event in events if event["kind"] == "error")
    assert (error["disk"], error["command"]) == (Path(lun.disks[1]).name, "Reserve(6)") or not error


def test_what_was_overwritten_is_told():
    mark = module("kernel_log")["mark"]
    for number in range(12_000):
        say(f"<7>line {number} of many, long enough to fill the kernel's buffer soon, whatever its size is")
    told = module("kernel_log", since=mark, patterns=["line 11999 of many"])
    assert "were overwritten" in told["gap"]
    assert len(told["lines"]) == 1


def test_another_boot_is_told():
    boot, _colon, sequence = module("kernel_log")["mark"].partition(":")
    told = module("kernel_log", since=f"{boot[::-1].replace('-', '')[:8]}-0000-0000-0000-000000000000:{sequence}")
    assert told["gap"] == "the host was booted since the mark"


def test_a_file():
    for one in four_ways("kernel_log", path=str(DATA / "incident-kern.log")):
        assert [event["kind"] for event in one["events"]] == ["reserve", "conflict", "conflict"]
        assert one["mark"] == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"since": "yesterday"}, "'yesterday' is no mark"),
        ({"patterns": ["("]}, "no regular expression"),
        ({"path": "/no/such/log"}, "/no/such/log cannot be read"),
        ({"path": "/x", "since": "boot"}, "mutually exclusive"),
    ],
)
def test_what_cannot_be(options, says):
    failed = module("kernel_log", **options)
    assert failed["failed"] and says in failed["msg"]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scsi_reserve_probe on disks: two initiators on one LIO LUN, whose storage can be made to hang."""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import kernel_log
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, probe
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.disk import find
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.sg import SgTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import NoAnswer
from guest import Lun, Suspendable, module, run, start_module, wait_for, zero_disk

STEPS = [
    "inquiry",
    "inquiry_vpd_80",
    "inquiry_vpd_83",
    "test_unit_ready",
    "pr_read_keys",
    "pr_read_reservation",
    "reserve",
    "release",
    "read_capacity",
    "read",
    "inquiry_vpd_b0",
    "ats",
    "flush",
]
DEADLINE_S = 4


@pytest.fixture(scope="module")
def storage():
    return Suspendable(zero_disk())


@pytest.fixture(scope="module")
def both(storage):
    return Lun(storage.path)


@pytest.fixture(autouse=True)
def lun(both, storage, request):
    """No initiator holds the LUN before a test nor after it, and no error handling of the kernel has touched it."""
    mark = kernel_log.mark()
    yield both
    storage.resume()
    wait_for(lambda: not helpers(), saying="the end of the helpers")
    assert both.holder() == ""
    if "attention" not in request.node.name:
        log = kernel_log.since(mark)
        touched = [record.message for record in log.records if any(word in record.message.lower() for word in ("reset", "abort", "offline"))]
        assert (log.gap, touched) == ("", [])


def helpers():
    """Our processes that have an sg device open. They are younger than this one, and to look at all of the guest's takes long."""
    ours = (process for process in Path("/proc").glob("[0-9]*") if int(process.name) > os.getpid())
    return {int(process.name) for process in ours if any(to.startswith("/dev/sg") for to in opened_by(process))}


def opened_by(process):
    """What its file descriptors lead to. A process, or one of its descriptors, might be gone by the time it is looked at."""
    found = []
    with contextlib.suppress(OSError):
        for descriptor in os.listdir(process / "fd"):
            with contextlib.suppress(OSError):
                found.append(os.readlink(process / "fd" / descriptor))
    return found


def probe_of(device, **options):
    return module("scsi_reserve_probe", device=device, deadline=DEADLINE_S, slow_after=3, **options)


def test_both_disks_are_healthy_by_any_name(lun, tmp_path):
    link = tmp_path / "by-id"
    link.symlink_to(lun.disks[0])
    for device in (*lun.disks, find(lun.disks[0]).generic, str(link)):
        told = probe_of(device)
        assert (told["verdict"], told["helper"], told["changed"]) == ("healthy", {}, False), told
        assert [step["name"] for step in told["steps"]] == ["connect", *STEPS[:-2], "read", "ats", "flush"]
        assert told["proof"] == "write"
        assert told["identity"]["vendor"] == "LIO-ORG"
        assert told["identity"]["serial"] == "8cb1bf32-0001-4000-8000-0123456789ab"
        assert told["identity"]["naa"].startswith("6001405")


def test_both_at_once_and_in_check_mode(lun):
    """They are the same LUN, so that one can meet the other's reservation."""
    told = module("scsi_reserve_probe", check_mode=True, luns=[{"device": disk, "name": disk} for disk in lun.disks], deadline=DEADLINE_S)
    assert [one["name"] for one in told["probes"]] == lun.disks
    assert {one["verdict"] for one in told["probes"]} in ({"healthy"}, {"healthy", "conflict"})


@pytest.mark.parametrize("write_path", ["flush", "orwrite", "none"])
def test_write_paths(lun, write_path):
    """LIO has COMPARE AND WRITE, and no ORWRITE."""
    told = probe_of(lun.disks[1], write_path=write_path)
    assert told["verdict"] == ("faulty" if write_path == "orwrite" else "healthy"), told


def test_a_reservation_is_a_conflict_for_the_other_and_stays(lun):
    one, other = lun.disks
    assert lun.reserve(one) == 0
    holder = lun.holder()
    told = probe_of(other)
    assert (told["verdict"], told["holder"]) == ("conflict", holder)
    assert holder.startswith("naa.6001405aaaaaaaa1")
    own = probe_of(one)
    assert own["verdict"] == "healthy" and "this initiator itself holds the LUN" in own["reason"]
    assert not {"reserve", "release"} & {step["name"] for told in (told, own) for step in told["steps"]}
    assert lun.holder() == holder
    assert lun.reserve(other) == 24
    assert lun.release(one) == 0


def test_registered_keys_are_told_and_reserve_is_not_sent(lun):
    one, other = lun.disks
    run("sg_persist", "--out", "--register", "--param-sark=abc123", one)
    run("sg_persist", "--out", "--reserve", "--param-rk=abc123", "--prout-type=5", one)
    told = probe_of(other)
    assert told["verdict"] == "conflict"
    assert told["registrants"] == ["0000000000abc123"]
    assert told["persistent_reservation"] == {"key": "0000000000abc123", "type": "write exclusive, registrants only"}
    assert "reserve" not in [step["name"] for step in told["steps"]]
    run("sg_persist", "--out", "--clear", "--param-rk=abc123", one)
    assert probe_of(other)["verdict"] == "healthy"


def test_a_unit_attention_is_no_fault(lun):
    run("sg_reset", "--device", lun.disks[0])
    assert [probe_of(disk)["verdict"] for disk in lun.disks] == ["healthy", "healthy"]


def test_storage_that_hangs(lun, storage):
    storage.suspend()
    began = time.monotonic()
    told = probe_of(lun.disks[0])
    assert told["verdict"] == "hung"
    assert told["reason"].startswith("read timed out")
    assert sum(step["seconds"] for step in told["steps"]) <= DEADLINE_S
    # Beside the deadline only Python's start, which is slow here.
    assert time.monotonic() - began < DEADLINE_S + 8
    assert told["helper"]["waits_for"] == "read"
    assert told["helper"]["pid"] in helpers()
    assert lun.holder() == ""
    storage.resume()
    wait_for(lambda: not helpers(), saying="the end of the helper")
    assert probe_of(lun.disks[0])["verdict"] == "healthy"


def test_a_queue_full_of_stuck_writes(lun, storage):
    """Then no command at all gets through from this initiator; from the other one all do but READ."""
    with storage.stuck(lun.disks[0]):
        told = probe_of(lun.disks[0])
        assert (told["verdict"], told["helper"]["waits_for"]) == ("hung", "inquiry")
        assert probe_of(lun.disks[1])["reason"].startswith("read timed out")
    wait_for(lambda: not helpers(), saying="the end of the helper")
    assert probe_of(lun.disks[0])["verdict"] == "healthy"


def test_a_reservation_that_comes_late_is_released(lun, storage):
    way = SgTransport(find(lun.disks[0]))
    way.connect(5)
    with storage.stuck(lun.disks[0]):
        with pytest.raises(NoAnswer):
            way.execute(commands.reserve(), 1)
        with pytest.raises(NoAnswer):
            way.execute(commands.release(), 1)
        way.close(1)
        assert way.lingering and way.lingering.waits_for == "reserve"
    wait_for(lambda: not helpers(), saying="the end of the helper")


def test_a_reservation_that_comes_when_all_are_dead_is_released(lun, storage):
    """RELEASE waits in the kernel's queue behind it."""
    way = SgTransport(find(lun.disks[0]))
    way.connect(5)
    with storage.stuck(lun.disks[0]):
        with pytest.raises(NoAnswer):
            way.execute(commands.reserve(), 1)
        helper = way._helper
        os.kill(helper, signal.SIGKILL)
        os.waitpid(helper, 0)
    # The write after them was queued behind both.
    run("dd", "if=/dev/zero", f"of={lun.disks[0]}", "bs=4k", "count=1", "oflag=direct")
    wait_for(lambda: lun.holder() == "", saying="the release")


class Killer:
    """A way that is killed with SIGKILL at the step of that name: the probe's process, its helper, or both."""

    def __init__(self, way, step, moment, victims):
        self.way, self.step, self.moment, self.victims = way, step, moment, victims

    def connect(self, seconds):
        self.way.connect(seconds)

    def execute(self, command, seconds):
        if command.name == self.step and self.moment == "during":
            threading.Timer(0.0005 * (self.victims.count("e") + len(self.step) % 7), self._kill).start()
        if command.name == self.step and self.moment == "before":
            self._kill()
        reply = self.way.execute(command, seconds)
        if command.name == self.step and self.moment == "after":
            self._kill()
        return reply

    def close(self, seconds):
        self.way.close(seconds)

    def _kill(self):
        if self.victims in ("helper", "both"):
            os.kill(self.way._helper, signal.SIGKILL)
        if self.victims in ("probe", "both"):
            os.kill(os.getpid(), signal.SIGKILL)


KILLS = [(step, moment, victims) for moment in ("before", "during", "after") for victims in ("probe", "helper", "both") for step in STEPS]


def killed_probe(device, step, moment, victims):
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            probe.run(Killer(SgTransport(find(device)), step, moment, victims), Plan(DEADLINE_S, 1, "auto"))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_killed_at_each_step_nothing_stays_reserved(lun):
    died = 0
    for step, moment, victims in KILLS:
        died += killed_probe(lun.disks[0], step, moment, victims) == -signal.SIGKILL
        wait_for(lambda: not helpers(), saying="the end of the helper")
        wait_for(lambda: lun.holder() == "", 2, f"the release after {victims} killed {moment} {step}")
        assert lun.reserve(lun.disks[1]) in (0, 6), (step, moment, victims)
        lun.release(lun.disks[1])
    assert len(KILLS) == 117 and died >= 60


def test_the_module_killed_while_it_hangs(lun, storage):
    """For longer than the 30 s that the kernel would give a command of its own before it resets the LUN."""
    storage.suspend()
    end = time.monotonic() + 40
    for _time in range(3):
        started = start_module("scsi_reserve_probe", device=lun.disks[0], deadline=30)
        wait_for(helpers, saying="the helper")
        time.sleep(1)
        started.kill()
    time.sleep(max(0.0, end - time.monotonic()))
    assert helpers()
    storage.resume()
    wait_for(lambda: not helpers(), saying="the end of the helpers")


def test_refusals(lun, storage, tmp_path):
    disk = lun.disks[0]
    # One partition of 16 MiB behind the first.
    entry = struct.pack("<B3sB3sII", 0, b"", 0x83, b"", 2048, 32768)
    Path(disk).write_bytes(bytes(446) + entry + bytes(48) + b"\x55\xaa")
    part = Path(f"{disk}1")
    run("blockdev", "--rereadpt", disk, check=False)
    wait_for(part.exists, saying=str(part))
    refused = {str(part): "is a partition", "/dev/ram0": "is no SCSI device", storage.path: "is built on ram0", "/dev/null": "is no SCSI device"}
    refused |= {"/dev/sdzz": "No such file", str(tmp_path): "is no device"}
    for device, reason in refused.items():
        told = probe_of(device)
        assert told.get("failed") and reason in told["msg"], told
    run("mkfs.ext4", "-q", str(part))
    run("mount", str(part), str(tmp_path))
    for device in (disk, find(disk, force=True).generic):
        told = probe_of(device)
        assert told.get("failed") and f"mounted at {tmp_path}" in told["msg"], told
    assert probe_of(disk, force=True)["verdict"] == "healthy"
    run("umount", str(tmp_path))
    run("dd", "if=/dev/zero", f"of={disk}", "bs=1M", "count=1", "oflag=direct")
    run("blockdev", "--rereadpt", disk, check=False)


def test_a_path_of_a_multipath_map_while_the_map_is_not_in_use(lun, tmp_path):
    disk = lun.disks[0]
    run("modprobe", "-a", "dm_multipath", "dm_round_robin")
    size, number = run("blockdev", "--getsz", disk).stdout.strip(), Path("/sys/class/block", Path(disk).name, "dev").read_text().strip()
    table = f"0 {size} multipath 0 0 1 1 round-robin 0 1 1 {number} 1000"
    run("dmsetup", "create", "--noudevsync", "map", "--uuid", "mpath-36001405", "--table", table)
    try:
        made = "/dev/" + run("dmsetup", "info", "-c", "--noheadings", "-o", "blkdevname", "map").stdout.strip()
        assert "name one of these" in probe_of(made)["msg"]
        assert probe_of(disk)["verdict"] == "healthy"
        run("mkfs.ext4", "-q", made)
        run("mount", made, str(tmp_path))
        assert f"mounted at {tmp_path}" in probe_of(disk)["msg"]
        run("umount", str(tmp_path))
    finally:
        run("dmsetup", "remove", "--noudevsync", "map")
    run("dd", "if=/dev/zero", f"of={disk}", "bs=1M", "count=1", "oflag=direct")


def test_arguments(lun):
    for options in (
        {"device": lun.disks[0], "lun": 1},
        {},
        {"luns": [{"name": "x"}]},
        {"luns": [{"device": "/dev/sda", "lun": 0, "portal": "a", "target": "b"}]},
    ):
        assert module("scsi_reserve_probe", **options)["failed"]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's debug messages on a gateway with LIO and a STAND-IN for SCST: on, off, and exactly as before, whatever else happens meanwhile.

Two runs of the role are two hosts of one playbook. What is switched on is noted by it between their tasks, and looked at after it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from guest import HERE, run, wait_for
from outside import ansible_playbook

CONTROL = Path("/proc/dynamic_debug/control")
SCST = Path("/sys/kernel/scst_tgt")
FUNCTIONS = ("target_scsi2_reservation_reserve", "target_scsi2_reservation_release")
ROLE = "cephops.iscsi_rescue.remediate_watchers"


@pytest.fixture(scope="module", autouse=True)
def kernel_directory():
    """sysfs takes no directories, so this guest's /sys/kernel is one in memory."""
    run("modprobe", "-a", "target_core_mod", "fuse")
    run("mount", "-t", "tmpfs", "tmpfs", "/sys/kernel")


@pytest.fixture(autouse=True)
def as_before(request):
    SCST.mkdir()
    stand_in = subprocess.Popen([sys.executable, str(HERE / "scst_stand_in.py"), str(SCST), *getattr(request, "param", [])])
    wait_for(SCST.is_mount, saying="the stand-in")
    control, level = CONTROL.read_text(), (SCST / "trace_level").read_text()
    yield
    assert (CONTROL.read_text(), (SCST / "trace_level").read_text()) == (control, level)
    run("umount", str(SCST))
    stand_in.wait(10)
    SCST.rmdir()


def flags(level):
    return level.read_text().splitlines()[0].split(" | ")


def noted(directory, name):
    """A task that keeps what is switched on."""
    copies = "; ".join(f"cat {source} >{directory}/{name}.{source.name}" for source in (CONTROL, SCST / "trace_level"))
    return {"ansible.builtin.raw": copies}


def play(directory, *steps):
    """``steps``: name of the run, file of the role's tasks. After each, the flags of LIO's two sites, and SCST's new ones."""
    inventory = {"all": {"hosts": {name: {} for name, _file in steps}, "children": {"iscsi_gateways": {"hosts": {"gateway": {}}}}}}
    plays = [
        {"hosts": name, "gather_facts": False, "tasks": [*(part_of_role(part) for part in parts(file)), noted(directory, number)]}
        for number, (name, file) in enumerate(steps)
    ]
    before = flags(SCST / "trace_level")
    ansible_playbook(inventory, plays, remediate_watchers_trace=True)
    return [(lio(directory / f"{number}.control"), set(flags(directory / f"{number}.trace_level")) - set(before)) for number in range(len(steps))]


def parts(file):
    """A run begins before it switches anything on."""
    return ["preflight.yml", file] if file == "trace_on.yml" else [file]


def part_of_role(file):
    return {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": file}}


def lio(control):
    return [re.search(rf"]{name} =(\S+) ", control.read_text())[1] for name in FUNCTIONS]


def test_two_runs_that_overlap(tmp_path):
    """The messages go with the first run that ends, for the other has not switched them on. Nothing stays on after both."""
    steps = [("first", "trace_on.yml"), ("second", "trace_on.yml"), ("first", "trace_off.yml"), ("second", "trace_off.yml")]
    on, off = (["p", "p"], {"scsi", "minor"}), (["_", "_"], set())
    assert play(tmp_path, *steps) == [on, on, off, off]


@pytest.mark.parametrize("as_before", [["--refusing"]], indirect=True)
def test_a_gateway_that_refuses_a_flag(tmp_path):
    """It comes in the way of nothing, and leaves none of the others on."""
    assert play(tmp_path, ("refused", "trace_on.yml"), ("refused", "trace_off.yml")) == [(["p", "p"], set()), (["_", "_"], set())]

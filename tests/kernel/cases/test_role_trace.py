# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's debug messages on a gateway with LIO and a STAND-IN for SCST: on, off, and exactly as before, whatever else happens meanwhile.

A run of the role is a host of one playbook here, for to start Ansible takes as long in the guest as three tasks do. What is switched on is noted by the
playbook between the tasks, and looked at after it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from guest import HERE, run, wait_for

ROOT = HERE.parents[1]
CONTROL = Path("/proc/dynamic_debug/control")
SCST = Path("/sys/kernel/scst_tgt")
FUNCTIONS = ("target_scsi2_reservation_reserve", "target_scsi2_reservation_release")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
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
    control, level = CONTROL.read_text(), flags(SCST / "trace_level")
    yield
    assert (CONTROL.read_text(), flags(SCST / "trace_level")) == (control, level)
    run("umount", str(SCST))
    stand_in.wait(10)
    SCST.rmdir()


def flags(level):
    return level.read_text().splitlines()[0].split(" | ")


def noted(directory, name):
    """A task that keeps what is switched on; it starts no module, as those take ten seconds each here."""
    copies = "; ".join(f"cat {source} >{directory}/{name}.{source.name}" for source in (CONTROL, SCST / "trace_level"))
    return {"ansible.builtin.set_fact": {"__noted": f"{{{{ lookup('ansible.builtin.pipe', '{copies}') }}}}"}}


def play(directory, *steps):
    """``steps``: name of the run, file of the role's tasks. After each, what is on: those of LIO's two sites, and SCST's new flags."""
    inventory = {"all": {"vars": LOCAL, "hosts": {name: {} for name, _file in steps}, "children": {"iscsi_gateways": {"hosts": {"gateway": {}}}}}}
    variables = {"__remediate_watchers_kernel_log": [], "__remediate_watchers_verified": {}}
    plays = [
        {
            "hosts": name,
            "gather_facts": False,
            "vars": variables,
            "tasks": [{"ansible.builtin.include_role": {"name": ROLE, "tasks_from": file}}, noted(directory, number)],
        }
        for number, (name, file) in enumerate(steps)
    ]
    for file, content in (("inventory.json", inventory), ("play.yml", plays)):
        (directory / file).write_text(json.dumps(content))
    before = flags(SCST / "trace_level")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections")}
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "inventory.json", "play.yml"]
    done = subprocess.run(command, check=False, cwd=directory, env=environment, capture_output=True, text=True, timeout=1000)
    assert done.returncode == 0, done.stdout + done.stderr
    return [(lio(directory / f"{number}.control"), set(flags(directory / f"{number}.trace_level")) - set(before)) for number in range(len(steps))]


def lio(control):
    return {name for name in FUNCTIONS for line in control.read_text().splitlines() if f"]{name} =p " in line}


def test_two_runs_that_overlap(tmp_path):
    """The messages go with the first run that ends, for the other has not switched them on. Nothing stays on after both."""
    steps = [("first", "trace_on.yml"), ("second", "trace_on.yml"), ("first", "trace_off.yml"), ("second", "trace_off.yml")]
    on = ({*FUNCTIONS}, {"scsi", "pr"})
    assert play(tmp_path, *steps) == [on, on, (set(), set()), (set(), set())]


@pytest.mark.parametrize("as_before", [["--refusing"]], indirect=True)
def test_a_gateway_that_refuses_a_flag(tmp_path):
    """It comes in the way of nothing, and leaves none of the others on."""
    assert play(tmp_path, ("refused", "trace_on.yml"), ("refused", "trace_off.yml")) == [({*FUNCTIONS}, set()), (set(), set())]

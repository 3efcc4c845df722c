# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's debug messages on a gateway with LIO and a STAND-IN for SCST: on, off, and exactly as before, whatever else happens meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from guest import HERE, LIO_SITES, module, run, wait_for

ROOT = HERE.parents[1]
CONTROL = Path("/proc/dynamic_debug/control")
SCST = Path("/sys/kernel/scst_tgt")
INVENTORY = {"iscsi_gateways": {"hosts": {"gateway": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}}}}
ROLE = "cephops.iscsi_rescue.remediate_watchers"
PLAY = [
    {
        "hosts": "gateway",
        "gather_facts": False,
        "vars": {"__remediate_watchers_kernel_log": [], "__remediate_watchers_verified": {}},
        "tasks": [
            {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "trace_on.yml"}},
            {"ansible.builtin.file": {"path": "{{ on }}", "state": "touch"}},
            {"ansible.builtin.wait_for": {"path": "{{ go }}", "timeout": 400}},
            {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "trace_off.yml"}},
        ],
    }
]


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


class Run:
    """A run of the role that has switched the messages on, until it is let go."""

    def __init__(self, directory, name):
        self.go, on = directory / f"{name}.go", directory / f"{name}.on"
        for file, content in (("inventory.json", INVENTORY), ("play.yml", PLAY)):
            (directory / file).write_text(json.dumps(content))
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections")}
        options = json.dumps({"on": str(on), "go": str(self.go)})
        command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", "inventory.json", "play.yml", "-e", options]
        self.process = subprocess.Popen(command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(on.exists, 400, f"the messages of {name}")

    def end(self):
        self.go.touch()
        said = self.process.communicate(timeout=200)[0]
        assert self.process.returncode == 0, said
        return said


def lio():
    return [site["flags"] for site in module("dynamic_debug", match=LIO_SITES, check_mode=True)["before"]]


def scst():
    return module("scst_trace_level", add=["scsi"], check_mode=True)["before"]


def test_two_runs_that_overlap(tmp_path):
    first = Run(tmp_path, "first")
    assert lio() == ["p", "p"] and scst()[-2:] == ["pr", "scsi"]
    second = Run(tmp_path, "second")
    first.end()
    assert lio() == ["_", "_"]
    second.end()


@pytest.mark.parametrize("as_before", [["--refusing"]], indirect=True)
def test_a_gateway_that_refuses_a_flag(tmp_path):
    """It comes in the way of nothing, and leaves none of the others on."""
    refused = Run(tmp_path, "refused")
    assert lio() == ["p", "p"] and "scsi" not in scst()
    refused.end()

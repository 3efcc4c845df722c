# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role on a gateway with LIO and krbd: it finds the LUN by itself, and lets the kernel say who reserves it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import cluster
import pytest
from guest import HERE, Lun, StuckWrites

ROOT = HERE.parents[1]
CONTROL = Path("/proc/dynamic_debug/control")
TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:kernel"
INVENTORY = {
    "all": {
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"},
        "children": {group: {"hosts": {"gateway": {"ansible_host": "127.0.0.1"}}} for group in ("ceph_admin", "iscsi_gateways")},
    }
}
SETTINGS = {
    "remediate_watchers_ceph_conf": str(cluster.CONF),
    "remediate_watchers_quorum_settle": 5,
    "remediate_watchers_pools": ["rbd"],
    "remediate_watchers_trace": True,
    "remediate_watchers_probe_slow_after": 8,
    "remediate_watchers_gone_timeout": 90,
}


@pytest.fixture(scope="module")
def lun():
    cluster.start()
    lun = Lun(cluster.create("img1"))
    lun.export_by_iscsi(TARGET, "0.0.0.0:24299", 12)
    return lun


def play(directory, **settings):
    """The role's result."""
    inventory = directory / "inventory.json"
    inventory.write_text(json.dumps(INVENTORY))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections")}
    options = json.dumps({**SETTINGS, "remediate_watchers_report_dir": str(directory / "reports"), **settings})
    command = [str(ROOT / ".venv/bin/ansible-playbook"), "-i", str(inventory), str(ROOT / "playbooks/remediate_watchers.yml"), "-e", options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=1000, env=environment)
    print(done.stdout, done.stderr)
    assert done.returncode == 0
    return json.loads(sorted((directory / "reports").iterdir())[-1].read_text())


def test_healed_without_having_been_told_the_lun(lun, tmp_path):
    control, blacklist = CONTROL.read_text(), cluster.ceph("osd", "blocklist", "ls")
    orphan = cluster.orphan("img1")
    with StuckWrites(lun.disks[0]):
        result = play(tmp_path)
    (image,) = result["images"]
    assert (result["outcome"], image["spec"]) == ("healed", "rbd/img1")
    (lun,) = image["luns"]
    assert (lun["before"]["target"], lun["before"]["lun"], lun["before"]["verdict"]) == (TARGET, 12, "hung")
    assert lun["after"]["verdict"] in ("healthy", "slow")
    assert result["restored"] == [orphan["address"]]
    assert cluster.ceph("osd", "blocklist", "ls") == blacklist
    assert CONTROL.read_text() == control
    assert lun.holder() == ""
    for phase in ("before", "after"):
        events = [event for log in result["kernel_log"] if log["phase"] == phase for event in log["events"]]
        told = [(event["kind"], event["initiator"]) for event in events if event["stack"] == "lio" and event["kind"] != "error"]
        probe = "iqn.2026-11.invalid.cephops.iscsi-rescue:probe"
        assert told == [("reserve", probe), ("release", probe)], events

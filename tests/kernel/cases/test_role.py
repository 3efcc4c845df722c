# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role on a gateway with LIO and krbd: it finds the LUN by itself, and lets the kernel say who reserves it."""

from __future__ import annotations

import json
from pathlib import Path

import cluster
import pytest
from guest import ROOT, Lun, StuckWrites
from outside import SHARE, ansible_playbook, name_outside

CONTROL = Path("/proc/dynamic_debug/control")
TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:kernel"
INVENTORY = {"all": {"children": {group: {"hosts": {"gateway": {}}} for group in ("ceph_admin", "iscsi_gateways")}}}
REPORTS = SHARE / "reports"
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


def play():
    """The role's result."""
    ansible_playbook(INVENTORY, ROOT / "playbooks/remediate_watchers.yml", remediate_watchers_report_dir=name_outside(REPORTS), **SETTINGS)
    return json.loads(next(REPORTS.glob("*.json")).read_text())


def test_healed_without_having_been_told_the_lun(lun):
    control, blacklist = CONTROL.read_text(), cluster.ceph("osd blocklist ls")
    orphan = cluster.orphan("img1")
    with StuckWrites(lun.disks[0]):
        result = play()
    (image,) = result["images"]
    assert (result["outcome"], image["spec"]) == ("healed", "rbd/img1")
    (probed,) = image["luns"]
    assert (probed["before"]["target"], probed["before"]["lun"], probed["before"]["verdict"]) == (TARGET, 12, "hung")
    assert probed["after"]["verdict"] in ("healthy", "slow")
    assert result["restored"] == [orphan["address"]]
    assert cluster.ceph("osd blocklist ls") == blacklist
    assert CONTROL.read_text() == control
    assert lun.holder() == ""
    for phase in ("before", "after"):
        events = [event for log in result["kernel_log"] if log["phase"] == phase for event in log["events"]]
        told = [(event["kind"], event["initiator"]) for event in events if event["stack"] == "lio" and event["kind"] != "error"]
        probe = "iqn.2026-11.invalid.cephops.iscsi-rescue:probe"
        assert told == [("reserve", probe), ("release", probe)], events

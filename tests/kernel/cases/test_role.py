# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role on a gateway with LIO and krbd: it finds the LUN by itself, and lets the kernel name the initiator that reserves it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cluster
import pytest
from guest import ROOT, Lun, StuckWrites, run
from outside import SHARE, ansible_playbook, name_outside

CONTROL = Path("/proc/dynamic_debug/control")
TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:kernel"
INVENTORY = {"all": {"children": {group: {"hosts": {"gateway": {}}} for group in ("ceph_admin", "iscsi_gateways")}}}
LOST = ("192.0.2.8", "192.0.2.9")
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
    lun = Lun(cluster.create("img1"), vendor="Bigtera")
    lun.export_by_iscsi(TARGET, 12, "0.0.0.0:24299")
    return lun


def play():
    """The role's result."""
    for old in REPORTS.glob("*"):
        old.unlink()
    ansible_playbook(INVENTORY, ROOT / "playbooks/remediate_watchers.yml", remediate_watchers_report_dir=name_outside(REPORTS), **SETTINGS)
    return json.loads(next(REPORTS.glob("*.json")).read_text())


def heal(lun):
    """The result, its image, and the two probes of its LUN."""
    control, blacklist = CONTROL.read_text(), cluster.ceph("osd blocklist ls")
    orphan = cluster.orphan("img1")
    with StuckWrites(lun.disks[0]):
        # krbd says so every five seconds.
        time.sleep(6)
        result = play()
    (image,) = result["images"]
    (probed,) = image["luns"]
    assert (result["outcome"], image["spec"]) == ("healed", "rbd/img1")
    assert result["restored"] == [orphan["address"]]
    assert cluster.ceph("osd blocklist ls") == blacklist
    assert CONTROL.read_text() == control
    assert lun.holder() == ""
    return result, image, probed


def test_healed_without_having_been_told_the_lun(lun):
    """Before the fence, the gateway names what hangs, and nothing is sent that others would wait for."""
    result, image, probed = heal(lun)
    before, after = probed["before"], probed["after"]
    assert (before["target"], before["lun"], before["verdict"], before["proof"]) == (TARGET, 12, "healthy", "cache")
    assert "ats" not in [step["name"] for step in before["steps"]]
    ((_host, _image, writes, still_for),) = [(one["host"], one["image"], one["writes"], one["still_for"]) for one in result["in_flight"]]
    assert writes >= 4 and still_for >= 1
    assert any("no lock owners" in said["text"] and said["seconds"] >= 5 for said in result["lock_waits"]), result["lock_waits"]
    assert after["verdict"] in ("healthy", "slow") and after["proof"] == "write"
    assert after["identity"]["vendor"] == "Bigtera"
    assert [step["name"] for step in after["steps"]][-2:] == ["ats", "flush"]
    assert image["proven"] == f"proven: a write through LUN 12 of {TARGET} at {after['portal']} reached the storage"
    for phase in ("before", "after"):
        events = [event for log in result["kernel_log"] if log["phase"] == phase for event in log["events"]]
        told = [(event["kind"], event["initiator"]) for event in events if event["stack"] == "lio" and event["kind"] != "error"]
        probe = "iqn.2026-11.invalid.cephops.iscsi-rescue:probe"
        assert told == [("reserve", probe), ("release", probe)], events


def test_a_lun_without_compare_and_write_only_answers(lun):
    lun.take_compare_and_write(False)
    _result, image, probed = heal(lun)
    assert (probed["after"]["verdict"] in ("healthy", "slow"), image["proof"]) == (True, "cache")
    assert "no write was proven" in image["proven"]


def test_the_third_way_leads_to_the_lun(lun):
    """Before it come two portals that cannot be reached. A target that admits no initiator would come last."""
    for address in LOST:
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    lun.export_by_iscsi(f"{TARGET}-a", 13, *(f"{address}:24297" for address in LOST))
    lun.export_by_iscsi(f"{TARGET}-b", 14, "0.0.0.0:24296", enabled=False)
    for address in LOST:
        run("ip", "address", "del", f"{address}/32", "dev", "lo")
    (Path("/sys/kernel/config/target/iscsi") / TARGET / "tpgt_1/enable").write_text("0\n")
    lun.export_by_iscsi(f"{TARGET}-c", 15, "0.0.0.0:24298")
    lun.take_compare_and_write(True)
    _result, _image, probed = heal(lun)
    for probe in probed.values():
        assert (probe["lun"], probe["target"], len(probe["tried"])) == (15, f"{TARGET}-c", 2), probe
        assert all(" of " + f"{TARGET}-a" in tried and "unreachable" in tried for tried in probe["tried"])
    assert probed["after"]["proof"] == "write"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The incident in the kernel: an image mapped by krbd and exported by LIO, a dead client with its lock, an initiator full of stuck writes."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time

import cluster
import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import probe as steps
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.disk import find
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.sg import SgTransport
from guest import LIO_SITES, Lun, StuckWrites, module, wait_for

CONNECTION = {"conf": str(cluster.CONF), "client": "client.admin", "quorum_settle": 5}


@pytest.fixture(scope="module")
def lun():
    cluster.start()
    return Lun(cluster.create("img1"))


def probe(disk, **options):
    return module("scsi_reserve_probe", device=disk, deadline=8, slow_after=5, **options)


def mine():
    return next(watcher for watcher in json.loads(cluster.rbd("status", "rbd/img1", "--format", "json"))["watchers"])


class Filling(SgTransport):
    """A disk with a queue that gets full right before RESERVE. This is so if an initiator's writes begin to hang between two of its commands."""

    def __init__(self, disk, fill):
        super().__init__(find(disk))
        self.fill = fill

    def execute(self, command, seconds):
        if command.name == "reserve":
            self.fill()
        return super().execute(command, seconds)


def test_lun_map_says_what_rbd_says(lun):
    told = module("lun_map", wanted=[{"image": "rbd/img1"}])
    image_id = json.loads(cluster.rbd("info", "rbd/img1", "--format", "json"))["id"]
    assert {(one["stack"], one["lun"]) for one in told["luns"]} == {("lio", 0)}, told
    assert {one["header"] for one in told["luns"]} == {f"rbd_header.{image_id}"}
    assert {one["client_address"] for one in told["luns"]} == {mine()["address"]}
    assert sorted(one["disk"] for one in told["luns"]) == sorted(lun.disks)
    assert {one["naa"] for one in told["luns"]} == {probe(lun.disks[0])["identity"]["naa"]}


def test_from_the_hang_to_the_healed_lun(lun):
    first = probe(lun.disks[0])
    assert (first["verdict"], first["proof"]) == ("healthy", "write")
    assert {one["in_flight"]["still_for"] for one in module("lun_map")["luns"]} == {0}
    traced = module("dynamic_debug", match=LIO_SITES, flags="p")
    mark = module("kernel_log")["mark"]
    before = cluster.ceph("osd blocklist ls")
    orphan = cluster.orphan("img1")

    with contextlib.ExitStack() as stuck:
        way = Filling(lun.disks[0], lambda: stuck.enter_context(StuckWrites(lun.disks[0])))
        reported = steps.run(way, Plan(8, 5, "auto"))
        assert reported.verdict == "hung" and reported.reason.startswith("reserve timed out"), reported
        assert [(step.name, step.status) for step in reported.steps][-2:] == [("reserve", "no_answer"), ("release", "no_answer")]
        assert way.lingering and way.lingering.waits_for == "reserve"
        hung = probe(lun.disks[0])
        assert (hung["verdict"], hung["helper"]["waits_for"]) == ("hung", "inquiry"), hung
        flying = [one["in_flight"] for one in module("lun_map")["luns"]]
        assert {(one["writes"] >= 4, one["still_for"] >= 1) for one in flying} == {(True, True)}, flying
        # The other initiator's queue is free: only what is written shows the hang, and LIO does not pass a flush on.
        assert [probe(lun.disks[1], write_path=path)["verdict"] for path in ("flush", "auto")] == ["healthy", "hung"]
        reserve = subprocess.Popen(["sg_raw", lun.disks[0], "16", *["00"] * 5], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(5)
        assert reserve.poll() is None

        seen = module("rbd_watchers", **CONNECTION, pools=["rbd"], notify_timeout=5)
        assert [(image["spec"], image["state"]) for image in seen["images"]] == [("rbd/img1", "stale_duplicate")], seen
        assert [(one["address"], one["verdict"]) for one in seen["culprits"]] == [(orphan["address"], "fence")], seen

        lease = {"pool": "rbd", "run": "kernel", "reason": "test", "images": ["rbd/img1"], "look": seen["look"]}
        assert module("osd_blacklist", **CONNECTION, addresses=[orphan["address"]], lease=lease)["added"] == [orphan["address"]]
        assert reserve.wait(60) == 0
    lun.release(lun.disks[0])

    last = probe(lun.disks[0])
    assert (last["verdict"], last["proof"]) == ("healthy", "write")
    restored = module("osd_blacklist", **CONNECTION, state="restored", addresses=[orphan["address"]])
    assert restored["removed"] == [orphan["address"]], restored
    assert cluster.ceph("osd blocklist ls") == before
    assert mine()["address"] == module("lun_map", wanted=[{"lun": 0}])["luns"][0]["client_address"]

    log = module("kernel_log", since=mark, patterns=["(?i)^(?!libceph:).*(reset|abort|offline)"])
    assert (log["gap"], log["lines"]) == ("", [])
    locks = [event for event in log["events"] if event["kind"] == "lock"]
    assert orphan["client"].replace(".", "") in {event["old_holder"] for event in locks}, log["events"]
    reserved = [event for event in log["events"] if event["kind"] == "reserve"]
    assert {event["initiator"] for event in reserved} == {"naa.6001405aaaaaaaa1", "naa.6001405aaaaaaaa2"}, log["events"]
    module("dynamic_debug", state="restored", sites=traced["before"])
    wait_for(lambda: not lun.holder(), saying="the release")

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceph's own gateway, a real tcmu-runner in the mode of ceph-iscsi: a probe takes no lock from a living client."""

from __future__ import annotations

import cluster
import pytest
import tcmu
from guest import module, wait_for


@pytest.fixture(scope="module", autouse=True)
def runner():
    cluster.start()
    return tcmu.Runner()


def probe(gateway, write_path, check_mode=False):
    return module("scsi_reserve_probe", check_mode, **gateway.path, deadline=10, slow_after=5, write_path=write_path)


def test_a_probe_takes_no_lock_from_a_living_writer():
    cluster.make("living")
    blocklist = cluster.ceph("osd blocklist ls")
    writer = cluster.Writer("living")
    gateway = tcmu.Gateway("gw", "living", 24297, implicit=True)
    for write_path in ("auto", "flush", "ats"):
        told = probe(gateway, write_path)
        assert (told["verdict"], told["proof"]) == ("healthy", "none"), told
        assert "would break the image's lock" in told["reason"]
        assert (told["identity"]["product"], told["identity"]["tpgs"]) == ("TCMU device", 1)
    assert probe(gateway, "lock", check_mode=True)["proof"] == "none"
    assert cluster.ceph("osd blocklist ls") == blocklist
    writer.goes_on()
    (lun,) = module("lun_map")["luns"]
    assert (lun["image"], lun["tcmu"]["mode"], lun["tcmu"]["group"], lun["tcmu"]["active"]) == ("rbd/living", "implicit", "ao", True)
    # What the probe would have done, and does by the operator's word.
    assert probe(gateway, "lock")["proof"] == "write"
    wait_for(writer.failed, saying="the writer's failure")
    assert writer.address in cluster.ceph("osd blocklist ls")


def test_the_default_mode_breaks_no_lock_and_shows_the_hang():
    cluster.make("dead")
    orphan = cluster.orphan("dead")
    gateway = tcmu.Gateway("default", "dead", 24296, implicit=False)
    told = probe(gateway, "flush")
    assert (told["verdict"], told["identity"]["tpgs"]) == ("hung", 0), told
    assert orphan["address"] not in cluster.ceph("osd blocklist ls")
    assert [lun["tcmu"]["mode"] for lun in module("lun_map", wanted=[{"image": "rbd/dead"}])["luns"]] == ["default"]


def test_the_service_map_names_the_gateway():
    """As many watchers are expected as are gateways, so that the other one is the surplus."""
    cluster.make("served")
    orphan = cluster.orphan("served")
    tcmu.Gateway("served", "served", 24295, implicit=True)
    connection = {"conf": str(cluster.CONF), "client": "client.admin", "quorum_settle": 5}
    (image,) = wait_for(lambda: known(connection), 30, "the gateway in the service map")
    assert (image["state"], image["expected"]) == ("stale_duplicate", 1), image
    assert {watcher["address"] == orphan["address"]: (watcher["gateway"], watcher["verdict"]) for watcher in image["watchers"]} == {
        True: ("", "fence"),
        False: ("guest", "keep"),
    }


def test_a_stopped_gateway_is_not_fenced(runner):
    """It would remove its own entry, or be BUSY forever: only a restart helps."""
    cluster.make("stopped")
    tcmu.Gateway("stopped", "stopped", 24294, implicit=False)
    writer = cluster.Writer("stopped")
    connection = {"conf": str(cluster.CONF), "client": "client.admin", "quorum_settle": 5}
    wait_for(lambda: known(connection, "stopped"), 30, "the gateway in the service map")
    with runner.stopped():
        told = module("rbd_watchers", **connection, images=["rbd/stopped"], notify_timeout=5, patience=0)
    (culprit,) = told["culprits"]
    assert (culprit["verdict"], told["images"][0]["decision"]) == ("spare", "refuse"), told
    assert "it is the gateway guest of rbd/stopped, by the service map: restart tcmu-runner there" in " ".join(culprit["reasons"])
    assert culprit["address"] != writer.address


def known(connection, image="served"):
    """The image, as soon as one of its watchers is known as a gateway."""
    images = module("rbd_watchers", **connection, images=[f"rbd/{image}"], notify_timeout=5, patience=0)["images"]
    return images if any(watcher["gateway"] for watcher in images[0]["watchers"]) else []

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tcmu-runner that hangs, and that the service map has forgotten, beside another gateway whose LUN answers: it is not fenced."""

from __future__ import annotations

import cluster
import tcmu
from guest import Lun, module, wait_for
from role_of_image import play

OTHER = "iqn.2026-11.invalid.cephops.iscsi-rescue:other"


def test_a_forgotten_gateway_beside_one_that_serves():
    """The other one is LIO on krbd, for one guest has but one tcmu-runner. What it is does not matter to the gateway that hangs."""
    cluster.start()
    runner = tcmu.Runner()
    Lun(cluster.create("img")).export_by_iscsi(OTHER, 12, "127.0.0.1:24296")
    tcmu.Gateway("gw", "img", 24297, implicit=True)
    wait_for(lambda: served("img"), 120, "the gateway in the service map")
    blocklist = cluster.ceph("osd blocklist ls")
    with runner.stopped():
        wait_for(lambda: not served("img"), 150, "the service map's forgetting")
        ways = [{"image": "rbd/img", "portal": "127.0.0.1:24296", "target": OTHER, "lun": 12}]
        result = play("img", remediate_watchers_luns=ways, remediate_watchers_fail_when_refused=False, remediate_watchers_fail_when_unproven=False)
        (image,) = result["images"]
        assert (result["outcome"], result["fenced"]) == ("refused", []), (image["state"], image["decision"], image["reasons"], result["culprits"])
        assert cluster.ceph("osd blocklist ls") == blocklist


def served(image):
    """The gateways of the image that the service map knows."""
    connection = {"conf": str(cluster.CONF), "client": "client.admin", "quorum_settle": 5}
    (found,) = module("rbd_watchers", **connection, images=[f"rbd/{image}"], notify_timeout=5, patience=0)["images"]
    return [watcher["address"] for watcher in found["watchers"] if watcher["gateway"]]

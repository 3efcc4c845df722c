# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role on Ceph's own gateway, a real tcmu-runner, in its default mode and in the one of ceph-iscsi."""

from __future__ import annotations

import json

import cluster
import pytest
import tcmu
from role_of_image import play


@pytest.fixture(scope="module", autouse=True)
def runner():
    cluster.start()
    return tcmu.Runner()


@pytest.mark.parametrize("implicit", [True, False])
def test_an_orphan_with_the_lock(implicit):
    name = "implicit" if implicit else "default"
    cluster.make(name)
    blocklist = cluster.ceph("osd blocklist ls")
    orphan = cluster.orphan(name)
    gateway = tcmu.Gateway(name, name, 24297 if implicit else 24296, implicit)
    result = play(name)
    (image,) = result["images"]
    (probed,) = image["luns"]
    assert (result["outcome"], result["fenced"], image["proof"]) == ("healed", [orphan["address"]], "write"), (image["proven"], probed)
    # Before the fence no command of the write path is sent that would break the lock; in the default mode, a flush shows the hang.
    assert probed["before"]["verdict"] == ("healthy" if implicit else "hung")
    assert ("flush" in [step["name"] for step in probed["before"]["steps"]]) == (not implicit)
    assert probed["after"]["portal"] == gateway.portal
    assert ("gateway gateway took the lock for that" in image["proven"]) == implicit
    assert cluster.ceph("osd blocklist ls") == blocklist
    assert result["came"] == []


def test_the_gateways_own_configuration_tells_the_lun():
    """Where no gateway is in the inventory."""
    cluster.make("told")
    orphan = cluster.orphan("told")
    gateway = tcmu.Gateway("told", "told", 3260, implicit=True)
    with cluster.pool() as objects:
        objects.write_full("gateway.conf", json.dumps(gateway.conf("gw1.example")).encode())
        result = play("told", ["ceph_admin"])
        objects.remove_object("gateway.conf")
    (image,) = result["images"]
    assert (result["outcome"], result["fenced"], image["proof"]) == ("healed", [orphan["address"]], "write"), (image["proven"], image["luns"])
    assert image["luns"][0]["after"]["portal"] == gateway.portal
    assert "gateway gw1.example took the lock for that" in image["proven"]


def test_a_look_beside_a_living_writer_changes_nothing():
    cluster.make("living")
    blocklist = cluster.ceph("osd blocklist ls")
    writer = cluster.Writer("living")
    tcmu.Gateway("living", "living", 24295, implicit=True)
    play("living", remediate_watchers_look_only=True, remediate_watchers_fail_when_refused=False)
    play("living", remediate_watchers_fail_when_refused=False)
    assert cluster.ceph("osd blocklist ls") == blocklist
    writer.goes_on()


def test_a_pair_beside_a_dead_third_watcher():
    """Both gateways watch, so neither is written to: the lock stays where an initiator's writes have taken it, and they go on."""
    for image in ("pair", "other"):
        cluster.make(image)
    first = tcmu.Gateway("first", "pair", 24294, implicit=True)
    tcmu.Gateway("second", "pair", 24293, implicit=True)
    with tcmu.Initiator(first) as initiator:
        orphan = cluster.orphan("other", "pair")
        begun = len(initiator.replies)
        blocklist, owner = cluster.ceph("osd blocklist ls"), cluster.rbd("lock", "ls", "rbd/pair")
        result = play("pair", remediate_watchers_expected=2)
        assert cluster.rbd("lock", "ls", "rbd/pair") == owner
    assert (result["outcome"], result["fenced"]) == ("healed", [orphan["address"]])
    assert {step["name"] for lun in result["images"][0]["luns"] for probe in lun.values() for step in probe["steps"]} & {"ats", "flush"} == set()
    assert cluster.ceph("osd blocklist ls") == blocklist
    during = initiator.replies[begun:]
    busy = [number for number, reply in enumerate(initiator.replies) if reply != "good"]
    assert len(during) > 20 and set(during) == {"good"}, (begun, len(initiator.replies), busy)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceph's own gateway, a real tcmu-runner in the mode of ceph-iscsi, stopped or failing over while the role looks: no gateway is fenced."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import cluster
import pytest
import tcmu
from guest import module, wait_for
from role_of_image import play

CONNECTION = {"conf": str(cluster.CONF), "client": "client.admin", "quorum_settle": 5}
# Each fence begins with a lease, in an object that is never removed.
LEASES = "cephops_iscsi_rescue.leases"


@pytest.fixture(scope="module", autouse=True)
def runner():
    cluster.start()
    cluster.make("elsewhere")
    return tcmu.Runner()


@pytest.fixture(autouse=True)
def no_client_is_fenced():
    """A gateway that takes a lock makes an entry, too, so what tells is that the collection has never begun with one."""
    yield
    with cluster.pool() as pool:
        assert LEASES not in [each.key for each in pool.list_objects()]


def look(*images, expected="auto"):
    """Image -> what a look finds."""
    named = [f"rbd/{image}" for image in images]
    told = module("rbd_watchers", **CONNECTION, images=named, expected=str(expected), notify_timeout=5, patience=0)
    return {image["spec"].removeprefix("rbd/"): image for image in told["images"]}


def gateways(image):
    """The addresses of its watchers that the service map knows as gateways."""
    return [watcher["address"] for watcher in image["watchers"] if watcher["gateway"]]


def known(*images):
    """Image -> the address of its gateway, as soon as the service map knows one of each."""
    return wait_for(lambda: one_each(look(*images)), 120, "the gateways in the service map")


def one_each(found):
    told = {image: gateways(one) for image, one in found.items()}
    return {image: one[0] for image, one in told.items()} if all(len(one) == 1 for one in told.values()) else {}


def outcome(result):
    return result["outcome"], result["fenced"], result["extended"], result["kept"]


def test_a_stopped_gateway_is_spared_in_every_look(runner):
    """Alone, and beside a client that answers. When it goes on, it writes as if nothing had been."""
    served = {}
    for port, image in ((24297, "alone"), (24296, "beside")):
        cluster.make(image)
        served[image] = tcmu.Gateway(image, image, port, implicit=True)
        with tcmu.Initiator(served[image]):
            pass
    blocklist = cluster.ceph("osd blocklist ls")
    addresses = known(*served)
    with cluster.living("elsewhere", "beside") as client:
        with runner.stopped():
            found = look(*served)
        assert one_each(found) == addresses
        states = {image: (one["state"], one["decision"]) for image, one in found.items()}
        assert states == {"alone": ("headless", "refuse"), "beside": ("stale_duplicate", "refuse")}
        verdicts = {watcher["address"]: (watcher["liveness"], watcher["verdict"]) for watcher in found["beside"]["watchers"]}
        assert verdicts == {addresses["beside"]: ("hung", "spare"), client["address"]: ("alive", "keep")}
        assert "it is the gateway guest of rbd/beside, by the service map: restart tcmu-runner there" in " ".join(found["beside"]["reasons"])
        assert cluster.ceph("osd blocklist ls") == blocklist
    for gateway in served.values():
        with tcmu.Initiator(gateway) as initiator:
            initiator.goes_on()
        assert set(initiator.replies) == {"good"}
    # It still has the lock, so no write had to take it from another gateway.
    assert cluster.ceph("osd blocklist ls") == blocklist


def test_failovers_under_writes():
    """The writes move between the gateways of a pair for as long as the role runs, in check mode and for real.

    The service map knows a gateway by its host and image, so it knows one of these two, and their number is shown.
    """
    cluster.make("pair")
    pair = [tcmu.Gateway(name, "pair", port, implicit=True) for name, port in (("first", 24293), ("second", 24292))]
    for settings in ({"remediate_watchers_look_only": True, "remediate_watchers_fail_when_sick": True}, {}):
        with ThreadPoolExecutor(1) as pool:
            playing = pool.submit(play, "pair", remediate_watchers_expected=2, remediate_watchers_fail_when_refused=False, **settings)
            moved_while(pair, playing.done)
            result = playing.result()
    assert outcome(result) in ((word, [], [], []) for word in ("nothing_to_do", "refused")), result["images"]
    assert [culprit for culprit in result["culprits"] if culprit["verdict"] == "fence"] == []
    with tcmu.Initiator(pair[1]) as initiator:
        wait_for(lambda: look("pair", expected=2)["pair"]["state"] == "normal", 120, "the end of the failovers")
        blocklist, owner = cluster.ceph("osd blocklist ls"), cluster.rbd("lock", "ls", "rbd/pair")
        assert outcome(play("pair", remediate_watchers_expected=2)) == ("nothing_to_do", [], [], [])
        assert (cluster.ceph("osd blocklist ls"), cluster.rbd("lock", "ls", "rbd/pair")) == (blocklist, owner)
        initiator.goes_on()
    assert set(initiator.replies) == {"good"}


def moved_while(pair, is_over):
    """Lets an initiator write through one and then the other until that is over; each takes the lock from the other, and keeps it until then."""
    owners = []
    for gateway in itertools.cycle(pair):
        with tcmu.Initiator(gateway) as initiator:
            owners.append(cluster.rbd("lock", "ls", "rbd/pair"))
            initiator.goes_on()
        assert set(initiator.replies) == {"good"}, (gateway.target, initiator.replies)
        if is_over() and len(owners) > 2:
            break
    assert all(before != after for before, after in itertools.pairwise(owners)), owners


@pytest.mark.parametrize("dropped", [False, True])
def test_a_gateway_that_is_stopped_for_a_whole_run(runner, dropped):
    """``dropped``: so long that the service map has forgotten it. Then the LUN of that gateway speaks for it."""
    name = "dropped" if dropped else "whole"
    cluster.make(name)
    gateway = tcmu.Gateway(name, name, 24295 if dropped else 24294, implicit=True)
    with tcmu.Initiator(gateway):
        pass
    blocklist = cluster.ceph("osd blocklist ls")
    address = known(name)[name]
    with cluster.living("elsewhere", name) as client:
        with runner.stopped():
            if dropped:
                wait_for(lambda: not gateways(look(name)[name]), 150, "the service map's forgetting")
            result = play(name, remediate_watchers_fail_when_refused=False)
        (image,) = result["images"]
        assert outcome(result) == ("refused", [], [], []), image
        assert {watcher["address"]: watcher["verdict"] for watcher in image["watchers_before"]} == {address: "spare", client["address"]: "keep"}
        reasons = " ".join(image["reasons"])
        # Where the machine has much to do, the map might have forgotten it by the time of the look in any case.
        assert f"serves rbd/{name} by tcmu-runner, which might be this client" in reasons or (not dropped and "restart tcmu-runner there" in reasons), reasons
        assert cluster.ceph("osd blocklist ls") == blocklist
    with tcmu.Initiator(gateway) as initiator:
        initiator.goes_on()
    assert set(initiator.replies) == {"good"}
    assert cluster.ceph("osd blocklist ls") == blocklist

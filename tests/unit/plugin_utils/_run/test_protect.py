# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import approval
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import max_fence as limit
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import protect as rules


def watcher(number: int, verdict: str, **more: t.Any) -> dict[str, t.Any]:
    base = {"address": f"192.0.2.{number}:0/{number}", "client": f"client.{number}", "entity": "", "host": "", "lock_owner": False, "reasons": ["why"]}
    return {**base, "liveness": "alive" if verdict == "keep" else "hung", "verdict": verdict, **more}


def image(name: str, *watchers: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"spec": f"rbd/{name}", "pool": "rbd", "name": name, "decision": "fence", "reasons": ["2 watchers"], "watchers": list(watchers)}


def culprit(number: int, *images: str) -> dict[str, t.Any]:
    return {"address": f"192.0.2.{number}:0/{number}", "images": [f"rbd/{name}" for name in images], "verdict": "fence", "reasons": ["why"]}


DETECTED = {
    "images": [
        image("one", watcher(1, "keep"), watcher(2, "fence", entity="client.backup", host="gateway2")),
        image("two", watcher(1, "keep"), watcher(3, "fence", host="gateway3")),
    ],
    "culprits": [culprit(2, "one"), culprit(3, "two")],
}


def fenced(*protect: str, max_fence: int = 0) -> list[str]:
    decided = limit.apply(rules.apply(DETECTED, protect), max_fence)
    return [one["address"] for one in decided["culprits"] if one["verdict"] == "fence"]


BOTH = ["192.0.2.2:0/2", "192.0.2.3:0/3"]


@pytest.mark.parametrize(
    ("protect", "left"),
    [
        ([], BOTH),
        (["192.0.2.2:0/2"], BOTH[1:]),
        (["v1:192.0.2.2:0/2"], BOTH[1:]),
        (["192.0.2.2:0/9"], BOTH),
        (["192.0.2.3"], BOTH[:1]),
        (["192.0.2.0/24"], []),
        (["198.51.100.0/24", "2001:db8::/32"], BOTH),
        (["entity == 'client.backup'"], BOTH[1:]),
        (["ends_with(host, 'way2')"], BOTH[1:]),
        (["image.name == 'two'"], BOTH[:1]),
        (["liveness == 'hung' && image.pool == 'rbd'"], []),
        (["host == entity"], BOTH),
        (["host == 'gateway9'", " 192.0.2.2 "], BOTH[1:]),
    ],
)
def test_which_clients_the_rules_spare(protect: list[str], left: list[str]) -> None:
    assert fenced(*protect) == left


@pytest.mark.parametrize(
    "text", ["gateway1", "entitiy == 'client.backup'", "192.0.2.300", "host = 'x'", "", "no_such_function(host)", "image.size > `3`", "[2001::7]", "`true`"]
)
def test_a_rule_that_would_protect_no_client_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        rules.apply(DETECTED, [text])


def test_a_bad_rule_is_refused_although_nothing_is_wrong() -> None:
    with pytest.raises(InputError, match="gateway1"):
        rules.apply({"images": [], "culprits": []}, ["gateway1"])


def test_a_protected_watcher_refuses_its_image() -> None:
    decided = rules.apply(DETECTED, ["192.0.2.2"])
    one, two = decided["images"]
    assert (one["decision"], two["decision"]) == ("refuse", "fence")
    assert [found["verdict"] for found in one["watchers"]] == ["keep", "spare"]
    assert "protected by '192.0.2.2'" in one["reasons"][-1]
    assert "protected by '192.0.2.2'" in decided["culprits"][0]["reasons"][-1]


def test_its_fellow_culprits_are_not_fenced_either() -> None:
    detected = {"images": [image("one", watcher(1, "keep"), watcher(2, "fence"), watcher(3, "fence"))], "culprits": [culprit(2, "one"), culprit(3, "one")]}
    assert [one["verdict"] for one in rules.apply(detected, ["192.0.2.2"])["culprits"]] == ["spare", "spare"]


@pytest.mark.parametrize(("most", "left"), [(0, BOTH), (1, []), (2, BOTH), (3, BOTH)])
def test_too_many_are_too_many(most: int, left: list[str]) -> None:
    assert fenced(max_fence=most) == left


def test_a_rule_on_what_could_not_be_seen_protects() -> None:
    blind = {**DETECTED, "images": [image("one", watcher(1, "keep"), watcher(2, "fence"))], "culprits": [culprit(2, "one")]}
    assert rules.apply(blind, ["host == 'gateway9'"])["culprits"][0]["verdict"] == "spare"
    gone = {**blind, "images": [image("one", watcher(1, "keep"), watcher(2, "fence", liveness="orphaned"))]}
    assert rules.apply(gone, ["host == 'gateway9'"])["culprits"][0]["verdict"] == "fence"


def test_clients_that_are_spared_do_not_count() -> None:
    assert fenced("192.0.2.2", max_fence=1) == BOTH[1:]


@pytest.mark.parametrize(
    ("approved", "left"), [(["any"], BOTH), ([], []), (["192.0.2.3:0/3"], BOTH[1:]), ([*BOTH, "192.0.2.9:0/9"], BOTH), (["192.0.2.2:0/9"], [])]
)
def test_only_approved_clients_are_fenced(approved: list[str], left: list[str]) -> None:
    decided = approval.apply(t.cast(t.Any, DETECTED), approved)
    assert [one["address"] for one in decided["culprits"] if one["verdict"] == "fence"] == left


def test_a_client_that_was_not_approved_refuses_its_image() -> None:
    one, two = approval.apply(t.cast(t.Any, DETECTED), BOTH[1:])["images"]
    assert (one["decision"], two["decision"]) == ("refuse", "fence")
    assert one["reasons"][-1] == "192.0.2.2:0/2: remediate_watchers_approved does not name it"


def test_the_input_is_not_changed() -> None:
    before = repr(DETECTED)
    limit.apply(rules.apply(DETECTED, ["192.0.2.0/24"]), 1)
    assert repr(DETECTED) == before


def test_the_owner_of_a_lock_is_protected_too() -> None:
    """Checks that its lock is not broken, either."""
    locked = {"images": [{**image("one", watcher(1, "keep")), "owner": [watcher(2, "fence")]}], "culprits": [culprit(2, "one")]}
    spared = rules.apply(t.cast(t.Any, locked), ["192.0.2.2"])
    assert (spared["images"][0]["decision"], spared["images"][0]["owner"][0]["verdict"], spared["culprits"][0]["verdict"]) == ("refuse", "spare", "spare")

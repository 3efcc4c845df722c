# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests/faults/explain.py cannot make on a lab: mirrors, entries for whole hosts, gateways that are silent, and what is not known."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._explain import explanation

A, B = "192.0.2.7:0/7", "192.0.2.8:0/8"
INFO: dict[str, t.Any] = {
    "exists": True,
    "id": "1",
    "header": "rbd_header.1",
    "size": 64 << 20,
    "features": ["layering", "exclusive-lock"],
    "snapshots": [],
    "children": [],
    "group": "",
    "lockers": [],
    "mirroring": {},
    "migration": {},
    "trash": [],
    "hidden": [],
}


def watcher(address: str = A, liveness: str = "alive", **more: t.Any) -> dict[str, t.Any]:
    base = {"address": address, "client": "client.1", "entity": "client.gw", "host": "gw1", "daemon": "", "gateway": "", "lock_owner": False}
    return {**base, "liveness": liveness, "reasons": ["why"], **more}


def image(*watchers: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    return {"spec": "rbd/a", "state": "normal", "decision": "leave", "reasons": ["fits"], "watchers": list(watchers), "owner": [], **more}


def explained(*images: dict[str, t.Any], info: t.Mapping[str, t.Any] | None = None, maps: t.Any = (), **blocklist: t.Any) -> dict[str, t.Any]:
    listed = {"after": {}, "ranges": {}, "leases": [], "unread": [], **blocklist}
    look = {"images": list(images), "blocklist": listed, "exports": {"luns": {}, "gap": ""}, "incomplete": [], "look": {"at": 7.0}}
    return explanation.explain({"image": "rbd/a", "info": {**INFO, **(info or {})}, "look": look, "maps": list(maps)})


def test_an_entry_for_the_whole_host_of_a_client_is_why_its_writes_fail() -> None:
    for entry in ({"after": {"192.0.2.7:0/0": "then"}}, {"ranges": {"192.0.2.0/24": "then"}}):
        found = explained(image(watcher()), **entry)
        assert found["written"] == [f"{A} is fenced by {next(iter(next(iter(entry.values()))))} until then: its writes fail"]
        assert found["next"].startswith("If that blocklist entry is a mistake")


def test_an_entry_of_a_run_is_told_with_the_run_and_is_no_mistake() -> None:
    lease = {"address": A, "run": "r1", "reason": "stale", "images": ["rbd/a"]}
    found = explained(image(watcher(B)), after={A: "then"}, leases=[lease])
    assert f"blocklist: {A} until then, which fences {A}, by run r1" in found["lines"]
    assert f"lease: {A}, by run r1: stale" in found["lines"]
    assert found["next"].startswith("Nothing is wrong with it")


def test_an_image_that_is_not_primary_is_promoted() -> None:
    found = explained(image(watcher(daemon="rbd-mirror")), info={"mirroring": {"primary": False}})
    assert (found["mapped"], found["deleted"]) == ([], [])
    assert found["written"] == ["it is mirrored and not primary here, so it is read-only"]
    assert found["next"] == "Promote it in the cluster where it should be written: rbd mirror image promote rbd/a."


@pytest.mark.parametrize(
    ("liveness", "reason", "written"),
    [
        ("unknown", "it holds the exclusive lock without watching the image, but still has a session", "the exclusive lock belongs to"),
        ("orphaned", "it holds the exclusive lock without watching the image, and has no session", "which is gone and does not watch it"),
    ],
)
def test_the_owner_of_a_lock_that_does_not_watch(liveness: str, reason: str, written: str) -> None:
    found = explained(image(owner=[watcher(B, liveness, lock_owner=True, reasons=[reason])]))
    assert [words for words in found["written"] if written in words]
    assert bool([words for words in found["deleted"] if "exclusive lock" in words]) is (liveness == "orphaned")


def test_gateways_tell_which_of_them_exports_it() -> None:
    lun = {"image": "rbd/a", "lun": 3, "target": "iqn.t", "enabled": False}
    maps = [{"item": "gw1", "luns": [lun, {**lun, "image": "rbd/b"}]}, {"item": "gw2", "msg": "no route", "unreachable": True}]
    found = explained(image(watcher()), maps=maps)
    assert [line for line in found["lines"] if line.startswith("exported: ")] == ["exported: LUN 3 of iqn.t on gw1, which is disabled"]
    assert found["gaps"] == ["gateway gw2 did not tell its LUNs: no route"]


def test_an_entry_of_a_client_that_does_not_watch_any_more_keeps_no_other_from_writing() -> None:
    lease = {"address": A, "run": "r1", "reason": "stale", "images": ["rbd/a"]}
    assert explained(image(watcher(B)), after={A: "then"}, leases=[lease])["written"] == []


def test_nothing_can_be_done_where_nothing_is_known() -> None:
    unread = explained(image(state="undetermined", decision="refuse", reasons=["its watchers could not be read: timed out"]))
    untested = explained(image(watcher(liveness="unknown"), state="undetermined", decision="refuse"))
    for found in (unread, untested):
        assert all(found[what] for what in ("mapped", "written", "deleted"))


def test_what_could_not_be_seen_comes_first() -> None:
    found = explained(image(watcher(liveness="unknown"), state="undetermined", decision="refuse"), info={"hidden": ["clones could not be read"]})
    assert found["next"] == "Fix what the reason names, then run explain again."
    assert "not seen: clones could not be read" in found["lines"]


def test_every_step_stands_for_something() -> None:
    """Checks that each can be reached, and that none leaves a known word in capitals."""
    assert {name for name, _applies in explanation._STEPS} | {"free_already"} == {*explanation.NEXT}
    found = explained(image(), info={"children": ["rbd/c"], "lockers": [{"client": "client.1", "cookie": "mine", "address": A}], "group": "g"})
    assert not re.search(r"\b(IMAGE|POOL|CLONE|COOKIE|CLIENT|ID)\b", found["next"])


def test_reasons_with_commas_are_told_apart() -> None:
    found = explained(image(watcher(), watcher(B)))
    assert f"cannot be mapped elsewhere: {'; '.join(found['mapped'])}" in found["lines"]
    assert len(found["mapped"]) == 2

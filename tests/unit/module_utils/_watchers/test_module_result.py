# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import guards, module_result, reasons, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, Judgement, Surroundings, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import A, B, C, judged


def shown(judgements: list[Judgement]) -> dict:
    around = Surroundings(guards.by_client(judgements))
    weighed = [guards.weigh(culprit, around) for culprit in verdict.culprits(judgements)]
    return module_result.of(judgements, weighed, Seen([], len(judgements)), [])


def test_a_vetoed_image_is_refused_and_its_watcher_spared() -> None:
    found = shown([judged("ah"), judged("h", name="other", clients=(B,))])
    lun = next(image for image in found["images"] if image["spec"] == "rbd/lun")
    assert (lun["state"], lun["decision"]) == ("stale_duplicate", "refuse")
    assert [watcher["verdict"] for watcher in lun["watchers"]] == ["keep", "spare"]
    assert [culprit["verdict"] for culprit in found["culprits"]] == ["spare"]


def test_a_plain_duplicate_is_fenced() -> None:
    found = shown([judged("ao"), judged("a", name="well", clients=(C,))])
    assert [(image["spec"], image["decision"]) for image in found["images"]] == [("rbd/lun", "fence")]
    assert [culprit["verdict"] for culprit in found["culprits"]] == ["fence"]
    assert found["counts"] == {
        "images": 2,
        "unseen": 0,
        "watched": 2,
        "watchers": 3,
        "normal": 1,
        "stale_duplicate": 1,
        "contested": 0,
        "headless": 0,
        "degraded": 0,
        "locked": 0,
        "undetermined": 0,
    }


def test_one_spared_culprit_refuses_the_image_and_spares_the_others() -> None:
    found = shown([judged("aho"), judged("h", name="other", clients=(B,))])
    assert {culprit["address"]: culprit["verdict"] for culprit in found["culprits"]} == {B.address: "spare", C.address: "spare"}
    own = {culprit["address"]: culprit["reasons"][-1] for culprit in found["culprits"]}
    assert own[C.address] == reasons.NOTHING_HEALED and own[B.address] != reasons.NOTHING_HEALED
    watchers = next(image for image in found["images"] if image["spec"] == "rbd/lun")["watchers"]
    assert [len(watcher["reasons"]) for watcher in watchers] == [1, 2, 2]


def test_the_look_names_the_clients_that_serve_and_stay() -> None:
    assert shown([judged("ao")])["look"]["serving"] == {"rbd/lun": [A.address]}
    assert shown([judged("aa", evict=(B.address,))])["look"]["serving"] == {"rbd/lun": [A.address]}
    assert shown([judged("aa")])["look"]["serving"] == {"rbd/lun": [A.address, B.address]}
    assert shown([judged("ho")])["look"]["serving"] == shown([judged("a")])["look"]["serving"] == {}
    assert shown([judged("ao")])["look"]["watches"] == {B.address: ["rbd/lun"]}


def test_a_named_client_is_fenced_although_it_is_alive() -> None:
    found = shown([judged("aa", evict=(B.address,))])
    assert [watcher["verdict"] for watcher in found["images"][0]["watchers"]] == ["keep", "fence"]
    assert found["culprits"][0]["address"] == B.address
    assert fits(reasons.ON_IMAGE_EVICTED, found["culprits"][0]["reasons"][0])


@pytest.mark.parametrize(("on_one", "on_two", "since"), [("ao", "ao", 7.0), ("ao", "ah", 0.0), ("ah", "ao", 0.0), ("ah", "ah", 0.0)])
def test_a_client_is_gone_only_when_it_is_gone_everywhere(on_one: str, on_two: str, since: float) -> None:
    judgements = [judged(on_one, name="one"), judged(on_two, name="two")]
    found = module_result.of(judgements, verdict.culprits(judgements), Seen([], 2), [], looked_at=7.0)
    assert found["culprits"][0]["gone_since"] == since


def test_an_image_that_could_not_be_read_is_counted_and_shown_where_it_is_named() -> None:
    judgement = verdict.judge(WatchedImage(Image("rbd", "", "lun", "1"), (), unseen="no answer in time"), [], 1)
    found = module_result.of([judgement], [], Seen([], 1, (), 1, ("rbd/lun could not be read",)), [])
    assert (found["counts"]["normal"], found["counts"]["unseen"], found["images"]) == (0, 1, [])
    assert module_result.of([judgement], [], Seen([], 1, (), 1), ["rbd/lun"])["images"][0]["decision"] == "refuse"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import guards, module_result, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, Judgement, Surroundings, WatchedImage, Watcher
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen

A, B, C, D = (Watcher(f"192.0.2.{number}:0/{number}", number, number * 100) for number in (1, 2, 3, 4))
REPLY = NotifyReply(frozenset({A.key}), frozenset({B.key}))
NOBODY, ALL = Sessions({}), Sessions({A.address: "gateway1", B.address: "gateway2"})
BLIND = Sessions({}, gap="only 2 of 3 monitors are in quorum")


@pytest.mark.parametrize(
    ("watcher", "reply", "looks", "liveness", "words"),
    [
        (B, REPLY, [Sessions({}, frozenset({B.client_id})), NOBODY], "hung", "not known whether"),
        (A, REPLY, [NOBODY, NOBODY], "alive", "acknowledged"),
        (B, REPLY, [NOBODY, NOBODY], "orphaned", "no session on any monitor"),
        (B, REPLY, [ALL, ALL], "hung", "from host gateway2"),
        (B, REPLY, [ALL, NOBODY], "hung", "from host gateway2"),
        (B, REPLY, [NOBODY, ALL], "hung", "from host gateway2"),
        (B, REPLY, [NOBODY, BLIND], "hung", "only 2 of 3 monitors"),
        (B, REPLY, [], "hung", "no sessions were read"),
        (C, REPLY, [NOBODY, NOBODY], "unknown", "came or went"),
        (B, "the OSD did not answer", [NOBODY, NOBODY], "unknown", "the OSD did not answer"),
    ],
)
def test_liveness(watcher: Watcher, reply: NotifyReply | str, looks: list[Sessions], liveness: str, words: str) -> None:
    finding = verdict.find(watcher, reply, looks)
    assert finding.liveness == liveness
    assert words in finding.reason


def judged(livenesses: str, expected: int = 1, name: str = "lun", clients: tuple[Watcher, ...] = (A, B, C, D), evict: tuple[str, ...] = ()) -> Judgement:
    """An image whose watchers are, letter by letter, a(live), h(ung), o(rphaned), u(nknown) or - (not asked)."""
    words = {"a": "alive", "h": "hung", "o": "orphaned", "u": "unknown"}
    words["-"] = "unknown"
    reasons = {"-": verdict.NOT_ASKED}
    findings = [Finding(watcher, words[letter], reasons.get(letter, "why")) for watcher, letter in zip(clients, livenesses)]  # type: ignore[arg-type]
    watched = WatchedImage(Image("rbd", "", name, f"id-{name}"), tuple(clients[: len(livenesses)]))
    return verdict.judge(watched, findings, expected, evict)


@pytest.mark.parametrize(
    ("livenesses", "expected", "state"),
    [
        ("", 1, "normal"),
        ("a", 1, "normal"),
        ("-", 1, "normal"),
        ("u", 1, "undetermined"),
        ("au", 2, "undetermined"),
        ("ou", 2, "undetermined"),
        ("--", 1, "undetermined"),
        ("aa", 2, "normal"),
        ("ao", 1, "stale_duplicate"),
        ("ah", 1, "stale_duplicate"),
        ("aho", 1, "stale_duplicate"),
        ("aao", 2, "stale_duplicate"),
        ("aa", 1, "contested"),
        ("aao", 1, "contested"),
        ("aau", 1, "contested"),
        ("h", 1, "headless"),
        ("o", 1, "headless"),
        ("oh", 1, "headless"),
        ("oh", 2, "headless"),
        ("ah", 2, "degraded"),
        ("au", 1, "undetermined"),
        ("uu", 1, "undetermined"),
        ("uo", 1, "undetermined"),
        ("auo", 1, "undetermined"),
    ],
)
def test_states(livenesses: str, expected: int, state: str) -> None:
    assert judged(livenesses, expected).state == state


def test_only_a_stale_duplicate_has_culprits() -> None:
    every = ["", "a", "u", "aa", "aao", "h", "oh", "au", "uu", "uo", "auo"]
    assert verdict.culprits([judged(livenesses) for livenesses in every]) == []
    assert [culprit.address for culprit in verdict.culprits([judged("aho")])] == [B.address, C.address]


def test_one_culprit_for_one_client_on_many_images() -> None:
    (culprit,) = verdict.culprits([judged("ao", name="one"), judged("ah", name="two")])
    assert culprit.images == ("rbd/one", "rbd/two")
    assert len(culprit.reasons) == 2


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
        "undetermined": 0,
    }


def test_one_spared_culprit_refuses_the_image_and_spares_the_others() -> None:
    found = shown([judged("aho"), judged("h", name="other", clients=(B,))])
    assert {culprit["address"]: culprit["verdict"] for culprit in found["culprits"]} == {B.address: "spare", C.address: "spare"}


def test_a_watcher_is_shown_with_its_session() -> None:
    look = Sessions({A.address: "gateway1"}, names={A.address: "client.iscsi"})
    finding = verdict.find(A, REPLY, [look, NOBODY])
    assert (finding.entity, finding.host) == ("client.iscsi", "gateway1")


def test_an_image_that_could_not_be_read_is_not_normal() -> None:
    judgement = verdict.judge(WatchedImage(Image("rbd", "", "lun", "1"), (), unseen="no answer in time"), [], 1)
    assert judgement.state == "undetermined"
    assert "no answer in time" in judgement.reasons[0]
    found = module_result.of([judgement], [], Seen([], 1, (), 1, ("rbd/lun could not be read",)), [])
    assert (found["counts"]["normal"], found["counts"]["unseen"], found["images"]) == (0, 1, [])
    assert module_result.of([judgement], [], Seen([], 1, (), 1), ["rbd/lun"])["images"][0]["decision"] == "refuse"


@pytest.mark.parametrize(
    ("livenesses", "expected", "evict", "surplus"),
    [
        ("aa", 1, (B.address,), [B]),
        ("aao", 1, (B.address,), [B, C]),
        ("aaa", 2, (C.address,), [C]),
        ("aa", 1, (), []),
        ("aa", 1, ("192.0.2.77:0/1",), []),
        ("aa", 1, (A.address, B.address), []),
        ("aaa", 1, (B.address,), []),
        ("aau", 1, (B.address,), []),
        ("aaau", 2, (B.address, C.address), []),
        ("aaaa", 2, (B.address, C.address), [B, C]),
    ],
)
def test_the_operator_settles_a_contested_image(livenesses: str, expected: int, evict: tuple[str, ...], surplus: list[Watcher]) -> None:
    judgement = judged(livenesses, expected, evict=evict)
    assert judgement.state == "contested"
    assert [finding.watcher for finding in judgement.surplus] == surplus


@pytest.mark.parametrize("livenesses", ["ao", "a", "h", "oh", "au"])
def test_the_operators_word_counts_for_contested_images_only(livenesses: str) -> None:
    assert judged(livenesses, evict=(A.address,)) == judged(livenesses)


def test_a_named_client_is_fenced_although_it_is_alive() -> None:
    found = shown([judged("aa", evict=(B.address,))])
    assert [watcher["verdict"] for watcher in found["images"][0]["watchers"]] == ["keep", "fence"]
    assert found["culprits"][0]["address"] == B.address
    assert "the operator names it" in found["culprits"][0]["reasons"][0]


@pytest.mark.parametrize(("on_one", "on_two", "since"), [("ao", "ao", 7.0), ("ao", "ah", 0.0), ("ah", "ao", 0.0), ("ah", "ah", 0.0)])
def test_a_client_is_gone_only_when_it_is_gone_everywhere(on_one: str, on_two: str, since: float) -> None:
    judgements = [judged(on_one, name="one"), judged(on_two, name="two")]
    found = module_result.of(judgements, verdict.culprits(judgements), Seen([], 2), [], looked_at=7.0)
    assert found["culprits"][0]["gone_since"] == since

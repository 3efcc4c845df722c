# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import report, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, Judgement, WatchedImage, Watcher

A, B, C = (Watcher(f"192.0.2.{number}:0/{number}", number, number * 100) for number in (1, 2, 3))
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


def judged(livenesses: str, expected: int = 1, name: str = "lun", clients: tuple[Watcher, ...] = (A, B, C)) -> Judgement:
    """An image whose watchers are, letter by letter, a(live), h(ung), o(rphaned) or u(nknown)."""
    words = {"a": "alive", "h": "hung", "o": "orphaned", "u": "unknown"}
    findings = [Finding(watcher, words[letter], "why") for watcher, letter in zip(clients, livenesses)]  # type: ignore[arg-type]
    watched = WatchedImage(Image("rbd", "", name, f"id-{name}"), tuple(clients[: len(livenesses)]))
    return verdict.judge(watched, findings, expected)


@pytest.mark.parametrize(
    ("livenesses", "expected", "state"),
    [
        ("", 1, "normal"),
        ("a", 1, "normal"),
        ("u", 1, "normal"),
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


def vetoes(judgements: list[Judgement], gaps: tuple[str, ...] = ()) -> str:
    (culprit,) = verdict.culprits(judgements)
    return " ".join(verdict.weigh(culprit, judgements, gaps).vetoes)


def test_no_veto_without_a_reason() -> None:
    assert vetoes([judged("ah")]) == ""


def test_a_client_that_answers_on_another_image_is_spared() -> None:
    assert "answers on rbd/other" in vetoes([judged("ao"), judged("a", name="other", clients=(B,))])


def test_a_client_with_an_alive_and_a_stale_watch_on_one_image_is_spared() -> None:
    twin = Watcher(A.address, A.client_id, 777)
    assert "answers on rbd/lun" in vetoes([judged("ao", clients=(A, twin))])


def test_a_living_client_that_is_the_only_watcher_of_another_image_is_spared() -> None:
    alone = judged("h", name="other", clients=(B,))
    assert "rbd/other has no other watcher that answers" in vetoes([judged("ah"), alone])


def test_a_dead_watch_beside_it_does_not_make_a_living_client_dispensable() -> None:
    beside_a_dead_one = judged("ho", name="other", clients=(B, C))
    (culprit, *_rest) = verdict.culprits([judged("ah")])
    assert "no other watcher that answers" in " ".join(verdict.weigh(culprit, [judged("ah"), beside_a_dead_one], ()).vetoes)


def test_a_living_client_that_could_not_be_tested_elsewhere_is_spared() -> None:
    untested = judged("ua", name="other", clients=(B, C))
    assert "could not be tested on rbd/other" in vetoes([judged("ah"), untested])


def test_a_client_that_is_gone_serves_nobody() -> None:
    judgements = [judged("ao"), judged("o", name="other", clients=(B,))]
    (culprit,) = verdict.culprits(judgements)
    weighed = verdict.weigh(culprit, judgements, ("pool 'x' cannot be read",))
    assert weighed.vetoes == ()
    assert "it also watches rbd/other" in weighed.reasons[-1]


def test_what_a_living_client_serves_must_be_known() -> None:
    assert "pool 'x' cannot be read" in vetoes([judged("ah")], ("pool 'x' cannot be read",))


def shown(judgements: list[Judgement]) -> dict:
    weighed = [verdict.weigh(culprit, judgements, ()) for culprit in verdict.culprits(judgements)]
    return report.result(judgements, weighed, [], {})


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

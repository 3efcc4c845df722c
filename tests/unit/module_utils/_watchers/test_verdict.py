# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import A, B, C, D, judged

REPLY = NotifyReply(frozenset({A.key}), frozenset({B.key}))
NOBODY, ALL = Sessions({}), Sessions({A.address: "gateway1", B.address: "gateway2"})
BLIND = Sessions({}, gap="only 2 of 3 monitors are in quorum")


def unknown(gap: str, reason: str = reasons.SILENT) -> str:
    return reasons.SESSION_UNKNOWN.format(reason=reason, gap=gap)


def from_host(host: str, reason: str = reasons.SILENT) -> str:
    return reasons.HAS_SESSION.format(reason=reason, host=host)


@pytest.mark.parametrize(
    ("watcher", "reply", "looks", "liveness", "words"),
    [
        (B, REPLY, [Sessions({}, frozenset({B.client_id})), NOBODY], "hung", unknown(reasons.OTHER_ADDRESS)),
        (A, REPLY, [NOBODY, NOBODY], "alive", reasons.ACKNOWLEDGED),
        (B, REPLY, [NOBODY, NOBODY], "orphaned", reasons.GONE.format(reason=reasons.SILENT)),
        (B, REPLY, [ALL, ALL], "hung", from_host("gateway2")),
        (B, REPLY, [ALL, NOBODY], "hung", from_host("gateway2")),
        (B, REPLY, [NOBODY, ALL], "hung", from_host("gateway2")),
        (B, REPLY, [NOBODY, BLIND], "hung", unknown(BLIND.gap)),
        (B, REPLY, [], "hung", unknown(reasons.NO_SESSIONS)),
        (C, REPLY, [NOBODY, NOBODY], "unknown", reasons.MOVED),
        (B, "the OSD did not answer", [NOBODY, NOBODY], "unknown", "the OSD did not answer"),
    ],
)
def test_liveness(watcher: Watcher, reply: NotifyReply | str, looks: list[Sessions], liveness: str, words: str) -> None:
    finding = verdict.find(watcher, reply, looks)
    assert (finding.liveness, finding.reason) == (liveness, words)


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
        ("A", 1, "normal"),
        ("aA", 1, "normal"),
        ("aAA", 1, "normal"),
        ("aH", 1, "normal"),
        ("aU", 1, "normal"),
        ("hA", 1, "headless"),
        ("oA", 1, "headless"),
        ("hA", 2, "headless"),
        ("aoA", 1, "stale_duplicate"),
        ("aaA", 1, "contested"),
        ("uA", 1, "undetermined"),
    ],
)
def test_states(livenesses: str, expected: int, state: str) -> None:
    assert judged(livenesses, expected).state == state


def test_a_daemon_of_ceph_is_never_the_surplus() -> None:
    mixed = judged("aoHO")
    assert [finding.watcher for finding in mixed.surplus] == [B]
    assert fits(reasons.DAEMON.format(reason="{reason}", what="rbd-mirror"), mixed.reasons[0])
    assert judged("aaA", evict=(A.address,)).surplus[0].watcher == A


def test_only_a_stale_duplicate_has_culprits() -> None:
    every = ["", "a", "u", "aa", "aah", "h", "oh", "au", "uu", "uo", "auo"]
    assert verdict.culprits([judged(livenesses) for livenesses in every]) == []
    assert [culprit.address for culprit in verdict.culprits([judged("aho")])] == [B.address, C.address]


def test_one_culprit_for_one_client_on_many_images() -> None:
    (culprit,) = verdict.culprits([judged("ao", name="one"), judged("ah", name="two")])
    assert culprit.images == ("rbd/one", "rbd/two")
    assert len(culprit.reasons) == 2


def test_a_watcher_is_shown_with_its_session() -> None:
    look = Sessions({A.address: "gateway1"}, names={A.address: "client.iscsi"})
    finding = verdict.find(A, REPLY, [look, NOBODY])
    assert (finding.entity, finding.host) == ("client.iscsi", "gateway1")


def test_an_image_that_could_not_be_read_is_not_normal() -> None:
    judgement = verdict.judge(WatchedImage(Image("rbd", "", "lun", "1"), (), unseen="no answer in time"), [], 1)
    assert judgement.state == "undetermined"
    assert judgement.reasons == (reasons.UNREADABLE.format(reason="no answer in time"),)


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
        ("aao", 1, (), [C]),
        ("aaoo", 1, (), [C, D]),
        ("aah", 1, (), []),
        ("aaho", 1, (), [D]),
        ("aaO", 1, (), []),
        ("aaao", 2, (B.address, C.address), [B, C, D]),
        ("aaao", 1, (B.address,), [D]),
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


def test_a_client_that_let_several_notifies_time_out_says_for_how_long() -> None:
    spans = [(10.0, 15.0), (15.1, 20.1), (39.0, 44.2)]
    hung = verdict.find(B, REPLY, [ALL], spans)
    assert hung.reason == from_host("gateway2", reasons.SILENT_FOR.format(seconds=34, n=3))
    assert (hung.missed, verdict.find(A, REPLY, [ALL], spans).missed) == (tuple(spans), ())
    judgement = verdict.judge(WatchedImage(Image("rbd", "", "a", "1"), (A, B)), [verdict.find(A, REPLY, [ALL]), hung], 1)
    assert [culprit.missed for culprit in verdict.culprits([judgement, judgement])] == [tuple(spans)]


@pytest.mark.parametrize(
    ("livenesses", "evict", "surplus"),
    [
        ("o", (), [A]),
        ("oo", (), [A, B]),
        ("oh", (), []),
        ("h", (), []),
        ("oh", (B.address,), [A, B]),
        ("oh", (A.address,), []),
        ("a", (), []),
        ("ou", (), []),
        ("oA", (), []),
        ("-", (), []),
    ],
)
def test_an_image_is_freed_of_clients_that_are_gone_and_of_named_ones(livenesses: str, evict: tuple[str, ...], surplus: list[Watcher]) -> None:
    judgement = judged(livenesses, evict=evict, free=True)
    assert ([finding.watcher for finding in judgement.surplus], judgement.freeing) == (surplus, bool(surplus))
    assert judged(livenesses, evict=evict).surplus == ()


def test_clients_that_might_be_alive_are_named_if_an_image_is_not_freed() -> None:
    assert judged("oh", free=True).reasons[-1] == reasons.NOT_FREED_LIVING.format(address=B.address)


@pytest.mark.parametrize(
    ("livenesses", "expected", "state", "surplus", "freeing"),
    [
        ("", 1, "locked", [D], True),
        ("A", 1, "locked", [D], True),
        ("a", 1, "locked", [D], False),
        ("ao", 1, "stale_duplicate", [B, D], False),
        ("aa", 1, "contested", [D], False),
        ("aao", 1, "contested", [C, D], False),
        ("h", 1, "headless", [], False),
        ("ah", 2, "degraded", [], False),
        ("au", 1, "undetermined", [], False),
    ],
)
def test_the_lock_of_a_client_that_is_gone_is_broken(livenesses: str, expected: int, state: str, surplus: list[Watcher], freeing: bool) -> None:
    owner = verdict.find_owner(WatchedImage(Image("rbd", "", "lun", "1"), (A,), D), [NOBODY, NOBODY])
    assert owner
    found = verdict.with_owner(judged(livenesses, expected), owner)
    assert (found.state, [one.watcher for one in found.surplus], found.freeing) == (state, surplus, freeing)
    assert found.reasons[-1] == reasons.OF_OWNER.format(address=D.address, reason=reasons.GONE.format(reason=reasons.OWNS))


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        ([Sessions({D.address: "gateway2"}), NOBODY], from_host("gateway2", reasons.OWNS)),
        ([NOBODY, BLIND], unknown(BLIND.gap, reasons.OWNS)),
        ([], unknown(reasons.NO_SESSIONS, reasons.OWNS)),
        ([NOBODY, Sessions({}, frozenset({D.client_id}))], unknown(reasons.OTHER_ADDRESS, reasons.OWNS)),
    ],
)
def test_the_lock_of_a_client_that_might_live_is_left(looks: list[Sessions], words: str) -> None:
    owner = verdict.find_owner(WatchedImage(Image("rbd", "", "lun", "1"), (A,), D), looks)
    assert owner
    found = verdict.with_owner(judged("a"), owner)
    assert (found.state, found.surplus) == ("normal", ())
    assert found.reasons[-1] == reasons.OF_OWNER.format(address=D.address, reason=words)


def test_a_client_that_watches_holds_its_lock_by_right() -> None:
    """Also where its watch is a later one than the lock names."""
    for watchers in ((A, D), (A, Watcher(D.address, D.client_id, 7))):
        assert verdict.find_owner(WatchedImage(Image("rbd", "", "lun", "1"), watchers, D), [NOBODY, NOBODY]) is None
    assert verdict.find_owner(WatchedImage(Image("rbd", "", "lun", "1"), (A,)), [NOBODY]) is None

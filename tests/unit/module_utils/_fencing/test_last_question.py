# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the replies to the last notify before a fence say of each client."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.last_question import Answers, Question, judge, together, unserved, vanished
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher

GATEWAY, STALE, OTHER = (Watcher(f"192.0.2.{number}:0/{number}", number, 70 + number) for number in (1, 2, 3))
A, B = Image("rbd", "", "a", "1"), Image("rbd", "", "b", "2")


def reply(acked: t.Sequence[Watcher] = (), timed_out: t.Sequence[Watcher] = ()) -> NotifyReply:
    return NotifyReply(frozenset(one.key for one in acked), frozenset(one.key for one in timed_out))


def question(*clients: str, served_by: Watcher = GATEWAY, named: bool = False) -> Question:
    return Question(clients, ["rbd/a", "rbd/b"], 1, {"rbd/a": [served_by.address], "rbd/b": [served_by.address]}, named=named)


def asked(*replies: NotifyReply | str, watchers: t.Sequence[Watcher] = (GATEWAY, STALE), **more: t.Any) -> Answers:
    watched = [WatchedImage(image, tuple(watchers)) for image, _reply in zip((A, B), replies)]
    return judge(question(STALE.address, **more), watched, dict(zip((A, B), replies)))


def test_a_client_that_stays_silent_is_fenced() -> None:
    silent = reply([GATEWAY], [STALE])
    assert asked(silent) == asked(silent, silent) == Answers([STALE.address])


@pytest.mark.parametrize(
    ("replies", "words"),
    [
        ([reply([GATEWAY, STALE])], reasons.ACKNOWLEDGED.format(image="rbd/a")),
        ([reply([GATEWAY], [STALE]), reply([STALE, GATEWAY])], reasons.ACKNOWLEDGED.format(image="rbd/b")),
        ([reply([GATEWAY])], reasons.MOVED.format(image="rbd/a")),
        (["the OSD did not answer"], reasons.NOT_ASKED_ON.format(image="rbd/a", reason="the OSD did not answer")),
        ([reply([GATEWAY], [STALE]), "no quorum"], reasons.NOT_ASKED_ON.format(image="rbd/b", reason="no quorum")),
    ],
)
def test_a_client_that_answers_or_could_not_be_asked_is_spared(replies: list[NotifyReply | str], words: str) -> None:
    answers = asked(*replies)
    assert (answers.silent, answers.vanished) == ([], [])
    assert answers.spared[STALE.address] == words


def test_a_client_that_watches_nothing_any_more_is_not_fenced() -> None:
    assert asked(reply([GATEWAY]), watchers=[GATEWAY]) == asked(watchers=[]) == Answers(vanished=[STALE.address])


def test_an_owner_that_is_gone_is_fenced_where_it_does_not_watch() -> None:
    """But one that lost the lock meanwhile is not."""
    for owner, answers in ((STALE, Answers([STALE.address])), (OTHER, Answers(vanished=[STALE.address])), (None, Answers(vanished=[STALE.address]))):
        watched = [WatchedImage(A, (GATEWAY,), owner)]
        assert judge(replace(question(STALE.address), owners=[STALE.address]), watched, {A: reply([GATEWAY])}) == answers
    assert judge(question(STALE.address), [WatchedImage(A, (GATEWAY,), STALE)], {A: reply([GATEWAY])}) == Answers(vanished=[STALE.address])


def test_an_image_that_cannot_be_read_spares_every_client() -> None:
    watched = [WatchedImage(A, (STALE,)), WatchedImage(B, (), unseen="timed out")]
    answers = judge(question(STALE.address, OTHER.address), watched, {A: reply([], [STALE])})
    assert set(answers.spared.values()) == {reasons.NOT_ASKED.format(reason="timed out")}


def test_a_client_whose_watch_the_osd_dropped_meanwhile_is_gone_by_itself() -> None:
    moved = asked(reply([GATEWAY]))
    assert vanished([STALE.address], [WatchedImage(A, (GATEWAY,))]) == [STALE.address]
    assert vanished([STALE.address], [WatchedImage(A, (GATEWAY, STALE))]) == []
    assert vanished([STALE.address], [WatchedImage(A, (), unseen="timed out")]) == []
    assert moved.without([STALE.address]) == Answers(vanished=[STALE.address])


def test_two_watches_of_one_client_are_one_client() -> None:
    second = Watcher(STALE.address, STALE.client_id, 99)
    answers = asked(reply([second], [STALE]), watchers=[STALE, second])
    assert (answers.silent, list(answers.spared)) == ([], [STALE.address])


def test_a_client_is_fenced_only_while_one_that_served_the_image_when_it_was_looked_at_does_so() -> None:
    words = reasons.SERVER_SILENT.format(image="rbd/b")
    served, silent, newcomer = reply([GATEWAY], [STALE]), reply([], [GATEWAY, STALE]), reply([OTHER], [STALE])
    assert asked(served, silent).spared == asked(served, newcomer, watchers=[OTHER, STALE, GATEWAY]).spared == {STALE.address: words}
    assert asked(newcomer, watchers=[OTHER, STALE], served_by=OTHER).silent == [STALE.address]
    assert judge(Question([STALE.address], ["rbd/a"], 1, {}), [WatchedImage(A, (GATEWAY, STALE))], {A: served}).silent == []


def test_a_client_that_the_operator_names_need_not_be_silent_but_another_must_serve() -> None:
    both = reply([GATEWAY, STALE])
    assert asked(both, named=True) == asked(reply([GATEWAY]), named=True) == Answers([STALE.address])
    assert asked(both, watchers=[GATEWAY], named=True) == Answers(vanished=[STALE.address])
    assert judge(Question([STALE.address], [], 5, {}, named=True), [], {}) == Answers([STALE.address])
    assert asked(reply([STALE]), named=True).silent == asked("no quorum", named=True).silent == []


def test_a_command_that_ended_while_the_client_was_asked_does_not_serve_the_image() -> None:
    question_ = question(STALE.address)
    assert unserved([STALE.address], [WatchedImage(A, (GATEWAY, STALE))], question_.serving) == {}
    lost = unserved([STALE.address], [WatchedImage(A, (OTHER, STALE)), WatchedImage(B, (OTHER,))], question_.serving)
    assert lost == {STALE.address: reasons.SERVER_LEFT.format(image="rbd/a")}
    assert Answers([STALE.address]).sparing(lost) == Answers([], lost)
    unseen = unserved([STALE.address], [WatchedImage(A, (), unseen="timed out")], question_.serving)
    assert unseen == {STALE.address: reasons.SERVICE_UNKNOWN.format(reason="timed out")}


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (reply([OTHER], [STALE]), ""),
        (reply([STALE, OTHER]), reasons.ACKNOWLEDGED.format(image="rbd/b")),
        (reply([], [STALE, OTHER]), reasons.OTHER_IMAGE.format(image="rbd/b")),
        ("no quorum", reasons.NOT_ASKED_ON.format(image="rbd/b", reason="no quorum")),
    ],
)
def test_a_client_must_be_silent_on_all_it_watches_and_not_be_needed_there(there: NotifyReply | str, words: str) -> None:
    question_ = Question([STALE.address], ["rbd/a"], 30, {"rbd/a": [GATEWAY.address]}, ["rbd/b"])
    answers = judge(question_, [WatchedImage(A, (GATEWAY, STALE)), WatchedImage(B, (OTHER, STALE))], {A: reply([GATEWAY], [STALE]), B: there})
    assert (answers.silent == [STALE.address], answers.spared.get(STALE.address, "")) == (not words, words)
    gone = judge(question_, [WatchedImage(A, (GATEWAY,)), WatchedImage(B, (OTHER, STALE))], {A: reply([GATEWAY]), B: reply([OTHER], [STALE])})
    assert gone.vanished == [STALE.address]


def test_clients_of_one_image_are_fenced_together_or_not_at_all() -> None:
    both = Answers([STALE.address], {OTHER.address: "it answered"})
    assert together(both, [WatchedImage(A, (GATEWAY, STALE, OTHER))]).silent == []
    assert together(both, [WatchedImage(A, (GATEWAY, STALE)), WatchedImage(B, (OTHER,))]) == both
    assert together(Answers([STALE.address]), [WatchedImage(A, (STALE,))]) == Answers([STALE.address])


@pytest.mark.parametrize(("acked", "silent"), [([], [STALE.address]), ([OTHER], []), ([STALE], [])], ids=["nobody", "another client", "itself"])
def test_an_image_is_freed_only_while_no_client_responds_on_it(acked: list[Watcher], silent: list[str]) -> None:
    one = WatchedImage(A, (STALE, OTHER))
    asked = Question([STALE.address], ["rbd/a"], 1, {}, named=True, freeing=["rbd/a"])
    assert judge(asked, [one], {A: reply(acked, [STALE])}).silent == silent

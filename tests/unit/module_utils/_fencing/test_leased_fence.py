# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clients are asked together before a fence, and for how long."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.last_question import GONE_TIMEOUT_S, NAMED_TIMEOUT_S, Answers, Question
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.leased_fence import questions, spared_together
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import Look
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.reasons import NOTHING_HEALED

GONE, HUNG, NAMED = ("192.0.2.1:0/1", "192.0.2.2:0/1", "192.0.2.3:0/1")
SERVING = {"rbd/a": ["192.0.2.9:0/1"]}
LOOK = Look(1.0, [GONE, HUNG, NAMED], [GONE], SERVING, {GONE: ["rbd/a", "rbd/x"], HUNG: ["rbd/a", "rbd/b"], NAMED: ["rbd/a"]})
REQUEST = {"images": ["rbd/a"], "patience": 30, "evict": [NAMED]}


def test_each_waits_for_its_own_patience_and_is_asked_where_else_it_might_live() -> None:
    assert questions([GONE, HUNG, NAMED], [GONE], REQUEST, LOOK) == [
        Question([GONE], ["rbd/a"], GONE_TIMEOUT_S, SERVING, owners=[GONE]),
        Question([HUNG], ["rbd/a"], 30, SERVING, ["rbd/b"]),
        Question([NAMED], ["rbd/a"], NAMED_TIMEOUT_S, SERVING, [], named=True),
    ]


def test_only_an_owner_that_is_gone_need_not_watch() -> None:
    """Whether another one lives can only be seen where it watches."""
    assert [list(one.owners) for one in questions([GONE, HUNG, NAMED], [GONE], REQUEST, LOOK)] == [[GONE], [], []]


def test_a_client_that_only_has_no_session_now_gets_the_whole_patience() -> None:
    """As while it looks for another monitor; its lease says since when, all the same."""
    assert [one.timeout_s for one in questions([GONE], [], REQUEST, LOOK)] == [30]


def test_a_named_client_need_not_be_silent_although_it_is_gone() -> None:
    assert [(one.clients, one.named) for one in questions([NAMED], [NAMED], REQUEST, LOOK)] == [([NAMED], True)]
    assert questions([], [], REQUEST, LOOK) == []


def test_a_named_client_is_spared_with_another_one_of_its_images() -> None:
    question = Question([NAMED], ["rbd/a"], 5, SERVING, named=True)
    assert spared_together(question, Answers(spared={HUNG: "it answered"}), LOOK) == {NAMED: NOTHING_HEALED}
    assert spared_together(question, Answers([HUNG]), LOOK) == {}
    assert spared_together(Question([HUNG], ["rbd/a"], 30, SERVING), Answers(spared={GONE: "it is back"}), LOOK) == {}

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several notifies say together."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.evidence import Evidence, Reply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import A, B

IMAGE, OTHER = Image("rbd", "", "a", "1"), Image("rbd", "", "b", "2")
ALL = Sessions({A.address: "gateway1", B.address: "gateway2"})
SILENT, AWAKE = NotifyReply(frozenset({A.key}), frozenset({B.key})), NotifyReply(frozenset({A.key, B.key}), frozenset())


def brought(reply: Reply, at: float = 10.0) -> Evidence:
    return Evidence({IMAGE: reply}, (ALL,), at, {IMAGE: ((at, at + 5),)})


def livenesses(*replies: Reply) -> list[str]:
    found = brought(replies[0])
    for number, reply in enumerate(replies[1:], 1):
        found = found.and_also(brought(reply, 10.0 + 10 * number))
    return [finding.liveness for finding in found.findings(WatchedImage(IMAGE, (A, B)))]


def test_any_answer_clears_a_client() -> None:
    assert livenesses(SILENT, SILENT) == ["alive", "hung"]
    assert livenesses(SILENT, AWAKE, SILENT) == livenesses(AWAKE, SILENT) == ["alive", "alive"]


def test_a_watch_that_went_meanwhile_proves_nothing() -> None:
    assert livenesses(SILENT, NotifyReply(frozenset({A.key}), frozenset())) == ["alive", "unknown"]


def test_a_notify_without_a_reply_proves_nothing() -> None:
    assert livenesses(SILENT, "no quorum") == livenesses("no quorum", SILENT) == ["unknown", "unknown"]


def test_what_is_asked_again_keeps_the_time_and_the_other_images() -> None:
    both = Evidence({IMAGE: SILENT, OTHER: AWAKE}, (ALL,), 10.0, {IMAGE: ((10, 15),), OTHER: ((10, 15),)}).and_also(brought(SILENT, 20.0))
    assert (both.began, both.replies[OTHER], len(both.looks)) == (10.0, AWAKE, 2)
    assert both.asked == {IMAGE: ((10, 15), (20.0, 25.0)), OTHER: ((10, 15),)}
    assert both.then(brought(AWAKE, 30.0)).asked[IMAGE] == ((30.0, 35.0),)

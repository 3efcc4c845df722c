# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which locks are broken, and which stay."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.break_lock import why_kept
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import A, B

IMAGE = Image("rbd", "", "lun", "id-lun")
NOBODY = Sessions({})


def locked(owner: Watcher | None = B, watchers: tuple[Watcher, ...] = (A,), **more: t.Any) -> WatchedImage:
    return WatchedImage(IMAGE, watchers, owner, **more)


def lives(reason: str) -> str:
    return reasons.OWNER_LIVES.format(address=B.address, reason=reason)


def test_the_lock_of_a_fenced_client_that_is_gone_may_go() -> None:
    assert why_kept(locked(), NOBODY, [B.address]) == why_kept(locked(watchers=()), NOBODY, None) == ""


@pytest.mark.parametrize(
    ("one", "seen", "listed", "words"),
    [
        (locked(watchers=(A, B)), NOBODY, [B.address], reasons.OWNER_WATCHES.format(address=B.address)),
        (locked(watchers=(Watcher("192.0.2.9:0/9", B.client_id, 7),)), NOBODY, [B.address], reasons.OWNER_WATCHES.format(address=B.address)),
        (locked(), Sessions({B.address: "gateway2"}), [B.address], lives(reasons.OWNER_HAS_SESSION)),
        (locked(), Sessions({}, frozenset({B.client_id})), [B.address], lives(reasons.OWNER_HAS_SESSION)),
        (locked(), Sessions({}, gap="only 2 of 3 monitors"), [B.address], lives("only 2 of 3 monitors")),
        (locked(), NOBODY, [A.address], reasons.OWNER_NOT_FENCED.format(address=B.address)),
        (locked(None, unseen="timed out"), NOBODY, [B.address], reasons.LOCK_UNREAD.format(reason="timed out")),
    ],
)
def test_any_other_lock_stays(one: WatchedImage, seen: Sessions, listed: list[str], words: str) -> None:
    assert why_kept(one, seen, listed) == words

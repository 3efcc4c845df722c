# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import watcher


def test_what_cannot_be_seen_a_second_time_is_not_seen() -> None:
    one, other = (Image("rbd", "", name, name) for name in ("one", "other"))
    seen = Seen([WatchedImage(one, (watcher(1), watcher(2))), WatchedImage(other, (watcher(3),))], 10)
    moved = WatchedImage(one, (watcher(1),))
    assert seen.then({one: moved}) == Seen([moved, seen.watched[1]], 10)
    lost = WatchedImage(one, (), unseen="Reading the watchers of image 'rbd/one' had no answer in time")
    assert seen.then({one: lost}) == Seen(
        [lost, seen.watched[1]], 10, unseen=1, incomplete=("rbd/one could not be read: Reading the watchers had no answer in time",)
    )

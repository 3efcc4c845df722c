# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import osd_sweep
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory_and_trash import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.match_headers import in_words, to_images
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.trash import Dropped
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import row, watcher

POOL = Directory("rbd", "", {"1": "one"}, frozenset({"old"}), {"9": Dropped("dropped", False)})


TENANT = Directory("rbd", "tenant", {"1": "theirs"})


TWIN = Directory("copy", "", {"1": "one-copied"}, frozenset({"old"}))


def test_each_header_finds_its_image() -> None:
    swept = osd_sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2), row("rbd_header.9", 3), row("rbd_header.1", 4, "tenant"), row("rbd_header.5", 5)]])
    matched = to_images(swept, [POOL, TENANT])
    assert matched.certain == [
        WatchedImage(Image("rbd", "", "one", "1"), (watcher(1),)),
        WatchedImage(Image("rbd", "", "old", ""), (watcher(2),)),
        WatchedImage(Image("rbd", "", "dropped", "9", "trash"), (watcher(3),)),
        WatchedImage(Image("rbd", "tenant", "theirs", "1"), (watcher(4),)),
    ]
    assert matched.strays == [WatchedImage(Image("", "", "", "5", "stray"), (watcher(5),))]
    assert matched.ambiguous == []


def test_a_header_that_may_be_of_two_pools_belongs_to_neither_for_sure() -> None:
    matched = to_images(osd_sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2)]]), [POOL, TWIN])
    assert matched.certain == []
    assert [image.spec for image in matched.ambiguous] == ["rbd/one", "copy/one-copied", "rbd/old", "copy/old"]


def test_a_header_that_fits_both_formats_belongs_to_the_image_that_there_is() -> None:
    place = Directory("rbd", "", {"2": "new"}, frozenset({"rbd_header.1"}))
    assert to_images(osd_sweep.parse([[row("rbd_header.1.rbd", 1)]]), [place]).certain == [WatchedImage(Image("rbd", "", "rbd_header.1", ""), (watcher(1),))]


def test_only_what_a_client_watches() -> None:
    matched = to_images(osd_sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2), row("rbd_header.5", 2)]]), [POOL], {watcher(2).address})
    assert [one.image.header for one in matched.certain + matched.strays] == ["old.rbd", "rbd_header.5"]


def test_a_reason_is_said_once() -> None:
    unseen = [WatchedImage(Image("rbd", "", f"lun{n}", "1"), (), unseen=f"Reading the watchers of image 'rbd/lun{n}' failed") for n in range(5)]
    assert in_words(unseen) == ["rbd/lun0, rbd/lun1, rbd/lun2 and 2 more could not be read: Reading the watchers failed"]

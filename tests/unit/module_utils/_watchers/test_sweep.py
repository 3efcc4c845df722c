# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import sweep
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory_and_trash import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.match_headers import in_words, to_images
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen


def row(name: str, nonce: int, namespace: str = "", entity: str = "client") -> dict[str, Any]:
    """As `ceph tell osd.0 dump_watchers` of Ceph 16.2.15 prints it."""
    return {
        "namespace": namespace,
        "object": name,
        "entity_name": {"type": entity, "num": 4000 + nonce},
        "cookie": 100 + nonce,
        "timeout": 3600,
        "entity_addr_t": {"type": "any", "addr": "192.0.2.7:0", "nonce": nonce},
    }


def watcher(nonce: int) -> Watcher:
    return Watcher(f"192.0.2.7:0/{nonce}", 4000 + nonce, 100 + nonce)


def test_what_the_osds_say() -> None:
    swept = sweep.parse([[row("rbd_header.1", 1), row("rbd_header.1", 2)], [row("old.rbd", 3), row("rbd_header.1", 4, "tenant")]], ["osd.2 did not answer"])
    assert swept.headers == {("", "rbd_header.1"): [watcher(1), watcher(2)], ("", "old.rbd"): [watcher(3)], ("tenant", "rbd_header.1"): [watcher(4)]}
    assert swept.gaps == ["osd.2 did not answer"]


def test_other_objects_are_no_headers() -> None:
    assert sweep.parse([[row("rbd_mirroring", 1), row("rbd_data.1.0", 2), row("rbd_header", 3)]]).headers == {}


def test_ceph_s_own_clients_are_told_apart() -> None:
    swept = sweep.parse([[row("rbd_mirror_leader", 1), row("rbd_header.1", 2, entity="mgr"), row("rbd_header.1", 3)]])
    assert swept.mirrors == {watcher(1).address}
    assert swept.managers == {watcher(2).address}


def test_a_row_of_an_unknown_form_is_a_gap() -> None:
    swept = sweep.parse([[row("rbd_header.1", 1), {"object": "rbd_header.2"}, "rbd_header.3"]])  # type: ignore[list-item]
    assert list(swept.headers) == [("", "rbd_header.1")]
    assert len(swept.gaps) == 2


POOL = Directory("rbd", "", {"1": "one"}, frozenset({"old"}), {"9": "dropped"})
TENANT = Directory("rbd", "tenant", {"1": "theirs"})
TWIN = Directory("copy", "", {"1": "one-copied"}, frozenset({"old"}))


def test_each_header_finds_its_image() -> None:
    swept = sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2), row("rbd_header.9", 3), row("rbd_header.1", 4, "tenant"), row("rbd_header.5", 5)]])
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
    matched = to_images(sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2)]]), [POOL, TWIN])
    assert matched.certain == []
    assert [image.spec for image in matched.ambiguous] == ["rbd/one", "copy/one-copied", "rbd/old", "copy/old"]


def test_a_header_that_fits_both_formats_belongs_to_the_image_that_there_is() -> None:
    place = Directory("rbd", "", {"2": "new"}, frozenset({"rbd_header.1"}))
    assert to_images(sweep.parse([[row("rbd_header.1.rbd", 1)]]), [place]).certain == [WatchedImage(Image("rbd", "", "rbd_header.1", ""), (watcher(1),))]


def test_only_what_a_client_watches() -> None:
    matched = to_images(sweep.parse([[row("rbd_header.1", 1), row("old.rbd", 2), row("rbd_header.5", 2)]]), [POOL], {watcher(2).address})
    assert [one.image.header for one in matched.certain + matched.strays] == ["old.rbd", "rbd_header.5"]


def test_a_directory_counts_its_images_without_the_trash() -> None:
    assert len(POOL) == len(list(POOL.images())) == 2


def test_what_is_no_image_says_so() -> None:
    assert Image("rbd", "", "dropped", "9", "trash").spec == "rbd/dropped in the trash (id 9)"
    assert Image("", "", "", "5", "stray").spec == "the header rbd_header.5 of no known image"
    assert Image("rbd", "tenant", "", "5", "stray").spec == "the header rbd/tenant/rbd_header.5 of no known image"


def test_a_reason_is_said_once() -> None:
    unseen = [WatchedImage(Image("rbd", "", f"lun{n}", "1"), (), unseen=f"Reading the watchers of image 'rbd/lun{n}' failed") for n in range(5)]
    assert in_words(unseen) == ["rbd/lun0, rbd/lun1, rbd/lun2 and 2 more could not be read: Reading the watchers failed"]


def test_what_cannot_be_seen_a_second_time_is_not_seen() -> None:
    one, other = (Image("rbd", "", name, name) for name in ("one", "other"))
    seen = Seen([WatchedImage(one, (watcher(1), watcher(2))), WatchedImage(other, (watcher(3),))], 10)
    moved = WatchedImage(one, (watcher(1),))
    assert seen.then({one: moved}) == Seen([moved, seen.watched[1]], 10)
    lost = WatchedImage(one, (), unseen="Reading the watchers of image 'rbd/one' had no answer in time")
    assert seen.then({one: lost}) == Seen(
        [lost, seen.watched[1]], 10, unseen=1, incomplete=("rbd/one could not be read: Reading the watchers had no answer in time",)
    )

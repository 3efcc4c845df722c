# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import osd_sweep
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import row, watcher


def test_what_the_osds_say() -> None:
    swept = osd_sweep.parse([[row("rbd_header.1", 1), row("rbd_header.1", 2)], [row("old.rbd", 3), row("rbd_header.1", 4, "tenant")]], ["osd.2 did not answer"])
    assert swept.headers == {("", "rbd_header.1"): [watcher(1), watcher(2)], ("", "old.rbd"): [watcher(3)], ("tenant", "rbd_header.1"): [watcher(4)]}
    assert swept.gaps == ["osd.2 did not answer"]


def test_other_objects_are_no_headers() -> None:
    assert osd_sweep.parse([[row("rbd_mirroring", 1), row("rbd_data.1.0", 2), row("rbd_header", 3)]]).headers == {}


def test_ceph_s_own_clients_are_told_apart() -> None:
    swept = osd_sweep.parse([[row("rbd_mirror_leader", 1), row("rbd_header.1", 2, entity="mgr"), row("rbd_header.1", 3)]])
    assert swept.mirrors == {watcher(1).address}
    assert swept.managers == {watcher(2).address}


def test_a_row_of_an_unknown_form_is_a_gap() -> None:
    swept = osd_sweep.parse([[row("rbd_header.1", 1), {"object": "rbd_header.2"}, "rbd_header.3"]])  # type: ignore[list-item]
    assert list(swept.headers) == [("", "rbd_header.1")]
    assert len(swept.gaps) == 2

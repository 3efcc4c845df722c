# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image


def test_headers() -> None:
    assert Image("rbd", "", "lun", "7mjm6dk28jaj3").header == "rbd_header.7mjm6dk28jaj3"
    assert Image("rbd", "", "old", "").header == "old.rbd"
    assert Image("rbd", "tenant", "lun", "1").spec == "rbd/tenant/lun"


def test_what_is_no_image_says_so() -> None:
    assert Image("rbd", "", "dropped", "9", "trash").spec == "rbd/dropped in the trash (id 9)"
    assert Image("", "", "", "5", "stray").spec == "the header rbd_header.5 of no known image"
    assert Image("rbd", "tenant", "", "5", "stray").spec == "the header rbd/tenant/rbd_header.5 of no known image"

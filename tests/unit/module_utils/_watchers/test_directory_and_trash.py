# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory_and_trash import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.trash import Dropped


def test_a_directory_counts_its_images_without_the_trash() -> None:
    place = Directory("rbd", "", {"1": "one"}, frozenset({"old"}), {"9": Dropped("dropped", False)})
    assert len(place) == len(list(place.images())) == 2

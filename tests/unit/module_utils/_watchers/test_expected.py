# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.expected import Expected

RULES = [{"pattern": "rbd/mirrored-*", "watchers": 2}, {"pattern": "rbd/*", "watchers": 3}]


@pytest.mark.parametrize(("spec", "number"), [("rbd/mirrored-1", 2), ("rbd/lun", 3), ("rbd/tenant/lun", 3), ("other/lun", 1), ("other/rbd/lun", 1)])
def test_the_first_pattern_that_matches_counts(spec: str, number: int) -> None:
    assert Expected.from_options({"expected": 1, "expected_for": RULES}).of(spec) == number


@pytest.mark.parametrize(("default", "special"), [(0, 1), (1, 0), (-1, 5)])
def test_every_served_image_has_a_watcher(default: int, special: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        Expected.from_options({"expected": default, "expected_for": [{"pattern": "*", "watchers": special}]})

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.in_flight import Counters, between


@pytest.mark.parametrize(
    ("before", "after", "still_for"),
    [
        (Counters(0, 6, 50), Counters(0, 6, 50), 1.0),
        (Counters(0, 6, 50), Counters(1, 6, 50), 1.0),
        (Counters(0, 6, 50), Counters(0, 6, 51), 0.0),
        (Counters(0, 0, 50), Counters(0, 6, 50), 0.0),
        (Counters(0, 6, 50), Counters(0, 0, 56), 0.0),
    ],
)
def test_what_stands_still(before: Counters, after: Counters, still_for: float) -> None:
    assert between(before, after, 1.04) == {"reads": after.reads, "writes": after.writes, "still_for": still_for}

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time of an OSD map."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.interval import stamp
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


@pytest.mark.parametrize("text", ["2026-11-29T15:13:25.500000+0000", "2026-11-29T17:13:25.500000+0200"])
def test_the_time_of_a_map(text: str) -> None:
    assert stamp({"epoch": 14, "modified": text}, 0) == 1795965205.5


def test_the_time_of_a_map_of_nautilus_has_no_offset() -> None:
    """So it is taken for the newest that it can be, in whatever zone."""
    for hours in (-10, 0, 5.5, 14):
        local = 1795965205.5 + hours * 3600
        text = datetime.fromtimestamp(local, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")
        assert stamp({"modified": text}, 1795965210.5) == 1795965205.5


@pytest.mark.parametrize("dump", [None, [], {}, {"modified": 7}, {"modified": "0.000000"}])
def test_a_map_without_a_time(dump: t.Any) -> None:
    with pytest.raises(ClusterError, match="has an unknown form"):
        stamp(dump, 0)

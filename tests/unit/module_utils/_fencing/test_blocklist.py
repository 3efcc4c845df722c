# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist, parse


@pytest.mark.parametrize("word", ["blocklist", "blacklist"])
def test_both_spellings(word: str) -> None:
    assert parse({word: {"[2001:DB8::1]:0/5": "then"}}) == Blocklist(word, {"[2001:db8::1]:0/5": "then"})


@pytest.mark.parametrize(
    ("printed", "until"),
    [
        ("2026-11-22T19:41:20.955170+0100", "2026-11-22T18:41:20.955170+0000"),
        ("2026-11-22T18:41:20.955170+0000", "2026-11-22T18:41:20.955170+0000"),
        ("2026-11-22 19:41:20.955170", "2026-11-22 19:41:20.955170"),
        ("0001-01-01T00:00:00.000000+1400", "0001-01-01T00:00:00.000000+1400"),
        ("then", "then"),
    ],
)
def test_each_monitor_prints_the_time_in_its_own_zone(printed: str, until: str) -> None:
    assert parse({"blocklist": {"192.0.2.1:0/1": printed}}).entries == {"192.0.2.1:0/1": until}


def test_a_release_with_neither_is_an_error() -> None:
    with pytest.raises(ClusterError, match="neither"):
        parse({"epoch": 1})


def test_whole_hosts_and_networks_fence_too() -> None:
    """From ``osd dump`` of Ceph 16.2.15."""
    listed = parse({"blocklist": {"192.0.2.7:0/0": "then"}, "range_blocklist": {"cidr:192.0.2.0:0/24": "later", "cidr:[2001:db8::]:0/64": "then"}})
    assert listed.ranges == {"192.0.2.0/24": "later", "2001:db8::/64": "then"}
    assert listed.fencing("192.0.2.7:0/5") == [("192.0.2.7:0/0", "then"), ("192.0.2.0/24", "later")]
    assert listed.fencing("192.0.3.7:0/5") == []

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times and addresses in a sentence of the report."""

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report.marked import marked


# The last as Ceph 14 prints it, in the monitor's local time.
@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("2026-11-22T18:41:20.955170+0000", "2026-11-22 18:41:20 UTC"),
        ("2026-11-22T18:41:20+00:00", "2026-11-22 18:41:20 UTC"),
        ("2026-11-22T18:41:20Z", "2026-11-22 18:41:20 UTC"),
        ("2026-11-22 19:41:20.955170 +0100", "2026-11-22 19:41:20 +0100"),
        ("2026-11-23 03:41:20.955170", "2026-11-23 03:41:20"),
    ],
)
def test_a_time_is_one_element_without_its_fraction(told: str, shown: str) -> None:
    assert marked(f"until {told}: why") == f"until <time>{shown}</time>: why"


@pytest.mark.parametrize("address", ["192.0.2.7:0/1193546917", "[2001:db8::7]:0/1193546917"])
def test_an_address_is_code(address: str) -> None:
    assert marked(f"{address} is gone, {address}") == f"<code>{address}</code> is gone, <code>{address}</code>"


@pytest.mark.parametrize("text", ["", "later", "192.0.2.7", "192.0.2.10:3260", "20261122T184120", 22.8])
def test_all_else_stays_as_it_is(text: str | float) -> None:
    assert marked(text) == str(text)


def test_what_is_around_them_is_escaped() -> None:
    assert marked("<b> 192.0.2.7:0/1 & <i>") == "&lt;b&gt; <code>192.0.2.7:0/1</code> &amp; &lt;i&gt;"

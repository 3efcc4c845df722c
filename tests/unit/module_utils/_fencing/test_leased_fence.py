# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is asked together before a fence, and for how long."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.leased_fence import GONE_TIMEOUT_S, batches

GONE, HUNG, HUNTING, NAMED = (Lease(f"192.0.2.{number}:0/1", "run", "why", 1.0, 60, gone_since=since) for number, since in enumerate((1.0, 0.0, 9.0, 0.0)))


def test_each_waits_for_its_own_patience() -> None:
    parts = batches([GONE, HUNG, NAMED], [GONE.address], [NAMED.address], 30)
    assert parts == [([NAMED], 0), ([GONE], GONE_TIMEOUT_S), ([HUNG], 30)]


def test_a_client_that_only_has_no_session_now_gets_the_whole_patience() -> None:
    """As while it looks for another monitor; its lease says since when, all the same."""
    assert batches([HUNTING], [], [], 30) == [([HUNTING], 30)]


def test_a_named_client_is_not_asked_although_it_is_gone() -> None:
    assert batches([GONE], [GONE.address], [GONE.address], 30) == [([GONE], 0)]
    assert batches([], [], [], 30) == []

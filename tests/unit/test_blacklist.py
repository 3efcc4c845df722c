# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.blacklist import Blacklist, parse
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.fencing import plan_restore
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.lease import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

DEAD, LIVING, EXPIRED = "192.0.2.1:0/1", "192.0.2.2:0/2", "192.0.2.3:0/3"
LISTED = Blacklist("blocklist", {DEAD: "2026-11-22T19:00:00.000000+0000", LIVING: "2026-11-22T19:00:00.000000+0000", "192.0.2.9:0/9": "later"})
LEASES = {client: Lease(client, "run", "why", 0.0, 3600) for client in (DEAD, LIVING, EXPIRED)}
SEEN = Sessions({LIVING: "gateway2"})


@pytest.mark.parametrize("word", ["blocklist", "blacklist"])
def test_both_spellings(word: str) -> None:
    assert parse({word: {"[2001:DB8::1]:0/5": "then"}}) == Blacklist(word, {"[2001:db8::1]:0/5": "then"})


def test_a_release_with_neither_is_an_error() -> None:
    with pytest.raises(ClusterError, match="neither"):
        parse({"epoch": 1})


def test_only_the_dead_are_let_in_again() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, [SEEN, SEEN])
    assert plan.remove == [DEAD]
    assert plan.close == [DEAD, EXPIRED]
    assert [(kept["address"], kept["host"]) for kept in plan.keep] == [(LIVING, "gateway2")]


def test_a_client_that_one_look_shows_is_not_gone() -> None:
    assert plan_restore("rbd", LEASES, LISTED, [Sessions({LIVING: "gateway2", DEAD: "gateway1"}), SEEN]).remove == []


def test_without_full_sight_nobody_is_let_in() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, [Sessions({}, gap="only 2 of 3 monitors are in quorum")])
    assert plan.remove == []
    assert "only 2 of 3" in plan.keep[0]["reason"]


def test_without_looks_all_leases_end_but_nobody_elses_entry() -> None:
    assert plan_restore("rbd", LEASES, LISTED, []).remove == [DEAD, LIVING]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions, in_quorum, parse, union

# Cut from `ceph tell mon.a sessions` of Ceph 16.2.15.
SESSIONS = [
    {"name": "mon.0", "socket_addr": {"type": "none", "addr": "(unrecognized address family 0)", "nonce": 0}, "global_id": 0, "remote_host": ""},
    {"name": "osd.0", "socket_addr": {"type": "v2", "addr": "127.0.0.1:21400", "nonce": 4346}, "global_id": 4103, "remote_host": "gateway1"},
    {"name": "client.?", "socket_addr": {"type": "any", "addr": "127.0.0.1:0", "nonce": 368919026}, "global_id": 4110, "remote_host": "gateway1"},
    {"name": "client.?", "socket_addr": {"type": "v1", "addr": "[2001:0db8::1]:0", "nonce": 5}, "global_id": 4111, "remote_host": "gateway2"},
]


def test_clients_are_known_by_address() -> None:
    look = parse(SESSIONS)
    assert look.hosts["127.0.0.1:0/368919026"] == "gateway1"
    assert look.hosts["[2001:db8::1]:0/5"] == "gateway2"
    assert look.ids == {4103, 4110, 4111}
    assert look.gap == ""


def test_a_client_is_missing_only_on_full_sight() -> None:
    assert Sessions({}).missing("192.0.2.7:0/5")
    assert not Sessions({"192.0.2.7:0/5": "gateway1"}).missing("192.0.2.7:0/5")
    assert not Sessions({}, frozenset({4133})).missing("192.0.2.7:0/5", 4133)
    assert not Sessions({}, gap="only 2 of 3 monitors are in quorum").missing("192.0.2.7:0/5")


@pytest.mark.parametrize("sessions", [None, [], [{"global_id": 4}], [{"global_id": 4, "socket_addr": {"addr": "-", "nonce": 0}}]])
def test_sessions_that_cannot_be_read_prove_no_client_gone(sessions: list[dict[str, Any]] | None) -> None:
    assert parse(sessions).gap
    assert not parse(sessions).missing("192.0.2.7:0/5")


def test_all_monitors_together() -> None:
    both = union([Sessions({"192.0.2.7:0/5": "one"}, frozenset({1})), Sessions({}, frozenset({2}), gap="why")])
    assert both == Sessions({"192.0.2.7:0/5": "one"}, frozenset({1, 2}), "why")


@pytest.mark.parametrize(
    ("names", "age", "complete"),
    [
        # All monitors are there, but one might have restarted a moment ago: a client that is stopped has not come back to it.
        (["a", "b", "c"], 1, False),
        (["a", "b", "c"], 299.9, False),
        (["a", "b", "c"], 300, True),
        (["a", "b"], 299, False),
        (["a", "b"], 300, True),
        (["a", "b", "c"], None, False),
    ],
)
def test_a_client_without_a_session_is_gone_only_if_the_quorum_is_old_enough(names: list[str], age: float | None, complete: bool) -> None:
    status = {"quorum_names": names, "monmap": {"mons": [{"name": name} for name in "abc"]}, **({} if age is None else {"quorum_age": age})}
    asked, gap = in_quorum(status, 300)
    assert asked == names
    assert (gap == "") is complete

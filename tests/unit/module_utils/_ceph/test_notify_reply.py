# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply, decode
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# Taken from Ceph 16.2.15: client 4129 acknowledged with four bytes, client 4133 timed out.
REPLY = bytes.fromhex("01000000211000000000000000160074157f00000a00000001010400000000000000010000002510000000000000001600c0427f0000")


def test_a_real_reply() -> None:
    reply = decode(REPLY)
    assert reply.acked == {(4129, 0x7F1574001600)}
    assert reply.timed_out == {(4133, 0x7F42C0001600)}


def test_no_client_watches() -> None:
    assert decode(bytes(8)) == decode(b"\0\0\0\0\0\0\0\0")
    assert not decode(bytes(8)).acked


@pytest.mark.parametrize("length", range(len(REPLY)))
def test_a_reply_cut_short_is_an_error_and_never_a_guess(length: int) -> None:
    with pytest.raises(ClusterError, match="cut short"):
        decode(REPLY[:length])


def test_a_length_beyond_the_end_is_an_error() -> None:
    with pytest.raises(ClusterError):
        decode(REPLY[:20] + b"\xff\xff\xff\xff" + REPLY[24:])


A, B, C, D = ((number, number) for number in range(4))


def test_a_watcher_is_silent_only_where_it_let_both_notifies_time_out() -> None:
    first, later = NotifyReply(frozenset({A}), frozenset({B, C})), NotifyReply(frozenset({B}), frozenset({A, D}))
    assert first.and_also(later) == NotifyReply(frozenset({A, B}), frozenset())
    assert first.and_also(first) == first

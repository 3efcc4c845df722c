# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decodes the reply to a notify: which watchers acknowledged it, and which let it time out."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


@dataclass(frozen=True)
class NotifyReply:
    """Holds two sets of (client id, cookie)."""

    acked: frozenset[tuple[int, int]]
    timed_out: frozenset[tuple[int, int]]

    def and_also(self, later: NotifyReply) -> NotifyReply:
        """Returns what both replies say: the watchers that acknowledged one of them, and those that let both time out."""
        acked = self.acked | later.acked
        return NotifyReply(acked, (self.timed_out & later.timed_out) - acked)


def decode(reply: bytes) -> NotifyReply:
    """Decodes what ``rados_notify2`` hands back.

    u32 n; n x (u64 client id, u64 cookie, u32 length, bytes); u32 m; m x (u64 client id, u64 cookie);
    little-endian (``WatchNotify::maybe_complete_notify`` in Ceph's src/osd/Watch.cc). Raises ClusterError when cut short.
    """
    try:
        acked, offset = _acks(reply)
        timed_out = _misses(reply, offset)
    except struct.error as error:
        raise ClusterError(f"A notify's reply of {len(reply)} bytes is cut short: rerun.") from error
    return NotifyReply(frozenset(acked), frozenset(timed_out))


def _acks(reply: bytes) -> tuple[list[tuple[int, int]], int]:
    (count,) = struct.unpack_from("<I", reply, 0)
    offset, acks = 4, []
    for _number in range(count):
        client, cookie, length = struct.unpack_from("<QQI", reply, offset)
        acks.append((client, cookie))
        offset += 20 + length
    return acks, offset


def _misses(reply: bytes, offset: int) -> list[tuple[int, int]]:
    (count,) = struct.unpack_from("<I", reply, offset)
    start = offset + 4
    return [struct.unpack_from("<QQ", reply, start + 16 * number) for number in range(count)]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decodes the data that READ CAPACITY, MODE SENSE, PERSISTENT RESERVE IN and the page of block limits return. Pure: SPC-4 and SBC-3 name the sections."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# SPC-4 6.15.3.3, "persistent reservation type codes".
_PERSISTENT_TYPES = {
    1: "write exclusive",
    3: "exclusive access",
    5: "write exclusive, registrants only",
    6: "exclusive access, registrants only",
    7: "write exclusive, all registrants",
    8: "exclusive access, all registrants",
}

_BLOCK_LIMITS, _CACHING = 0xB0, 0x08


@dataclass(frozen=True)
class Capacity:
    """Holds the number of the last block, and bytes in a block."""

    last_block: int
    block_length: int


def decode_capacity(data: bytes) -> Capacity | None:
    """Decodes READ CAPACITY(16) parameter data (SBC-3 5.16.2); None if cut short or impossible."""
    if len(data) < 12:
        return None
    last_block, block_length = struct.unpack_from(">QI", data)
    return Capacity(last_block, block_length) if 0 < block_length <= 65536 else None


def decode_compare_and_write_blocks(page: bytes) -> int:
    """Returns how many blocks one COMPARE AND WRITE takes, 0 if the LUN does not say (block limits VPD page B0h, SBC-3 6.6.4)."""
    return page[5] if len(page) > 5 and page[1] == _BLOCK_LIMITS else 0


def decode_write_cache(data: bytes) -> bool | None:
    """Returns whether the LUN has a write cache that is on, None if it does not say (WCE of the caching mode page, SBC-3 6.5.5)."""
    page = 4 + data[3] if len(data) > 3 else 0
    return bool(data[page + 2] & 0x04) if 0 < page < len(data) - 2 and data[page] & 0x3F == _CACHING else None


def decode_registrants(data: bytes) -> list[str]:
    """Returns the registered keys of READ KEYS parameter data, in hex (SPC-4 6.15.2)."""
    if len(data) < 8:
        return []
    length = min(struct.unpack_from(">I", data, 4)[0], len(data) - 8)
    return [data[start : start + 8].hex() for start in range(8, 8 + length - length % 8, 8)]


def count_registrants(data: bytes) -> int:
    """Returns how many keys READ KEYS parameter data counts, also those without room in it (SPC-4 6.15.2)."""
    return int(struct.unpack_from(">I", data, 4)[0]) // 8 if len(data) >= 8 else 0


def decode_reservation(data: bytes) -> dict[str, str]:
    """Returns C(key) in hex and C(type) of READ RESERVATION parameter data; empty without a persistent reservation (SPC-4 6.15.3)."""
    if len(data) < 22 or not struct.unpack_from(">I", data, 4)[0]:
        return {}
    kind = data[21] & 0x0F
    return {"key": data[8:16].hex(), "type": _PERSISTENT_TYPES.get(kind, f"type {kind:x}")}

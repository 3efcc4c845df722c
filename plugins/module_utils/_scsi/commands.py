# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes SCSI commands as bytes. Pure: SPC-4 and SBC-3 name the sections."""

from __future__ import annotations

import struct
from dataclasses import dataclass

# Room for 1024 keys of 8 bytes behind the header.
_KEYS_LENGTH = 8 + 1024 * 8


@dataclass(frozen=True)
class Command:
    """Holds a CDB with the bytes it reads (``read_length``) or sends (``data``)."""

    name: str
    cdb: bytes
    read_length: int = 0
    data: bytes = b""


def inquiry(page: int | None = None, length: int = 255) -> Command:
    """Makes a standard INQUIRY, or one vital product data page (SPC-4 6.6)."""
    cdb = struct.pack(">BBBHB", 0x12, page is not None, page or 0, length, 0)
    return Command("inquiry" if page is None else f"inquiry_vpd_{page:02x}", cdb, length)


def test_unit_ready() -> Command:
    """Makes a TEST UNIT READY (SPC-4 6.47)."""
    return Command("test_unit_ready", bytes(6))


def pr_read_keys() -> Command:
    """Makes a PERSISTENT RESERVE IN, READ KEYS (SPC-4 6.15.2)."""
    return Command("pr_read_keys", struct.pack(">BB5xHB", 0x5E, 0, _KEYS_LENGTH, 0), _KEYS_LENGTH)


def pr_read_reservation() -> Command:
    """Makes a PERSISTENT RESERVE IN, READ RESERVATION (SPC-4 6.15.3)."""
    return Command("pr_read_reservation", struct.pack(">BB5xHB", 0x5E, 1, 24, 0), 24)


def reserve() -> Command:
    """Makes a RESERVE(6) of the whole unit (SPC-2 7.21)."""
    return Command("reserve", bytes((0x16, 0, 0, 0, 0, 0)))


def release() -> Command:
    """Makes a RELEASE(6); it is harmless for an initiator that holds nothing (SPC-2 7.18)."""
    return Command("release", bytes((0x17, 0, 0, 0, 0, 0)))


def read_capacity() -> Command:
    """Makes a READ CAPACITY(16) (SBC-3 5.16)."""
    return Command("read_capacity", struct.pack(">BB8xIBB", 0x9E, 0x10, 32, 0, 0), 32)


def mode_sense_caching() -> Command:
    """Makes a MODE SENSE(6) of the caching mode page, without block descriptors (SPC-4 6.11, SBC-3 6.5.5)."""
    return Command("mode_sense_caching", bytes((0x1A, 0x08, 0x08, 0, 255, 0)), 255)


def read(block: int, block_length: int) -> Command:
    """Makes a READ(10) of one block, or a READ(16) beyond its reach (SBC-3 5.11, 5.13)."""
    if block > 0xFFFFFFFF:
        return Command("read", struct.pack(">BBQIBB", 0x88, 0, block, 1, 0, 0), block_length)
    return Command("read", struct.pack(">BBIBHB", 0x28, 0, block, 0, 1, 0), block_length)


def synchronize_cache() -> Command:
    """Makes a SYNCHRONIZE CACHE(10) of the whole unit; it changes no block (SBC-3 5.22)."""
    return Command("flush", struct.pack(">BBIBHB", 0x35, 0, 0, 0, 0, 0))


def compare_and_write(block: int, content: bytes) -> Command:
    """Makes a COMPARE AND WRITE of one block with its own content: late or not, it changes nothing (SBC-3 5.2)."""
    return Command("ats", struct.pack(">BBQ3xBBB", 0x89, 0, block, 1, 0, 0), data=content + content)


def orwrite_zeros(block: int, block_length: int) -> Command:
    """Makes an ORWRITE(16) of zeros to one block: x OR 0 is x (SBC-3 5.7)."""
    return Command("orwrite", struct.pack(">BBQIBB", 0x8B, 0, block, 1, 0, 0), data=bytes(block_length))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SCSI commands as bytes, and what a device's answer means. Pure: SPC-4 and SBC-3 name the sections."""

from __future__ import annotations

import struct
import typing as t
from dataclasses import dataclass

GOOD, CHECK_CONDITION, BUSY, RESERVATION_CONFLICT, TASK_SET_FULL = 0x00, 0x02, 0x08, 0x18, 0x28

# SAM-5, table "status codes".
_STATUS = {
    GOOD: "good",
    CHECK_CONDITION: "check_condition",
    0x04: "condition_met",
    BUSY: "busy",
    RESERVATION_CONFLICT: "reservation_conflict",
    TASK_SET_FULL: "task_set_full",
    0x30: "aca_active",
    0x40: "task_aborted",
}

NO_SENSE, NOT_READY, ILLEGAL_REQUEST, UNIT_ATTENTION, DATA_PROTECT, MISCOMPARE = 0x0, 0x2, 0x5, 0x6, 0x7, 0xE

# Room for 1024 keys of 8 bytes behind the header.
_KEYS_LENGTH = 8 + 1024 * 8

# SPC-4 4.5.6, "sense key descriptions".
_SENSE_KEYS = (
    "no sense",
    "recovered error",
    "not ready",
    "medium error",
    "hardware error",
    "illegal request",
    "unit attention",
    "data protect",
    "blank check",
    "vendor specific",
    "copy aborted",
    "aborted command",
    "reserved",
    "volume overflow",
    "miscompare",
    "completed",
)

# SPC-4 6.15.3.3, "persistent reservation type codes".
_PERSISTENT_TYPES = {
    1: "write exclusive",
    3: "exclusive access",
    5: "write exclusive, registrants only",
    6: "exclusive access, registrants only",
    7: "write exclusive, all registrants",
    8: "exclusive access, all registrants",
}


@dataclass(frozen=True)
class Command:
    """A CDB with the bytes it reads (``read_length``) or sends (``data``)."""

    name: str
    cdb: bytes
    read_length: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Sense:
    """Sense key and additional sense code with its qualifier (SPC-4 4.5)."""

    key: int
    asc: int
    ascq: int

    def __str__(self) -> str:
        return f"{_SENSE_KEYS[self.key]} {self.key:x}/{self.asc:02x}/{self.ascq:02x}"


@dataclass(frozen=True)
class Reply:
    """A device's answer: SCSI status, the data it returned, and the sense of a check condition."""

    status: int
    data: bytes = b""
    sense: Sense | None = None

    def is_sense(self, *keys: int) -> bool:
        """Whether this is a check condition with one of these sense keys."""
        return self.status == CHECK_CONDITION and self.sense is not None and self.sense.key in keys


def status_name(status: int) -> str:
    """A SCSI status in words."""
    return _STATUS.get(status, f"status_0x{status:02x}")


def decode_sense(data: bytes) -> Sense | None:
    """Fixed (70h, 71h) and descriptor (72h, 73h) format; None for anything else or too short (SPC-4 4.5.2, 4.5.3)."""
    code = data[0] & 0x7F if data else 0
    if code in (0x70, 0x71) and len(data) >= 14:
        return Sense(data[2] & 0x0F, data[12], data[13])
    if code in (0x70, 0x71) and len(data) >= 3:
        return Sense(data[2] & 0x0F, 0, 0)
    if code in (0x72, 0x73) and len(data) >= 4:
        return Sense(data[1] & 0x0F, data[2], data[3])
    return None


def inquiry(page: int | None = None, length: int = 255) -> Command:
    """Standard INQUIRY, or one vital product data page (SPC-4 6.6)."""
    cdb = struct.pack(">BBBHB", 0x12, page is not None, page or 0, length, 0)
    return Command("inquiry" if page is None else f"inquiry_vpd_{page:02x}", cdb, length)


def test_unit_ready() -> Command:
    """TEST UNIT READY (SPC-4 6.47)."""
    return Command("test_unit_ready", bytes(6))


def pr_read_keys() -> Command:
    """PERSISTENT RESERVE IN, READ KEYS (SPC-4 6.15.2)."""
    return Command("pr_read_keys", struct.pack(">BB5xHB", 0x5E, 0, _KEYS_LENGTH, 0), _KEYS_LENGTH)


def pr_read_reservation() -> Command:
    """PERSISTENT RESERVE IN, READ RESERVATION (SPC-4 6.15.3)."""
    return Command("pr_read_reservation", struct.pack(">BB5xHB", 0x5E, 1, 24, 0), 24)


def reserve() -> Command:
    """RESERVE(6) of the whole unit (SPC-2 7.21)."""
    return Command("reserve", bytes((0x16, 0, 0, 0, 0, 0)))


def release() -> Command:
    """RELEASE(6); harmless for who holds nothing (SPC-2 7.18)."""
    return Command("release", bytes((0x17, 0, 0, 0, 0, 0)))


def read_capacity() -> Command:
    """READ CAPACITY(16) (SBC-3 5.16)."""
    return Command("read_capacity", struct.pack(">BB8xIBB", 0x9E, 0x10, 32, 0, 0), 32)


def read(block: int, block_length: int) -> Command:
    """READ(10) of one block, READ(16) beyond its reach (SBC-3 5.11, 5.13)."""
    if block > 0xFFFFFFFF:
        return Command("read", struct.pack(">BBQIBB", 0x88, 0, block, 1, 0, 0), block_length)
    return Command("read", struct.pack(">BBIBHB", 0x28, 0, block, 0, 1, 0), block_length)


def synchronize_cache() -> Command:
    """SYNCHRONIZE CACHE(10) of the whole unit; it changes no block (SBC-3 5.22)."""
    return Command("flush", struct.pack(">BBIBHB", 0x35, 0, 0, 0, 0, 0))


def compare_and_write(block: int, content: bytes) -> Command:
    """COMPARE AND WRITE of one block with what it holds: late or not, it changes nothing (SBC-3 5.2)."""
    return Command("ats", struct.pack(">BBQ3xBBB", 0x89, 0, block, 1, 0, 0), data=content + content)


def orwrite_zeros(block: int, block_length: int) -> Command:
    """ORWRITE(16) of zeros to one block: x OR 0 is x (SBC-3 5.7)."""
    return Command("orwrite", struct.pack(">BBQIBB", 0x8B, 0, block, 1, 0, 0), data=bytes(block_length))


@dataclass(frozen=True)
class Capacity:
    """Number of the last block, and bytes in a block."""

    last_block: int
    block_length: int


def decode_capacity(data: bytes) -> Capacity | None:
    """READ CAPACITY(16) parameter data (SBC-3 5.16.2); None when cut short or senseless."""
    if len(data) < 12:
        return None
    last_block, block_length = struct.unpack_from(">QI", data)
    return Capacity(last_block, block_length) if 0 < block_length <= 65536 else None


def decode_registrants(data: bytes) -> list[str]:
    """The registered keys of READ KEYS parameter data, in hex (SPC-4 6.15.2)."""
    if len(data) < 8:
        return []
    length = min(struct.unpack_from(">I", data, 4)[0], len(data) - 8)
    return [data[start : start + 8].hex() for start in range(8, 8 + length - length % 8, 8)]


def count_registrants(data: bytes) -> int:
    """How many keys READ KEYS parameter data speaks of, also those that had no room in it (SPC-4 6.15.2)."""
    return int(struct.unpack_from(">I", data, 4)[0]) // 8 if len(data) >= 8 else 0


def decode_reservation(data: bytes) -> dict[str, str]:
    """C(key) in hex and C(type) of READ RESERVATION parameter data; empty when nobody holds the LUN persistently (SPC-4 6.15.3)."""
    if len(data) < 22 or not struct.unpack_from(">I", data, 4)[0]:
        return {}
    kind = data[21] & 0x0F
    return {"key": data[8:16].hex(), "type": _PERSISTENT_TYPES.get(kind, f"type {kind:x}")}


def decode_identity(standard: bytes, serial_page: bytes, device_page: bytes) -> dict[str, t.Any]:
    """Who the LUN says it is: vendor, product, revision (SPC-4 6.6.2), serial (7.8.17), eui and naa in hex (7.8.6)."""
    text = standard.ljust(36, b" ")
    identity: dict[str, t.Any] = {"vendor": _text(text[8:16]), "product": _text(text[16:32]), "revision": _text(text[32:36])}
    identity["serial"] = _text(serial_page[4 : 4 + serial_page[3]]) if len(serial_page) > 4 else ""
    identity["eui"] = identity["naa"] = ""
    for kind, name in _designators(device_page):
        if kind in (2, 3):
            identity["eui" if kind == 2 else "naa"] = name.hex()
    return identity


def _designators(page: bytes) -> t.Iterator[tuple[int, bytes]]:
    """(type, bytes) of the binary designators of the logical unit."""
    offset = 4
    while offset + 4 <= len(page):
        code_set, kind, length = page[offset] & 0x0F, page[offset + 1], page[offset + 3]
        if code_set == 1 and not kind & 0x30:
            yield kind & 0x0F, page[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _text(raw: bytes) -> str:
    return "".join(character if character.isprintable() else "?" for character in raw.decode("latin-1").strip(" \0"))

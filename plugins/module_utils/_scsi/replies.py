# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds a device's reply to a command: its SCSI status, and the sense with its cause. Pure: SAM-5 and SPC-4 name the sections."""

from __future__ import annotations

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


@dataclass(frozen=True)
class Sense:
    """Holds the sense key and additional sense code with its qualifier (SPC-4 4.5)."""

    key: int
    asc: int
    ascq: int

    def __str__(self) -> str:
        return f"{_SENSE_KEYS[self.key]} {self.key:x}/{self.asc:02x}/{self.ascq:02x}"


@dataclass(frozen=True)
class Reply:
    """Holds a device's answer: SCSI status, the data it returned, and the sense of a check condition."""

    status: int
    data: bytes = b""
    sense: Sense | None = None

    def is_sense(self, *keys: int) -> bool:
        """Returns whether this is a check condition with one of these sense keys."""
        return self.status == CHECK_CONDITION and self.sense is not None and self.sense.key in keys


def status_name(status: int) -> str:
    """Returns a SCSI status in words."""
    return _STATUS.get(status, f"status_0x{status:02x}")


def decode_sense(data: bytes) -> Sense | None:
    """Decodes the fixed (70h, 71h) and descriptor (72h, 73h) format; None for other or short data (SPC-4 4.5.2, 4.5.3)."""
    code = data[0] & 0x7F if data else 0
    if code in (0x70, 0x71) and len(data) >= 14:
        return Sense(data[2] & 0x0F, data[12], data[13])
    if code in (0x70, 0x71) and len(data) >= 3:
        return Sense(data[2] & 0x0F, 0, 0)
    if code in (0x72, 0x73) and len(data) >= 4:
        return Sense(data[1] & 0x0F, data[2], data[3])
    return None

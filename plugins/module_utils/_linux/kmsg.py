# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kernel log: records of /dev/kmsg since a mark, and lines of a log file as the same records.

Source: Documentation/ABI/testing/dev-kmsg of Linux.
"""

from __future__ import annotations

import errno
import os
import re
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, KernelError

_DEVICE = "/dev/kmsg"
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
# More than a record can be: PRINTKRB_RECORD_MAX and its dictionary.
_LONGEST_RECORD = 8192
# A log that is flooded has no end.
_MOST_RECORDS, _LONGEST_READ_S = 500_000, 10.0
# The kernel escapes single bytes, so that a letter of UTF-8 is several escapes.
_ESCAPE = re.compile(rb"\\x([0-9a-f]{2})")
_HEADER = re.compile(rb"(?P<priority>\d{1,10}),(?P<sequence>\d{1,20}),(?P<microseconds>\d{1,20}),[^;]*;(?P<message>[^\n]*)")
# A line of a log file: what syslog puts first, and dmesg's own form, of which syslog may have left out the clock.
_SYSLOG = re.compile(r"(?:[A-Z][a-z]{2} [ \d]?\d [\d:.]+|\d{4}-\d\d-\S+) \S+ kernel: ")
_CLOCK = re.compile(r"(?:<(?P<priority>\d{1,10})>)?\[ *(?P<seconds>\d{1,12}\.\d{1,9})\] ?")
_MARK = re.compile(r"(?P<boot>[0-9a-f-]{36}):(?P<sequence>\d{1,20})")
_INFORMATION = 6


@dataclass(frozen=True)
class Record:
    """One message. ``priority`` from 0, emergency, to 7, debug; ``sequence`` counts from boot, or is the line's number.

    ``seconds`` since boot, 0 where a log file does not tell.
    """

    sequence: int
    seconds: float
    priority: int
    message: str


class Read(t.NamedTuple):
    """``mark`` is for the next call; ``gap`` says in words what is missing since the mark of this one, empty when nothing is."""

    records: list[Record]
    mark: str
    gap: str


def mark() -> str:
    """Where the log ends now. Raises KernelError."""
    return since("").mark


def since(mark: str) -> Read:
    """The records behind ``mark``; all that the kernel still holds for an empty one. Raises InputError and KernelError."""
    wanted = _MARK.fullmatch(mark) if mark else None
    if mark and not wanted:
        raise InputError(f"'{mark}' is no mark of the kernel log: give what an earlier call returned.")
    boot = _read_boot_id()
    records = _read_all()
    end = f"{boot}:{records[-1].sequence + 1 if records else 0}"
    if not wanted:
        return Read(records, end, "")
    if wanted["boot"] != boot:
        return Read(records, end, "the host was booted since the mark")
    first = int(wanted["sequence"])
    kept = [record for record in records if record.sequence >= first]
    # Records are overwritten before the first that is left, and between those that are read while others are written.
    lost = kept[-1].sequence + 1 - first - len(kept) if kept else 0
    return Read(kept, end, f"{lost} records since the mark were overwritten" if lost else "")


def read_file(path: str) -> list[Record]:
    """The records in a file of dmesg's output or a syslog. Raises InputError."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return parse_lines(file)
    except (OSError, ValueError) as error:  # the latter for what no path can be
        raise InputError(f"The log file {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def parse_record(raw: bytes) -> Record | None:
    """One read of the device; None for what has not its form."""
    hit = _HEADER.match(raw)
    if not hit:
        return None
    message = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), hit["message"])
    # The facility is in the higher bits.
    return Record(int(hit["sequence"]), int(hit["microseconds"]) / 1e6, int(hit["priority"]) & 7, message.decode(errors="replace"))


def parse_lines(lines: t.Iterable[str]) -> list[Record]:
    """The records of dmesg's output or of a syslog file; lines of other programs are left out."""
    parsed = (_parse_line(number, line[:_LONGEST_RECORD].rstrip("\r\n")) for number, line in enumerate(lines, 1))
    return [record for record in parsed if record]


def _parse_line(number: int, line: str) -> Record | None:
    syslog = _SYSLOG.match(line)
    start = syslog.end() if syslog else 0
    clock = _CLOCK.match(line, start)
    if clock:
        return Record(number, float(clock["seconds"]), int(clock["priority"] or _INFORMATION) & 7, line[clock.end() :])
    return Record(number, 0.0, _INFORMATION, line[start:]) if syslog else None


def _read_all() -> list[Record]:
    try:
        log = os.open(_DEVICE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError(f"{_DEVICE} cannot be opened ({error.strerror}): run the task as root on the host itself, or give the path of a log file.") from error
    try:
        parsed = (parse_record(raw) for raw in _raw_records(log))
        return [record for record in parsed if record]
    finally:
        os.close(log)


def _raw_records(log: int) -> t.Iterator[bytes]:
    """One record a read, until there is none."""
    end = time.monotonic() + _LONGEST_READ_S
    for _count in range(_MOST_RECORDS):
        try:
            yield os.read(log, _LONGEST_RECORD)
        except BlockingIOError:
            return
        except OSError as error:
            # Overwritten while it was read: the next read is of the oldest that is left.
            if error.errno != errno.EPIPE:
                raise KernelError(f"{_DEVICE} cannot be read ({error.strerror}): give the path of a log file in its place.") from error
        if time.monotonic() > end:
            return


def _read_boot_id() -> str:
    with open(_BOOT_ID, encoding="ascii") as file:
        return file.read().strip()

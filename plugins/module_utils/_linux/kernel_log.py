# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the kernel log: records of /dev/kmsg since a mark, and lines of a log file as the same records.

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
# A line of a log file: what syslog puts first, and dmesg's own form, which syslog might have stripped of its clock.
_SYSLOG_OF_ANY = re.compile(r"(?:[A-Z][a-z]{2} [ \d]?\d [\d:.]+|\d{4}-\d\d-\S+) \S+ \S+: ")
_SYSLOG = re.compile(r"(?:[A-Z][a-z]{2} [ \d]?\d [\d:.]+|\d{4}-\d\d-\S+) \S+ kernel: ")
_CLOCK = re.compile(r"(?:<(?P<priority>\d{1,10})>)?\[ *(?P<seconds>\d{1,12}\.\d{1,9})\] ?")
# dmesg --decode puts words before it, and --ctime and --time-format iso (with a comma, unlike syslog) have the time of day in its place.
_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_DECODED = re.compile(rf"\w+ *:(?P<level>{'|'.join(_LEVELS)}) *: ")
_TIME_OF_DAY = re.compile(r"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d \d{4}\] |\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d+\S* ")
_MARK = re.compile(r"(?P<boot>[0-9a-f-]{36}):(?P<sequence>\d{1,20})")
_INFORMATION = 6


@dataclass(frozen=True)
class Record:
    """Holds one message. ``priority`` from 0, emergency, to 7, debug; ``sequence`` counts from boot, or is the line's number.

    ``seconds`` since boot, 0 if a log file does not say.
    """

    sequence: int
    seconds: float
    priority: int
    message: str


class Read(t.NamedTuple):
    """Holds what was read. ``mark`` is for the next call; ``gap`` says what is missing since the mark of this call, empty if nothing is."""

    records: list[Record]
    mark: str
    gap: str


def mark() -> str:
    """Returns where the log ends now. Raises KernelError."""
    return since("").mark


def since(mark: str) -> Read:
    """Returns the records behind ``mark``; for an empty mark all that the kernel still holds. Raises InputError and KernelError."""
    wanted = _MARK.fullmatch(mark) if mark else None
    if mark and not wanted:
        raise InputError(f"'{mark}' is no mark of the kernel log: give the mark that an earlier call returned.")
    boot = _read_boot_id()
    records, to_its_end = _read_all()
    end = f"{boot}:{records[-1].sequence + 1 if records else 0}"
    kept = [record for record in records if not wanted or wanted["boot"] != boot or record.sequence >= int(wanted["sequence"])]
    gaps = [_gap(kept, wanted, boot), "" if to_its_end else f"the log was read only up to {_place(records)}, since it is too long or grows too fast"]
    return Read(kept, end, "; ".join(filter(None, gaps)))


def _gap(kept: t.Sequence[Record], wanted: re.Match[str] | None, boot: str) -> str:
    """Returns what is missing. Records are overwritten before the first one left, and between reads while others are written."""
    if not wanted:
        return ""
    if wanted["boot"] != boot:
        return "the host was booted since the mark"
    lost = kept[-1].sequence + 1 - int(wanted["sequence"]) - len(kept) if kept else 0
    return f"{lost} records since the mark were overwritten" if lost else ""


def _place(records: t.Sequence[Record]) -> str:
    return f"{records[-1].seconds:.3f} s" if records else "its beginning"


def read_file(path: str) -> list[Record]:
    """Returns the records in a file of dmesg's output or a syslog. Raises InputError, also if no line has either form."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            records = parse_lines(file)
            file.seek(0)
            if not records and not all(_is_no_news(line) for line in file):
                raise InputError(f"No line of {path} has a known form of dmesg or of a syslog: write the file again with dmesg or dmesg --raw.")
            return records
    except (OSError, ValueError) as error:  # ValueError for a text that cannot be a path
        raise InputError(f"The log file {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def parse_record(raw: bytes) -> Record | None:
    """Parses one read of the device; None for any other form."""
    hit = _HEADER.match(raw)
    if not hit:
        return None
    message = _ESCAPE.sub(lambda escape: bytes([int(escape[1], 16)]), hit["message"])
    # The facility is in the higher bits.
    return Record(int(hit["sequence"]), int(hit["microseconds"]) / 1e6, int(hit["priority"]) & 7, message.decode(errors="replace"))


def parse_lines(lines: t.Iterable[str]) -> list[Record]:
    """Returns the records of dmesg's output or of a syslog file; lines of other programs are left out."""
    parsed = (_parse_line(number, line[:_LONGEST_RECORD].rstrip("\r\n")) for number, line in enumerate(lines, 1))
    return [record for record in parsed if record]


def _is_no_news(line: str) -> bool:
    """Returns whether a line is empty, or of another program."""
    return not line.strip() or bool(_SYSLOG_OF_ANY.match(line))


def _parse_line(number: int, line: str) -> Record | None:
    syslog = _SYSLOG.match(line)
    decoded = None if syslog else _DECODED.match(line)
    start = (syslog or decoded).end() if syslog or decoded else 0  # type: ignore[union-attr]
    level = _LEVELS.index(decoded["level"]) if decoded else _INFORMATION
    clock = _CLOCK.match(line, start)
    if clock:
        return Record(number, float(clock["seconds"]), int(clock["priority"] or level) & 7, line[clock.end() :])
    day = _TIME_OF_DAY.match(line, start)
    return Record(number, 0.0, level, line[day.end() if day else start :]) if syslog or decoded or day else None


def _read_all() -> tuple[list[Record], bool]:
    """Returns the records, and whether these are all."""
    try:
        log = os.open(_DEVICE, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise KernelError(f"{_DEVICE} cannot be opened ({error.strerror}): run the task as root on the host itself, or give the path of a log file.") from error
    try:
        raws, to_its_end = _raw_records(log)
        return [record for record in map(parse_record, raws) if record], to_its_end
    finally:
        os.close(log)


def _raw_records(log: int) -> tuple[list[bytes], bool]:
    """Reads one record after the other, until the end, or until there are too many."""
    end = time.monotonic() + _LONGEST_READ_S
    raws: list[bytes] = []
    while len(raws) < _MOST_RECORDS and time.monotonic() < end:
        try:
            raws.append(os.read(log, _LONGEST_RECORD))
        except BlockingIOError:
            return raws, True
        except OSError as error:
            # Overwritten during the read: the next read returns the oldest record that is left.
            if error.errno != errno.EPIPE:
                raise KernelError(f"{_DEVICE} cannot be read ({error.strerror}): give the path of a log file instead.") from error
    return raws, False


def _read_boot_id() -> str:
    with open(_BOOT_ID, encoding="ascii") as file:
        return file.read().strip()

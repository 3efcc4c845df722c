# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the times of ESXi's logs, and turns those with an offset into UTC. Pure."""

from __future__ import annotations

import re
import typing as t
from calendar import timegm
from datetime import datetime, timedelta
from functools import lru_cache

TIME = r"[0-9]{4}-[0-9-]{5}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}\b)?"
_STAMP = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?(?:Z|([+-])([0-9]{2}):?([0-9]{2}))?")
_MINUTE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2})")
_ANY = re.compile(TIME)
# RFC 3164, as syslog relays write it: no year, no offset.
_RELAYED = re.compile(r"(?:<[0-9]{1,3}>)?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +([0-9]{1,2}) ([0-9]{2}):([0-9]{2}):([0-9]{2})\b")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Any leap year does: only what lies between two such times counts.
_YEAR = 2000


def told(before: str) -> str:
    """Returns the time that stands last in a line's beginning, in UTC if it has an offset; '' for none. A relay's own stamp stands before the host's."""
    found = _ANY.findall(before)
    return utc(found[-1]) if found else ""


def utc(stamp: str) -> str:
    """Returns a time with an offset as UTC, and any other as it is."""
    hit = _STAMP.fullmatch(stamp) if stamp[-1:].isdigit() else None
    if not hit or not hit[8]:
        return stamp
    try:
        moment = datetime(*map(int, hit.groups()[:6])) - _offset(hit)  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return stamp
    return f"{moment.isoformat()}{hit[7] or ''}Z"


def _offset(hit: re.Match[str]) -> timedelta:
    offset = timedelta(hours=int(hit[9]), minutes=int(hit[10]))
    return -offset if hit[8] == "-" else offset


def seconds(time: str) -> t.Optional[float]:
    """Returns seconds since 1970 of a time that ``told`` returned, None for none."""
    minute = _minute(time[:16])
    try:
        return minute + float(time[17:].rstrip("Z")) if minute is not None else None
    except ValueError:
        return None


# Lines of a log share their minutes.
@lru_cache(maxsize=4096)
def _minute(text: str) -> t.Optional[int]:
    hit = _MINUTE.fullmatch(text)
    return timegm((*map(int, hit.groups()), 0, 0, 0, 0)) if hit and _is_date(*hit.groups()[:3]) else None


def relayed_seconds(line: str) -> t.Optional[float]:
    """Returns the seconds of a time without a year, in a year of no meaning; None for none."""
    hit = _RELAYED.match(line)
    if not hit or not 1 <= int(hit[2]) <= 31:
        return None
    return float(timegm((_YEAR, _MONTHS.index(hit[1]) + 1, *map(int, hit.groups()[1:]), 0, 0, 0)))


def _is_date(year: str, month: str, day: str) -> bool:
    return int(year) >= 1 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31

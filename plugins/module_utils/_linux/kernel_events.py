# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds in the kernel log what happened to reservations, and what hindered them: records in, events out. Pure."""

from __future__ import annotations

import re
import typing as t
from functools import partial

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import disk_events, lio_events, scst_events
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.event_drafts import Drafts, Event, Form, Told
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

_Reader = t.TypeVar("_Reader")
_Bound = tuple[str, re.Pattern[str], t.Callable[[Record, Told], None]]


class Parsed(t.NamedTuple):
    """Holds events. ``understood``: how many of the records are part of an event, or known to be none."""

    events: list[Event]
    understood: int


def parse(records: t.Iterable[Record]) -> Parsed:
    """Returns the events of ``records``, which can be cut off and mixed with anything. Raises nothing."""
    drafts = Drafts()
    scst = scst_events.ScstEvents(drafts)
    forms = [
        *_bound(lio_events.FORMS, lio_events.LioEvents(drafts)),
        *_bound(scst_events.FORMS, scst),
        *_bound(disk_events.FORMS, disk_events.DiskEvents(drafts)),
    ]
    understood = sum(_take(record, forms) for record in records)
    scst.finish()
    return Parsed(drafts.finished(), understood)


def _bound(forms: t.Sequence[Form[_Reader]], reader: _Reader) -> list[_Bound]:
    return [(needle, pattern, partial(understand, reader)) for needle, pattern, understand in forms]


def _take(record: Record, forms: t.Sequence[_Bound]) -> bool:
    for needle, pattern, understand in forms:
        hit = pattern.search(record.message) if needle in record.message else None
        if hit:
            understand(record, {key: value or "" for key, value in hit.groupdict().items()})
            return True
    return False

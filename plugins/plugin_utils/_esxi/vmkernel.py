# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads events of SCSI devices from ESXi's logs: vmkernel.log and vmkwarning.log, also of a relay, and vobd.log. Pure, and linear in their length.

Sources: the incident's log; Broadcom's articles, which the files of this folder name; lines of ESX 4 to ESXi 8.
"""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import log_line
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.follow_up import Newest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import Kind
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.log_line import Event, Line
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.names import volume_uuid
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.unread import Unread

__all__ = ["Event", "Kind", "events", "parse", "volume_uuid"]


def events(text: str, host: str = "", limit: int = 100_000) -> dict[str, t.Any]:
    """Returns the storage events of a log.

    These are ``events`` (the newest ``limit``) and ``dropped`` (how many older ones). It counts lines: ``lines`` are not empty, ``unparsed`` have no event,
    ``recovered`` report the end of a trouble, and ``foreign`` are of other logs. ``unread`` are of storage modules, and not understood.
    ``unread_examples`` has the most frequent of the latter, ``count`` and ``line``. ``host``: the host of the log, kept in each event.
    """
    counted = {"lines": 0, "unparsed": 0, "recovered": 0, "foreign": 0}
    unread, newest = Unread(), Newest(host, limit)
    for line in _backwards(text, counted, unread):
        counted["recovered"] += line.meaning.kind == "recovered"
        newest.add(line)
    found = newest.events()
    return {"events": found, "dropped": newest.made - len(found), **counted, "unread": unread.lines, "unread_examples": unread.examples()}


def _backwards(text: str, counted: dict[str, int], unread: Unread) -> t.Iterator[Line]:
    """Yields the lines that tell of an event, the last one first. One at a time, since a log can fill most of the memory."""
    end = len(text)
    while end >= 0:
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin : min(end, begin + log_line.LONGEST)]
        end = begin - 1
        if not line or line.isspace():
            continue
        counted["lines"] += 1
        seen = log_line.read(line)
        if isinstance(seen, Line):
            yield seen
            continue
        counted["unparsed"] += 1
        if seen is log_line.FOREIGN:
            counted["foreign"] += 1
        elif seen is not log_line.OTHER:
            unread.add(seen.module, seen.message)


def parse(line: str, host: str = "") -> t.Optional[Event]:
    """Returns the event of a line, None for any other line. A field that the line does not tell is ''; numbers are None then."""
    seen = log_line.read(line)
    return log_line.event(seen, None, host) if isinstance(seen, Line) else None

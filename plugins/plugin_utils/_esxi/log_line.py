# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads one line of a log of ESXi: the VMkernel's, as ESX 4 to ESXi 8 write it, or vobd's. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import module_words, moments, names, scsi_status, vobd
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import NOTHING, Meaning

Event = dict[str, t.Any]

# Longer than any line of ESXi. The rest is not read, so no line costs more than another.
LONGEST = 2000
_WORLD = (
    r"cpu[0-9]{1,9}:(?P<world>[0-9]{1,18})(?: opID=(?P<operation>[^\0- )]{1,200}))?\)"
    r"(?:(?P<severity>WARNING|ALERT): )?(?P<module>[A-Za-z0-9_]{1,40}): "
)
# What most lines begin with, seen in one look, and the same anywhere, with an empty group where the time would be.
_USUAL = re.compile(f"(?P<time>{moments.TIME}) {_WORLD}")
_HEAD = re.compile(f"(?P<time>){_WORLD}")
_MILLISECONDS = re.compile(r"held for (\d{1,12}) msecs")
_MICROSECONDS = re.compile(r"to (\d{1,15}) microseconds")
_REPEATED = re.compile(r" from device \S{1,200} repeated (\d{1,9}) times")
_OF_FILESYSTEMS_TOO = ("all_paths_down", "all_paths_down_timeout", "all_paths_down_exit")
_WAITED = ("long_reservation", "latency")


class Line(t.NamedTuple):
    """A line that tells of an event. Its other fields are read only if it is kept."""

    text: str
    head: re.Match[str]
    message: str
    status: t.Optional[re.Match[str]]
    meaning: Meaning


class NotRead(t.NamedTuple):
    """A line without an event. ``why``: ``foreign`` (no line of these logs), ``other`` (of other modules, or of no trouble) or ``unread`` (not understood)."""

    why: str
    module: str = ""
    message: str = ""


FOREIGN, OTHER = NotRead("foreign"), NotRead("other")
# The number of a group is found faster than its name.
_MODULE = _USUAL.groupindex["module"]


def read(text: str) -> t.Union[Line, NotRead]:
    """Returns what a line tells, enough to decide whether it is kept."""
    head = _USUAL.match(text) or _HEAD.search(text)
    if not head:
        return _of_vobd(text)
    module = head[_MODULE]
    if module not in module_words.MODULES:
        return OTHER
    message = text[head.end() :]
    status = scsi_status.search(message)
    told = (scsi_status.meaning(status, message) if status else None) or module_words.meaning(module, message)
    if told is None:
        return NotRead("unread", module, message)
    return _line(text, head, status, told)


def _of_vobd(text: str) -> t.Union[Line, NotRead]:
    head = vobd.HEAD.search(text) if vobd.MARK in text else None
    if not head:
        return FOREIGN
    told = vobd.meaning(head["event"])
    if told is None:
        return NotRead("unread", head["module"], f"{head['event']} {text[head.end() :]}")
    return _line(text, head, None, told)


def _line(text: str, head: re.Match[str], status: t.Optional[re.Match[str]], told: t.Union[Meaning, t.Literal["nothing"]]) -> t.Union[Line, NotRead]:
    message = text[head.end() :]
    if told == NOTHING or (told.detail in _OF_FILESYSTEMS_TOO and names.is_nfs(message)):
        return OTHER
    return Line(text, head, message, status, told)


def event(line: Line, rest: t.Optional[Line], host: str) -> Event:
    """Returns the event of a line, and of the line with its status if that is another. A field that the lines do not tell is ''."""
    message, told = line.message, rest or line
    device, place = names.device(message), names.place(message)
    return {
        "time": time(line),
        "host": host,
        "severity": line.head["severity"] or "",
        "module": line.head["module"],
        "kind": told.meaning.kind,
        "detail": told.meaning.detail,
        "device": device[1] if device else "",
        "partition": int(device[2]) if device and device[2] else None,
        "path": place.path,
        "lun": place.lun,
        "session": place.session,
        "opcode": scsi_status.opcode(message),
        **_words(told.status),
        "volume": names.volume(message),
        "volume_name": names.volume_name(message) or (vobd.volume_name(message) if line.head.re is vobd.HEAD else ""),
        "milliseconds": _milliseconds(message) if told.meaning.detail in _WAITED else None,
        "times": repeats(message),
        "operation": f"{host} {_operation(line)}".strip(),
        "text": f"{line.text.strip()} {rest.text.strip()}" if rest else line.text.strip(),
    }


_NO_WORDS = {"host_status": "", "device_status": "", "plugin_status": "", "sense": ""}


def _words(status: t.Optional[re.Match[str]]) -> Event:
    if not status:
        return _NO_WORDS
    return {"host_status": status[1], "device_status": status[2], "plugin_status": status[3], "sense": scsi_status.sense(status)}


def repeats(message: str) -> int:
    """Returns how many errors a line stands for."""
    hit = _REPEATED.search(message) if "repeated" in message else None
    return int(hit[1]) if hit else 1


def is_repetition(line: Line) -> bool:
    """Returns whether the line repeats errors, whose status an earlier line of its device tells."""
    return not line.status and "repeated" in line.message and bool(_REPEATED.search(line.message))


def time(line: Line) -> str:
    """Returns when the line was written, in UTC if it tells an offset; '' if it tells no date."""
    return moments.utc(line.head["time"]) if line.head["time"] else moments.told(before(line))


def before(line: Line) -> str:
    """Returns what stands before the VMkernel's own words."""
    return line.text[: line.head.start()].strip()


def _operation(line: Line) -> str:
    """Returns a key for one world, instant and operation: what these tell is about one thing."""
    head = line.head
    return f"{head['time'] or before(line)} {head['world']} {head['operation'] or ''}".strip()


def _milliseconds(message: str) -> t.Optional[int]:
    hit = _MILLISECONDS.search(message)
    if hit:
        return int(hit[1])
    hit = _MICROSECONDS.search(message)
    return int(hit[1]) // 1000 if hit else None

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns the answers of ESXi hosts and gateways into suspects, and lists what was not answered. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, log_files, messages, suspects, vmkernel

Data = t.Mapping[str, t.Any]
Read = tuple[log_files.Log, Data]

# How many kinds of lines that were not understood are shown of each log.
_EXAMPLES = 3
# What diagnose_esxi.yml has printed before a file: how long it is.
_SIZE = re.compile(r"# of (\d{0,18}) bytes\s*(?:\n|$)")
# What is asked -> the field that no record of it lacks.
_FIELDS = {"extents": "vmfs_uuid", "stats": "device"}


def diagnose(asked: t.Sequence[Data], maps: t.Sequence[Data]) -> dict[str, t.Any]:
    """Returns ``suspects``, ``read`` (what was read, in words), ``gaps`` (what was not, in words) and ``logs`` (how many were read).

    ``asked``: results of a task in a loop over items with ``host`` and ``what`` (``log``, ``extents`` or ``stats``), whose ``stdout`` is the answer. If only
    the end of a file was read, the item has ``bytes``, the most that was read. The answer then begins with the size.
    ``maps``: results of M(cephops.iscsi_rescue.lun_map) in a loop over gateways.
    """
    asked = [_measured(one) for one in asked]
    logs = _logs({one["item"]["host"]: one["stdout"] for one in asked if one["item"]["what"] == "log" and _answered(one)})
    told = [_records(one) for one in asked if one["item"]["what"] != "log" and _answered(one)]
    records = {what: [record for item, found, _fault in told if item["what"] == what for record in found] for what in _FIELDS}
    known = [(log, found) for log, found in logs if not _is_foreign(found)]
    luns = [lun for one in maps for lun in one.get("luns", [])]
    return {
        "suspects": suspects.from_events(_events(known), luns, records["extents"], records["stats"]),
        "read": [line for log, found in known for line in _log(log, found)]
        + [messages.GATEWAY_READ.format(gateway=one["item"], luns=count(len(one["luns"]), "LUN")) for one in maps if "luns" in one],
        "gaps": [*_gaps(asked, told, maps), *(_foreign(log) for log, found in logs if _is_foreign(found))],
        "logs": len(known),
    }


def _logs(texts: t.Mapping[str, str]) -> list[Read]:
    """Returns each log, with its events of all parts."""
    return [(log, vmkernel.events(_text([texts[part] for part in log.parts]), log.host)) for log in log_files.logs(list(texts))]


def _text(parts: t.Sequence[str]) -> str:
    """Returns the text of all parts. A log of one part is not copied: it might fill most of the memory."""
    return parts[0] if len(parts) == 1 else "\n".join(parts)


def _events(logs: t.Sequence[Read]) -> list[Data]:
    """Returns the events of all logs. A line that is both in vmkwarning.log and in vmkernel.log counts once."""
    if not any(log.repeats for log, _found in logs):
        return [event for _log, found in logs for event in found["events"]]
    seen = {event["text"] for log, found in logs if not log.repeats for event in found["events"]}
    return [event for log, found in logs for event in found["events"] if not log.repeats or _as_in_the_whole(event["text"]) not in seen]


def _as_in_the_whole(line: str) -> str:
    """Returns the line as vmkernel.log has it: ESXi 7 and later name the log in each line."""
    return line.replace(" vmkwarning: ", " vmkernel: ", 1)


def _is_foreign(found: Data) -> bool:
    return bool(found["lines"]) and found["foreign"] == found["lines"]


def _foreign(log: log_files.Log) -> str:
    return messages.OTHER_LOG.format(log=log.name)


def _gaps(asked: t.Sequence[Data], told: t.Sequence[tuple[Data, t.Any, str]], maps: t.Sequence[Data]) -> list[str]:
    gaps = [_gap(messages.NOT_GIVEN, one["item"], _why(one)) for one in asked if not _answered(one)]
    gaps += [_gap(messages.ENDED_EARLY, one["item"], _why(one)) for one in asked if _answered(one) and one["rc"]]
    gaps += [_gap(messages.UNREADABLE, item, fault) for item, _found, fault in told if fault]
    gaps += [_too_long(one) for one in asked if _too_long(one)]
    return gaps + [messages.GATEWAY_SILENT.format(gateway=one["item"], reason=_why(one)) for one in maps if "luns" not in one]


def _gap(message: str, item: Data, reason: str) -> str:
    return message.format(what=item["what"], host=item["host"], reason=reason)


def _measured(one: Data) -> Data:
    """Returns the answer without its first line, which tells its ``size``."""
    hit = _SIZE.match(str(one.get("stdout") or ""))
    return {**one, "stdout": one["stdout"][hit.end() :], "size": int(hit[1] or 0)} if hit else one


def _too_long(one: Data) -> str:
    item, read = one["item"], int(one["item"].get("bytes", 0))
    if not _answered(one) or one.get("size", 0) <= read:
        return ""
    return messages.TOO_LONG.format(what=item["what"], host=item["host"], size=one["size"], read=read)


def _answered(one: Data) -> bool:
    """Returns whether there is an answer. A log that was cut off counts."""
    return bool(one.get("stdout")) if one["item"]["what"] == "log" and one.get("rc") else one.get("rc") == 0 and "stdout" in one


def _records(one: Data) -> tuple[Data, list[esxcli.Record], str]:
    """Returns (the question, the records, why there are none)."""
    item = one["item"]
    try:
        found = esxcli.records(one["stdout"])
    except InputError as error:
        return item, [], str(error)
    fit = [{**record, "host": item["host"]} for record in found if isinstance(record.get(_FIELDS[item["what"]]), str)]
    return item, fit, messages.NOT_ESXCLI if found and not fit else ""


def _why(one: Data) -> str:
    """Returns the first line of the error, or of the answer."""
    said = str(one.get("stderr") or one.get("stdout") or one.get("msg") or f"exit status {one.get('rc')}").strip()
    return said.splitlines()[0] if said else messages.NO_ANSWER


def _log(log: log_files.Log, found: Data) -> list[str]:
    parts = messages.PARTS.format(parts=count(len(log.parts) - 1, "older part")) if len(log.parts) > 1 else ""
    dropped = messages.DROPPED.format(number=found["dropped"]) if found["dropped"] else ""
    ended = messages.ENDED.format(number=found["recovered"]) if found["recovered"] else ""
    troubled = found["lines"] - found["unparsed"] - found["recovered"]
    lines = count(found["lines"], "line")
    told = [messages.LOG_READ.format(log=log.name, parts=parts, lines=lines, troubled=troubled, dropped=dropped, ended=ended)]
    return told + ([_unread(log, found)] if found["unread"] else [])


def _unread(log: log_files.Log, found: Data) -> str:
    examples = "; ".join(f"{one['count']} x {one['line']}" for one in found["unread_examples"][:_EXAMPLES])
    return messages.NOT_UNDERSTOOD.format(log=log.name, lines=count(found["unread"], "line"), examples=examples)

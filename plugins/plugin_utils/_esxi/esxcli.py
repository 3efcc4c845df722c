# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``esxcli`` prints, in each of its shapes, as records. Pure.

The shapes: a table under a line of dashes, indented ``Key: value`` lines, and those of ``--formatter`` csv, keyvalue, json and xml.
One field is named differently in them ("Volume Name", "VolumeName"), so names are brought to one form: ``volume_name``.
"""

from __future__ import annotations

import csv
import json
import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

Value = t.Union[str, int, float, bool, None, list[t.Any], dict[str, t.Any]]
Record = dict[str, Value]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,18})(\.\d{1,18})?")
# A volume may be called 2024. What names something stays text.
_NAMES = re.compile(r"(^|_)(name|uuid|uid|device|heading|point|model|vendor|revision|serial|path|version)$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Z])(?=UUID)|[^A-Za-z0-9]+")
_DASHES = re.compile(r"-+(?: +-+)*")
# Pasted with the shell's own lines around it.
_PROMPT = re.compile(r"(?:\[[\w.-]+@[^\]\s]*\]|~ #).*")
_KEYVALUE = re.compile(r"(?:structure(?:\[(?P<number>\d+)\])?\.)?\w+\.(?P<name>[^.=]+)\.\w+=(?P<value>.*)")
# More columns than any command has; what looks like more is no table.
_COLUMNS = 60


def records(text: str) -> list[Record]:
    """The records that the text holds, [] for none. Raises InputError for JSON, XML or CSV that is none."""
    lines = [line.rstrip() for line in text.splitlines()]
    lines = [line for line in lines if line and not _PROMPT.fullmatch(line)]
    if not lines:
        return []
    return [_named(record) for record in _reader(lines)(lines)]


Reader = t.Callable[[t.Sequence[str]], t.Iterable[t.Mapping[str, t.Any]]]


def _reader(lines: t.Sequence[str]) -> Reader:
    first = lines[0].lstrip()
    if first[0] in "[{":
        return _json
    if first[0] == "<":
        return _xml
    if _ruler(lines):
        return _table
    if _KEYVALUE.fullmatch(first):
        return _keyvalue
    # The csv formatter ends each line, the one with the names too, with a comma.
    return _csv if first.endswith(",") else _indented


def _ruler(lines: t.Sequence[str]) -> int:
    """Where a table has its dashes, 0 for none; a prompt or a warning may stand before its head."""
    found = next((number for number, line in enumerate(lines[:10]) if _DASHES.fullmatch(line)), 0)
    return found if found and lines[found].count(" -") < _COLUMNS else 0


def _table(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    """Columns are where the dashes are; the last one may be longer."""
    at = _ruler(lines)
    spans = [(hit.start(), hit.end()) for hit in re.finditer("-+", lines[at])]
    spans[-1] = (spans[-1][0], max(map(len, lines)))
    names = [lines[at - 1][start:end].strip() for start, end in spans]
    return ({name: line[start:end].strip() for name, (start, end) in zip(names, spans)} for line in lines[at + 1 :])


def _indented(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    """A record begins with a line at the margin, or is all there is. What stands at the margin is its ``heading``."""
    found: list[dict[str, str]] = []
    for line in lines:
        if not line.startswith(" ") or not found:
            found.append({"heading": line} if not line.startswith(" ") else {})
        name, colon, value = line.strip().partition(":")
        if colon and line.startswith(" "):
            found[-1][name] = value.strip()
    return found


def _csv(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    try:
        names, *rows = csv.reader(lines)
    except csv.Error as error:
        raise InputError(f"What esxcli printed begins as CSV and is none ({error}): see where it comes from.") from error
    return ({name: value for name, value in zip(names, row) if name} for row in rows)


def _keyvalue(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = {}
    for hit in filter(None, map(_KEYVALUE.fullmatch, lines)):
        found.setdefault(hit["number"] or "", {})[hit["name"]] = hit["value"]
    return found.values()


def _json(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    try:
        read = json.loads("\n".join(lines))
    except (ValueError, RecursionError) as error:
        raise InputError(f"What esxcli printed begins as JSON and is none ({error}): see whether it was cut off.") from error
    return [one for one in (read if isinstance(read, list) else [read]) if isinstance(one, dict)]


def _xml(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    text = "\n".join(lines)
    if "<!" in text:
        raise InputError("What esxcli printed is XML with declarations, which esxcli does not make: see where it comes from.")
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"What esxcli printed begins as XML and is none ({error}): see whether it was cut off.") from error
    tag = f"{root.tag.partition('}')[0]}}}structure" if root.tag.startswith("{") else "structure"
    return [{field.get("name", ""): _text(field, tag) for field in structure if field.tag != tag} for structure in root.iter(tag)]


def _text(field: ElementTree.Element, structure: str) -> str:
    """The field's text without that of structures in it, which are records of their own: each element is read once, however deep they nest."""
    words, waiting = [], [field]
    while waiting:
        one = waiting.pop()
        words.append((one.text or "").strip())
        waiting += [child for child in reversed(one) if child.tag != structure]
    return " ".join(filter(None, words))


def _named(record: t.Mapping[str, t.Any]) -> Record:
    names = [(_WORDS.sub("_", name).strip("_").lower(), value) for name, value in record.items()]
    return {name: _value(name, value) for name, value in names}


def _value(name: str, value: t.Any) -> Value:
    if not isinstance(value, str) or _NAMES.search(name):
        return value
    if value in ("true", "false"):
        return value == "true"
    hit = _NUMBER.fullmatch(value)
    if not hit:
        return value
    return float(value) if hit[1] else int(value)

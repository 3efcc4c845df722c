# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what ``esxcli``, ``localcli`` and ``esxcfg-scsidevs -m`` print, in each of their shapes, as records. Pure.

The shapes: those of ``--formatter`` csv, keyvalue, json and xml, a table under a line of dashes, indented ``Key: value`` lines, and lines of
``esxcfg-scsidevs -m``. One field is named differently in them ("Volume Name", "VolumeName"), so names are brought to one form: ``volume_name``.
"""

from __future__ import annotations

import csv
import json
import re
import typing as t
from xml.etree import ElementTree

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli_table, messages

Value = t.Union[str, int, float, bool, None, list[t.Any], dict[str, t.Any]]
Record = dict[str, Value]

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,18})(\.\d{1,18})?")
# A volume might be called 2024. Names stay text.
_NAMES = re.compile(r"(^|_)(name|uuid|uid|device|heading|point|model|vendor|revision|serial|path|version)$")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Z])(?=UUID)|[^A-Za-z0-9]+")
# Pasted with the shell's own lines around it, in any directory: [root@esx1:/tmp], root@esx1:~ #, ~ #, /vmfs/volumes #; or with the end of the connection.
# Columns of a table are two blanks apart, so a path of a table is none.
_PROMPT = re.compile(r"\s*(?:\[[\w.-]+@[^\]]*\].*|(?:[\w.-]+@[\w.-]+:)?[~/](?:[^\s#]| (?=\S))*[#$](?: .*)?|Connection to \S+ closed\.?|logout|exit)")
_KEYVALUE = re.compile(r"(?:structure(?:\[(?P<number>\d+)\])?\.)?\w+\.(?P<name>[^.=]+)\.\w+=(?P<value>.*)")
# The csv formatter ends each line, the one with the names too, with a comma.
_CSV_NAMES = re.compile(r"[\w.-]{1,80}(?:,[\w.-]{1,80}){0,80},")
_SCSIDEVS = re.compile(r"(\S+):(\d{1,9})\s+/\S+\s+([0-9a-f]+(?:-[0-9a-f]+)+)\s+(\d{1,9})\s*(.*)")
# Warnings and a command can precede the output. A beginning is searched in so many lines.
_BEFORE = 10


def records(text: str) -> list[Record]:
    """Returns the records in the text, [] for none. Raises InputError for a text that is not understood.

    Of several outputs between prompts, it returns the records of each.
    """
    return [record for lines in _outputs(text) for record in map(_named, _reader(lines)(lines)) if record]


def _outputs(text: str) -> list[list[str]]:
    """Returns the lines between prompts, without empty ones."""
    found: list[list[str]] = [[]]
    for line in map(str.rstrip, text.splitlines()):
        if line and _PROMPT.fullmatch(line):
            found.append([])
        elif line:
            found[-1].append(line)
    return [_begun(lines) for lines in found if lines]


def _begun(lines: list[str]) -> list[str]:
    """Returns the lines from the beginning of a shape on; a table finds its own beginning."""
    begin = next((number for number, line in enumerate(lines[:_BEFORE]) if _shape(line)), 0)
    return lines[begin:]


Reader = t.Callable[[t.Sequence[str]], t.Iterable[t.Mapping[str, t.Any]]]


def _shape(line: str) -> t.Optional[Reader]:
    """Returns the reader of the shape that begins with the line."""
    first = line.lstrip()
    if first.startswith("{") or re.match(r"\[\s*(?:[\[{\]]|$)", first):
        return _json
    if re.match(r"<[?!\w]", first):
        return _xml
    if _KEYVALUE.fullmatch(first):
        return _keyvalue
    return _csv if _CSV_NAMES.fullmatch(first) else _scsidevs if _SCSIDEVS.fullmatch(first) else None


def _reader(lines: t.Sequence[str]) -> Reader:
    if esxcli_table.ruler(lines):
        return esxcli_table.rows
    return _shape(lines[0]) or (_csv if lines[0].endswith(",") else _indented)


def _scsidevs(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    """Returns the records of ``esxcfg-scsidevs -m``: device and partition, its file, the volume's UUID, the extent's number, the volume's name."""
    names = ("device_name", "partition", "vmfs_uuid", "extent_number", "volume_name")
    return (dict(zip(names, hit.groups())) for hit in _fitting(_SCSIDEVS, lines))


def _fitting(pattern: re.Pattern[str], lines: t.Sequence[str]) -> t.Iterator[re.Match[str]]:
    for line in lines:
        hit = pattern.fullmatch(line.lstrip())
        if not hit:
            raise InputError(f"{messages.NOT_ESXCLI}: {line[:80]!r}")
        yield hit


def _indented(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    """Returns the records. A line at the margin begins one, and is its ``heading``; without any, all lines are one record."""
    found: list[dict[str, str]] = []
    for line in lines:
        if not line.startswith(" ") or not found:
            found.append({"heading": line} if not line.startswith(" ") else {})
        name, colon, value = line.strip().partition(":")
        if colon and line.startswith(" "):
            found[-1][name] = value.strip()
    told = [record for record in found if record.keys() - {"heading"}]
    if not told:
        raise InputError(messages.NOT_ESXCLI)
    return told


def _csv(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    try:
        names, *rows = csv.reader(lines)
    except csv.Error as error:
        raise InputError(messages.BAD_CSV.format(error=error)) from error
    short = next((row for row in rows if not len(names) - 1 <= len(row) <= len(names)), None)
    if short is not None:
        raise InputError(messages.SHORT_CSV.format(number=len(names) - 1, line=",".join(short)[:80]))
    return ({name: value for name, value in zip(names, row) if name} for row in rows)


def _keyvalue(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = {}
    for hit in filter(None, (_KEYVALUE.fullmatch(line.lstrip()) for line in lines)):
        found.setdefault(hit["number"] or "", {})[hit["name"]] = hit["value"]
    return found.values()


def _json(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    try:
        read = json.loads("\n".join(lines))
    except (ValueError, RecursionError) as error:
        raise InputError(messages.BAD_JSON.format(error=error)) from error
    return [one for one in (read if isinstance(read, list) else [read]) if isinstance(one, dict)]


def _xml(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, t.Any]]:
    text = "\n".join(lines)
    if "<!" in text:
        raise InputError(messages.DECLARED_XML)
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(messages.BAD_XML.format(error=error)) from error
    tag = f"{root.tag.partition('}')[0]}}}structure" if root.tag.startswith("{") else "structure"
    return [{field.get("name", ""): _text(field, tag) for field in structure if field.tag != tag} for structure in root.iter(tag)]


def _text(field: ElementTree.Element, structure: str) -> str:
    """Returns the field's text without that of structures in it: those are records of their own, so each element is read once."""
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

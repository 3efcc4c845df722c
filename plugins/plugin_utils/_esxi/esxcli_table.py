# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the tables of ``esxcli``: columns are where a line of dashes has its dashes, two blanks apart. Pure."""

from __future__ import annotations

import re
import typing as t
import unicodedata

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import messages

_DASHES = re.compile(r" *-+(?: +-+)*")
# More columns than any command has. A text that seems to have more is no table.
_COLUMNS = 60
# Warnings and a command can precede a table.
_BEFORE = 10

Span = tuple[int, int]
Cut = t.Callable[[str], t.Sequence[str]]


def ruler(lines: t.Sequence[str]) -> int:
    """Returns the line of a table's dashes, 0 for none; a prompt or a warning can precede its head."""
    found = next((number for number, line in enumerate(lines[:_BEFORE]) if _DASHES.fullmatch(line)), 0)
    return found if found and lines[found].count(" -") < _COLUMNS else 0


def rows(lines: t.Sequence[str]) -> t.Iterable[t.Mapping[str, str]]:
    """Returns each row as name -> text. Raises InputError for a row that fits no columns."""
    at = ruler(lines)
    spans = [(hit.start(), hit.end()) for hit in re.finditer("-+", lines[at])]
    names = _names(lines[at - 1], spans)
    return [dict(zip(names, _row(line, spans))) for line in lines[at + 1 :]]


def _names(head: str, spans: t.Sequence[Span]) -> list[str]:
    """Returns the names, split by blanks, since a head might have lost its leading blank; otherwise by the columns."""
    names = re.split(" {2,}", head.strip())
    return names if len(names) == len(spans) else [head[start:end].strip() for start, end in spans]


def _row(line: str, spans: t.Sequence[Span]) -> list[str]:
    for cut in _CUTS:
        units = cut(line)
        if _fits(units, spans):
            return ["".join(units[start:end]).strip() for start, end in [*spans[:-1], (spans[-1][0], len(units))]]
    raise InputError(messages.BAD_TABLE.format(line=line[:80]))


def _fits(units: t.Sequence[str], spans: t.Sequence[Span]) -> bool:
    """Returns whether there are only blanks between the columns, and text in the first or the second one."""
    edges = [0, *(edge for span in spans for edge in span)][:-1]
    gaps = zip(edges[::2], edges[1::2])
    return all(not "".join(units[start:end]).strip() for start, end in gaps) and bool("".join(units[: spans[min(1, len(spans) - 1)][1]]).strip())


def _characters(line: str) -> t.Sequence[str]:
    return line


def _bytes(line: str) -> t.Sequence[str]:
    """Returns each character, and an empty text for each further byte that it has in UTF-8."""
    return [unit for letter in line for unit in (letter, *[""] * (len(letter.encode("utf-8", "replace")) - 1))]


def _cells(line: str) -> t.Sequence[str]:
    """Returns the cells of a terminal: a wide character takes two, a combining one none."""
    found: list[str] = []
    for letter in line:
        if unicodedata.combining(letter) and found:
            found[-1] += letter
        else:
            found += [letter, *[""] * (unicodedata.east_asian_width(letter) in "WF")]
    return found


# The units that a row might be padded by. That ESXi pads by bytes is assumed.
_CUTS: tuple[Cut, ...] = (_characters, _bytes, _cells)

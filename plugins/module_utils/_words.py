# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes lists and numbers as a person reads them, and compares a text with a sentence."""

from __future__ import annotations

import functools
import re
import string
import typing as t


def some(words: t.Sequence[str], shown: int = 3) -> str:
    """Returns the first words, separated by commas, and how many more there are: "a, b, c and 4 more"."""
    rest = len(words) - shown
    return ", ".join(words[:shown]) + (f" and {rest} more" if rest > 0 else "")


def short(lines: t.Sequence[str], what: str, shown: int = 20) -> list[str]:
    """Returns the first lines, and a last one with how many more there are: "... and 4 more kernel events"."""
    rest = len(lines) - shown
    return [*lines[:shown], *([f"... and {rest} more {what}"] if rest > 0 else [])]


def printable(text: str) -> str:
    """Returns the text with a code in place of each character that a terminal could take as a command."""
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)


def fits(sentence: str, text: str) -> bool:
    """Returns whether a text holds a sentence, whatever is in the sentence's fields: "no {pool} here" fits "There is no rbd here."."""
    return bool(_pattern(sentence).search(text))


def fields(sentence: str) -> list[str]:
    """Returns the names of a sentence's fields: ["pool"] for "no {pool} here"."""
    return [name for _text, name, _form, _conversion in string.Formatter().parse(sentence) if name]


@functools.cache
def _pattern(sentence: str) -> re.Pattern[str]:
    parts = ((re.escape(text), ".*" if name is not None else "") for text, name, _form, _conversion in string.Formatter().parse(sentence))
    return re.compile("".join(part for pair in parts for part in pair), re.DOTALL)


def count(number: int, what: str) -> str:
    """Returns a number of things: "1 line", "2 lines"."""
    return f"{number} {what}{'s' * (number != 1)}"

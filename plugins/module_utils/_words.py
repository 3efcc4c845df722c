# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists and numbers as a person reads them."""

from __future__ import annotations

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
    """Returns the text with a code in place of each character that a terminal could take for a command."""
    return "".join(character if character.isprintable() else character.encode("unicode_escape").decode() for character in text)


def count(number: int, what: str) -> str:
    """Returns a number of things: "1 line", "2 lines"."""
    return f"{number} {what}{'s' * (number != 1)}"

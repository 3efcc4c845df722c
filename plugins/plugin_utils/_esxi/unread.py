# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counts the lines of storage modules that were not understood, by their words, to be reported. Pure."""

from __future__ import annotations

import re
import typing as t
from collections import Counter

# What differs from line to line. A name keeps its kind.
_VARIABLE = (
    (re.compile(r"\b(eui|naa|t10|sym|vml|mpx)\.[^\s\"',;\]()]+"), r"\1.N"),
    (re.compile(r"\b(?:iqn|nqn)\.[^\s\"',;\]()]+"), "IQN"),
    (re.compile(r"'[^']{0,200}'"), "'NAME'"),
    (re.compile(r"\b0x[0-9a-f]+|\b[0-9a-f]*[0-9][0-9a-f]*(?:[-:.][0-9a-f]+)*\b"), "N"),
)
# The newest so many are looked at, and so many words of them are kept apart.
_READ, _APART = 10_000, 1_000
_LENGTH = 200


class Unread:
    """Holds the lines so far."""

    def __init__(self) -> None:
        self.lines = 0
        self._words: Counter[str] = Counter()

    def add(self, module: str, message: str) -> None:
        """Counts one more."""
        self.lines += 1
        if self.lines <= _READ:
            words = f"{module}: {_template(message)}"
            self._words[words if words in self._words or len(self._words) < _APART else "others"] += 1

    def examples(self, limit: int = 5) -> list[dict[str, t.Any]]:
        """Returns the most frequent ones: ``count`` and ``line``, in which numbers and names are replaced."""
        return [{"count": count, "line": line} for line, count in self._words.most_common(limit)]


def _template(message: str) -> str:
    text = message[:_LENGTH].strip()
    for pattern, word in _VARIABLE:
        text = pattern.sub(word, text)
    return text

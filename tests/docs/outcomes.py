# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the tables of outcomes in README.md and docs/runbook.md, between two markers each.

usage: outcomes.py
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES

ROOT = Path(__file__).parents[2]
RUNBOOK = "https://github.com/cephops/iscsi_rescue/blob/main/docs/runbook.md"
BEGIN, END = "<!-- outcomes -->", "<!-- /outcomes -->"
# An option or a module, or what a message quotes.
_CODE = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b|'[^']+'")


def of_readme() -> str:
    """Returns the table for README: what an outcome means, with a link to what to do next. The links are whole, since Galaxy shows that page, too."""
    return _table(("outcome", "what it means"), [(f"[`{name}`]({RUNBOOK}#{name})", one.meaning) for name, one in OUTCOMES.items()])


def of_runbook() -> str:
    """Returns the table for the runbook, which has a section for each outcome: what it means, and how the play ends."""
    return _table(("outcome", "what it means", "the play"), [(f"[`{name}`](#{name})", one.meaning, one.play) for name, one in OUTCOMES.items()])


PAGES: t.Mapping[str, t.Callable[[], str]] = {"README.md": of_readme, "docs/runbook.md": of_runbook}


def _table(head: t.Sequence[str], rows: t.Sequence[t.Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([name, *map(_marked, words)] for name, *words in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _marked(text: str) -> str:
    return _CODE.sub(lambda hit: f"`{hit[0].strip(chr(39))}`", text)


def page(name: str) -> str:
    """Returns a page as it is to be: with its table between the markers."""
    before, begin, rest = (ROOT / name).read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{name} has no {BEGIN} before {END}.")
    return f"{before}{begin}{PAGES[name]()}{end}{after}"


if __name__ == "__main__":
    for path in PAGES:
        (ROOT / path).write_text(page(path), encoding="utf-8")

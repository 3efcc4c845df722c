# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the site's pages of roles, modules and filters, from the index that antsibull-docs writes. The names alone stand in the navigation."""

from __future__ import annotations

import re
import typing as t

from sphinx.application import Sphinx

ENTRY = re.compile(r"^\* :ansplugin:`(\w+) (\w+) <([^>]+)>` -- (.+)$", re.MULTILINE)
KINDS = {"role": "Roles", "module": "Modules", "filter": "Filters"}
# The lab is for tests.
LAST = "incident_lab"


class Entry(t.NamedTuple):
    """A plugin or a role."""

    name: str
    kind: str
    link: str
    words: str


def write(app: Sphinx) -> None:
    """Writes the pages before Sphinx looks for pages."""
    folder = app.srcdir / "collection"
    entries = [Entry(*found) for found in ENTRY.findall((folder / "index.rst").read_text(encoding="utf-8"))]
    for kind, title in KINDS.items():
        chosen = sorted((one for one in entries if one.kind == kind), key=lambda one: (one.name == LAST, one.name))
        (folder / f"{title.lower()}.rst").write_text(page(title, chosen), encoding="utf-8")


def page(title: str, entries: t.Sequence[Entry]) -> str:
    """Returns the page of one kind."""
    named = "".join(f"   {one.name} <{one.name}_{one.kind}>\n" for one in entries)
    rows = "".join(f"   * - :ansplugin:`{one.name} <{one.link}>`\n     - {one.words}.\n" for one in entries)
    return f"{title}\n{'=' * len(title)}\n\n.. toctree::\n   :hidden:\n\n{named}\n.. list-table::\n   :widths: auto\n\n{rows}"

# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the head of a column into each of its cells. A phone shows a table cell by cell, where a head above would be far away; site.css hides it elsewhere."""

from __future__ import annotations

import typing as t

from docutils import nodes
from sphinx.application import Sphinx

# Of two columns, the second one tells of the first.
FEWEST_COLUMNS = 3


def name_cells(_app: Sphinx, doctree: nodes.document, _page: str) -> None:
    """Names the cells of each table that has heads, but for the first cell of a row, which is the heading of the others."""
    for table in doctree.findall(nodes.table):
        heads = [entry.astext() for head in table.findall(nodes.thead) for entry in head.findall(nodes.entry)]
        if len(heads) >= FEWEST_COLUMNS:
            for row in _body(table):
                _name(row, heads)


def _body(table: nodes.table) -> t.Iterator[nodes.row]:
    return (row for body in table.findall(nodes.tbody) for row in body.findall(nodes.row))


def _name(row: nodes.row, heads: t.Sequence[str]) -> None:
    for entry, head in list(zip(row.children, heads))[1:]:
        if head and entry.astext():
            entry.insert(0, nodes.paragraph("", head, classes=["column-name"]))  # type: ignore[attr-defined]

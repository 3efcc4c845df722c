# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes sentences.js, every heading, paragraph, line and row of a table on the site with its place, for search.js to look in.

Sphinx's own index knows words without their order, and drops the most frequent ones, so a message that is pasted is not found by it.
"""

from __future__ import annotations

import json
import typing as t

from docutils import nodes
from sphinx.application import Sphinx

# A longer row is a page of its own, and its parts are looked in one by one.
LONGEST_ROW = 1200
Blocks = dict[tuple[str, str], list[str]]


def collect(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keeps what a page says, by its sections."""
    blocks: Blocks = {}
    for node, words in _blocks(doctree):
        section = _section(node)
        anchor = section["ids"][0] if section and section.parent is not doctree else ""
        title = section.next_node(nodes.title).astext() if section else ""
        blocks.setdefault((anchor, title), []).append(" ".join(words.split()))
    _kept(app)[page] = blocks


def _blocks(doctree: nodes.document) -> t.Iterator[tuple[nodes.Node, str]]:
    for node in doctree.findall(lambda one: isinstance(one, (nodes.title, nodes.paragraph, nodes.literal_block, nodes.term, nodes.row))):
        if isinstance(node, nodes.literal_block):
            yield from ((node, line) for line in node.astext().splitlines() if line.strip())
        elif isinstance(node, nodes.row):
            if _whole(node):
                yield node, " \u2192 ".join(cell.astext() for cell in node.children)
        elif not _in_whole_row(node):
            yield node, node.astext()


def _whole(row: nodes.Node) -> bool:
    return len(row.astext()) < LONGEST_ROW


def _above(node: nodes.Node, kind: type[nodes.Element]) -> t.Iterator[nodes.Element]:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kind):
            yield node


def _in_whole_row(node: nodes.Node) -> bool:
    return any(_whole(row) for row in _above(node, nodes.row))


def _section(node: nodes.Node) -> nodes.Element | None:
    return next(_above(node, nodes.section), None)


def _kept(app: Sphinx) -> dict[str, Blocks]:
    if not hasattr(app, "sentences"):
        app.sentences = {}  # type: ignore[attr-defined]
    return t.cast("dict[str, Blocks]", app.sentences)  # type: ignore[attr-defined]


def serve(app: Sphinx, page: str, _template: str, _context: t.Any, _doctree: t.Any) -> None:
    """Gives the search page what it looks in. It is the last page that is written."""
    if page == "search":
        (app.outdir / "_static" / "sentences.js").write_text(f"const SENTENCES = {written(app)};\n", encoding="utf-8")
        app.add_js_file("sentences.js")
        app.add_js_file("search.js", defer="defer")


def written(app: Sphinx) -> str:
    """Returns a list of [page's address, page's title, anchor, section's title, sentences]."""
    titles = {page: title.astext() for page, title in app.env.titles.items()}
    found = [
        [app.builder.get_target_uri(page), titles[page], anchor, title, list(dict.fromkeys(words))]
        for page, blocks in sorted(_kept(app).items())
        for (anchor, title), words in blocks.items()
    ]
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))

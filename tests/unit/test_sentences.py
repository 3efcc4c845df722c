# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of sentences: each sentence is used, and with all its fields, so that no error path ends in a KeyError.

Seen to fail: with ``image=`` taken out of guards.answers_elsewhere, and with a sentence that nothing uses.
"""

from __future__ import annotations

import ast
import importlib
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fields
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

PACKAGE = "ansible_collections.cephops.iscsi_rescue.plugins."
TABLES = sorted(path.relative_to(ROOT / "plugins") for path in (ROOT / "plugins").rglob("reasons.py"))


class Use(t.NamedTuple):
    """``given``: the fields that the call of format() fills, None where the sentence is not formatted."""

    table: str
    name: str
    given: t.Optional[frozenset[str]]
    where: str


def sentences(table: str) -> dict[str, str]:
    found = vars(importlib.import_module(table))
    return {name: text for name, text in found.items() if name.isupper() and isinstance(text, str)}


def uses() -> t.Iterator[Use]:
    """Yields every use of a sentence below plugins/."""
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tables, single = _imported(tree)
        filled = {id(call.func.value): call for call in ast.walk(tree) if isinstance(call, ast.Call) and _is_format(call.func)}  # type: ignore[attr-defined]
        for node in ast.walk(tree):
            named = _named(node, tables, single)
            if named:
                call = filled.get(id(node))
                given = frozenset(word.arg or "**" for word in call.keywords) if call else None
                yield Use(*named, given, f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]


def _is_format(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and function.attr == "format"


def _imported(tree: ast.AST) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
    """Returns local name -> table, and local name -> (table, sentence)."""
    tables: dict[str, str] = {}
    single: dict[str, tuple[str, str]] = {}
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module):
        for name in node.names:
            if name.name == "reasons":
                tables[name.asname or name.name] = f"{node.module}.reasons"
            elif str(node.module).endswith(".reasons"):
                single[name.asname or name.name] = (str(node.module), name.name)
    return tables, single


def _named(node: ast.AST, tables: t.Mapping[str, str], single: t.Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in tables and node.attr.isupper():
        return tables[node.value.id], node.attr
    return single.get(node.id) if isinstance(node, ast.Name) else None


USES = list(uses())


@pytest.mark.parametrize("use", [use for use in USES if use.given is not None], ids=lambda use: f"{use.where} {use.name}")
def test_a_sentence_gets_all_its_fields(use: Use) -> None:
    assert use.given == frozenset(fields(sentences(use.table)[use.name]))


@pytest.mark.parametrize("path", TABLES, ids=str)
def test_every_sentence_is_used(path: t.Any) -> None:
    table = PACKAGE + ".".join(path.with_suffix("").parts)
    assert {use.name for use in USES if use.table == table} == set(sentences(table))


@pytest.mark.parametrize("path", TABLES, ids=str)
def test_no_two_sentences_are_the_same(path: t.Any) -> None:
    told = list(sentences(PACKAGE + ".".join(path.with_suffix("").parts)).values())
    assert sorted(told) == sorted(set(told))

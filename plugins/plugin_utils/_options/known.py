# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds options that a role or a playbook does not know: a misspelt option would silently have no effect. Reads the collection's own files."""

from __future__ import annotations

import difflib
import typing as t
from pathlib import Path

import yaml

_COLLECTION = Path(__file__).parents[3]
_PLAYBOOKS = _COLLECTION / "playbooks" / "vars" / "options.yml"


def unknown(names: t.Iterable[str], known: t.Collection[str], what: str = "option") -> list[str]:
    """Returns a sentence for each of ``names`` that is not ``known``, with the nearest known name."""
    return [_sentence(name, known, what) for name in sorted({*names} - {*known})]


def _sentence(name: str, known: t.Collection[str], what: str) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"There is no {what} {name}" + (f": did you mean {near[0]}?" if near else f". Known names: {', '.join(sorted(known))}.")


def of_prefixes(names: t.Iterable[str], prefixes: t.Collection[str]) -> list[str]:
    """Returns a sentence for each variable that begins with one of these prefixes, such as ``remediate_watchers``, and is no option of it.

    The collection's own results are known, too. Raises KeyError for an unknown prefix.
    """
    every = list(names)
    found = {prefix: [name for name in every if name.startswith(f"{prefix}_")] for prefix in prefixes}
    return [words for prefix, own in found.items() for words in unknown(own, known_of(prefix))]


def known_of(prefix: str) -> list[str]:
    """Returns the options of a role or a playbook, and its results."""
    told = yaml.safe_load(_PLAYBOOKS.read_text(encoding="utf-8"))[prefix]
    return [*told.get("options", {}), *told.get("results", []), *(_of_role(prefix) if told.get("role") else [])]


def _of_role(name: str) -> list[str]:
    """Returns the options of a role's argument spec, of all its entry points."""
    spec = yaml.safe_load((_COLLECTION / "roles" / name / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    return [option for entry in spec.values() for option in entry.get("options", {})]

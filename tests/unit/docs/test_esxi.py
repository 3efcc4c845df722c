# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page on ESXi's logs shows every kind of line, and each of its examples is read as the page says."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import failure_pattern, kinds, next_steps, vmkernel
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

PAGE = (ROOT / "docs" / "esxi.md").read_text(encoding="utf-8")
# A heading of a kind and its detail, what is said of it, and the lines.
SECTIONS = re.findall(r"^#### `(\w+)`(?:, `(\w+)`)?\n(?:(?!#).*\n)*?```text\n((?:(?!```).*\n)+)```", PAGE, re.MULTILINE)
EXAMPLES = [(kind, detail, line) for kind, detail, lines in SECTIONS for line in lines.splitlines()]


@pytest.mark.parametrize(("kind", "detail", "line"), EXAMPLES)
def test_an_example_is_read_as_the_page_says(kind: str, detail: str, line: str) -> None:
    (event,) = vmkernel.events(line)["events"]
    assert (event["kind"], event["detail"]) == (kind, detail)
    assert event["device"] or event["path"] or event["session"] or event["volume"] or event["volume_name"]


def test_every_kind_and_every_detail_has_an_example() -> None:
    assert {kind for kind, _detail, _line in EXAMPLES} == set(t.get_args(kinds.Kind))
    assert {detail for _kind, detail, _line in EXAMPLES} == set(t.get_args(kinds.Detail))


@pytest.mark.parametrize("pattern", t.get_args(failure_pattern.Pattern))
def test_every_pattern_has_its_words_and_its_step(pattern: failure_pattern.Pattern) -> None:
    words = failure_pattern.WORDS[pattern]
    assert f"| `{pattern}` | {words[0].upper()}{words[1:]}. | {next_steps.PATTERNS[pattern]} |" in PAGE


def test_the_page_tells_what_to_do_without_an_image() -> None:
    assert next_steps.WITHOUT_IMAGE in re.sub(r"\s+", " ", PAGE)


@pytest.mark.parametrize("seen", next_steps.DETAILS)
def test_every_further_step_is_on_the_page(seen: str) -> None:
    assert f"| `{seen}` | {next_steps.DETAILS[seen]} |" in PAGE
    assert seen in (*t.get_args(kinds.Kind), *t.get_args(kinds.Detail))

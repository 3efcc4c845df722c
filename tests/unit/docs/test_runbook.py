# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runbook says that the collection prints is what it prints."""

from __future__ import annotations

import ast
import re
import typing as t
from string import Formatter

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STATES
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice, messages, next_steps
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

# The page as it is, without line breaks.
PAGE = re.sub(r"\s+", " ", (ROOT / "docs" / "runbook.md").read_text())
STEPS = [
    *(outcome.step for outcome in OUTCOMES.values() if not outcome.by_item),
    *(step for table in (next_steps.STATES, next_steps.REASONS, next_steps.OPEN) for step in table.values()),
]

# What stands for something that differs, and what parts of a line are joined by.
_WORDS = "ADDRESS CONF ENTRY GAP HEADER HOST IMAGE INITIATOR LUN M N OSD PG POOL PORTAL REASON REASONS RULE RUN STATE TARGET TIME USER VERDICT WHAT"
BETWEEN = re.compile(rf"\b(?:{_WORDS.replace(' ', '|')})\b|[;,:'] | \(|\)")


def printed(*without: str) -> str:
    """Every text in the code, and the tasks as they are."""
    # What is to be done says nothing of what is given as a reason.
    code = [path for folder in ("plugins", "roles") for path in (ROOT / folder).rglob("*.py") if path.name not in without]
    trees = [ast.parse(path.read_text()) for path in code]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    tasks = [re.sub(r"\s+", " ", path.read_text()) for folder in ("playbooks", "roles") for path in (ROOT / folder).rglob("*.yml")]
    return "\n".join(texts + tasks)


def quoted() -> t.Iterator[str]:
    """What is quoted in blocks of text, and in the first column of tables."""
    page = (ROOT / "docs" / "runbook.md").read_text()
    for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL):
        yield from block.splitlines()
    yield from re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)


def shown(sentence: str) -> re.Pattern[str]:
    """Returns a pattern of the sentence as the runbook writes it, with a word in capitals for each field."""
    return re.compile("".join(re.escape(text) + ("[A-Z]+" if field is not None else "") for text, field, *_form in Formatter().parse(sentence)))


PRINTED = printed()


@pytest.mark.parametrize("line", list(quoted()))
def test_the_runbook_quotes_what_is_printed(line: str) -> None:
    parts = [part.strip(" .") for part in BETWEEN.split(line)]
    wanted = [part for part in parts if len(part) > 3]
    assert wanted
    assert [part for part in wanted if part not in PRINTED] == []


@pytest.mark.parametrize("step", dict.fromkeys(STEPS))
def test_the_runbook_has_every_next_step(step: str) -> None:
    assert step in PAGE


def test_every_state_has_a_next_step() -> None:
    assert set(next_steps.STATES) == set(STATES)


@pytest.mark.parametrize(
    "reason", re.findall(r"^\| `([^`]+)` \|", (ROOT / "docs" / "runbook.md").read_text().partition("### A guard")[2].partition("###")[0], re.MULTILINE)
)
def test_the_runbook_gives_each_reason_the_step_that_a_run_gives(reason: str) -> None:
    assert f"| `{reason}` | {next_steps.of_refusal('stale_duplicate', [reason])} |" in PAGE
    assert next_steps.of_refusal("contested", [reason]) not in next_steps.STATES.values()


@pytest.mark.parametrize("sentence", [*next_steps.REASONS, *advice.KEPT])
def test_the_runbook_quotes_every_reason_with_a_step(sentence: str) -> None:
    assert shown(sentence).search(PAGE)


@pytest.mark.parametrize("sentence", [*next_steps.REASONS, *advice.KEPT])
def test_every_reason_with_a_step_is_one_that_is_given(sentence: str) -> None:
    assert sentence in printed("next_steps.py", "advice.py")


@pytest.mark.parametrize("name", ["PROTECTED_BY", "TOO_MANY", "BEHIND_LUN", "LUNS_UNTOLD", "TCMU_RUNNER", "NO_PROOF_OF_SERVICE", "PASSED_OVER"])
def test_the_runbook_has_every_reason_of_the_role_in_full(name: str) -> None:
    """Compares it with its fields in capitals."""
    message: str = getattr(messages, name)
    assert re.sub(r"{(\w+)}", lambda hit: hit[1].upper(), message) in PAGE

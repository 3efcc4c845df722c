# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the workflows and CONTRIBUTING call is there: targets of the Makefile, and actions pinned by version."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w.-]+@v\d+\.\d+\.\d+")

# ansible-test takes a copy of what is committed or new, .github included; an installed artifact has none.
pytestmark = pytest.mark.skipif(not WORKFLOWS, reason="no .github here")


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8") + (ROOT / "tests/tests.mk").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*)(?: [a-z -]+)?:(?!=)", text, re.MULTILINE))


def called(text: str) -> set[str]:
    """Returns the targets of every `make ...` in a text."""
    words = [re.sub(r'#.*|"[^"]*"', "", line).split() for line in re.findall(r"\bmake ([^`\n;&|]+)", text)]
    return {word for line in words for word in line if re.fullmatch(r"[a-z][a-z-]*", word)}


def steps(workflow: Path) -> t.Iterator[dict[str, t.Any]]:
    for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_is_there(workflow: Path) -> None:
    wanted = {target for step in steps(workflow) for line in step.get("run", "").splitlines() if line.startswith("make ") for target in called(line)}
    assert wanted
    assert wanted <= targets()


def test_those_of_contributing_are_there() -> None:
    wanted = called("\n".join(re.findall(r"(?:^    |`)(make .*?)(?:`|$)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)))
    assert len(wanted) > 5
    assert wanted <= targets()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_version(workflow: Path) -> None:
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []

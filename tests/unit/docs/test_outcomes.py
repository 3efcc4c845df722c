# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of outcomes in README and the runbook are those of the code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "docs"))
import outcomes  # type: ignore[import-not-found]  # noqa: E402


@pytest.mark.parametrize("name", outcomes.PAGES)
def test_the_tables_of_outcomes_are_up_to_date(name: str) -> None:
    """Fails until make docs-options is run."""
    assert (ROOT / name).read_text(encoding="utf-8") == outcomes.page(name)


@pytest.mark.parametrize("name", OUTCOMES)
def test_the_runbook_has_a_section_for_each_outcome(name: str) -> None:
    assert f"\n## {name}\n" in (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")

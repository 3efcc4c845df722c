# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The list of all options in docs/ is that of the code."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "docs"))
import options  # type: ignore[import-not-found]  # noqa: E402


def test_the_list_of_options_is_up_to_date() -> None:
    """Else run make docs-options."""
    assert (ROOT / "docs" / "options.md").read_text(encoding="utf-8") == options.page()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of faults say of the code by name or by its text: while it is out of date, they take out no guard, and kill nothing."""

from __future__ import annotations

import sys

import pytest
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

sys.path.insert(0, str(ROOT / "tests"))
sys.path.insert(0, str(ROOT / "tests/faults"))
import guards_out
import kill_module


@pytest.mark.parametrize("guard", guards_out.GUARDS, ids=lambda guard: guard.name)
def test_the_code_has_each_guard(guard: guards_out.Guard) -> None:
    assert guard.guard in (ROOT / guard.file).read_text(encoding="utf-8")


def test_the_code_that_is_killed_is_there() -> None:
    rooms = [ROOT / "plugins" / room.strip("/") for room in kill_module.CODE]
    assert [room for room in rooms if not room.is_dir()] == []
    assert [name for name in kill_module.CHANGES if not any((room / name).is_file() for room in rooms)] == []

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What dynamic_debug would set, from a captured control file. That the kernel does so is in tests/kernel/cases/test_dynamic_debug.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import dynamic_debug
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.debug_control import Match, Site
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import text

RESERVE = Match(func="target_scsi2_reservation_reserve", format="SCSI-2 Reserved")


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "control"
    path.write_text(text("dynamic_debug-control").replace("=pflt ", "=_ "))
    monkeypatch.setattr(dynamic_debug, "CONTROLS", (str(path),))
    return path


def found() -> list[Site]:
    return dynamic_debug.change([RESERVE], "p", "present", missing_ok=False, dry_run=True).before


def switch(control: Path, old: str, new: str) -> None:
    lines = control.read_text().splitlines()
    control.write_text("\n".join(line.replace(f"={old} ", f"={new} ") if "SCSI-2 Reserved" in line else line for line in lines))


def undone(recorded: list[Site]) -> list[frozenset[str]]:
    return [site.flags for site in dynamic_debug.undo(recorded, "p", dry_run=True).after]


def test_of_two_runs_that_overlap_the_second_puts_nothing_back(control: Path) -> None:
    first = found()
    switch(control, "_", "p")
    second = found()
    assert (undone(first), undone(second)) == ([frozenset()], [frozenset("p")])
    switch(control, "p", "_")
    assert undone(second) == [frozenset()]


def test_what_others_set_meanwhile_stays(control: Path) -> None:
    recorded = found()
    switch(control, "_", "pft")
    assert undone(recorded) == [frozenset("ft")]


def test_a_site_that_is_gone_is_left_out(control: Path) -> None:
    recorded = found()
    control.write_text("")
    assert undone(recorded) == []

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.reasons import NEVER
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.artifacts import of_result
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.test_outcome import ADDRESS, FENCED, FREED, IDLE, KEPT, conclude, detected, image


def left(decision: str, **parts: t.Any) -> list[t.Any]:
    return list(of_result(t.cast(t.Any, conclude(decision, **parts))).values())


@pytest.mark.parametrize(
    ("found", "artifacts"),
    [
        (left("leave"), ["nothing_to_do", [], [], [], [], [], False]),
        (left("refuse"), ["refused", [], [], [], ["rbd/lun"], [], False]),
        (left("fence", check_mode=True, fenced=FENCED), ["would_heal", ["rbd/lun"], [ADDRESS], [], [], [], False]),
        (left("fence", check_mode=True, error="no cluster"), ["failed", [], [], [], [], [], False]),
        (left("fence", fenced=FENCED, restored=FREED), ["healed", [], [], ["rbd/lun"], [], [], False]),
        (left("fence", fenced=FENCED, restored={**IDLE, "kept": [KEPT]}), ["healed_restore_pending", [], [], ["rbd/lun"], [], [ADDRESS], False]),
    ],
)
def test_what_a_workflow_can_branch_on(found: list[t.Any], artifacts: list[t.Any]) -> None:
    assert found == artifacts


def test_what_would_be_healed_is_told_beside_what_is_refused() -> None:
    """The outcome alone is refused then, and an approval would never be asked for."""
    both = detected("fence")
    both["images"].append({**image("refuse"), "spec": "rbd/other"})
    assert left("fence", check_mode=True, fenced=FENCED, detected=both)[:5] == ["refused", ["rbd/lun"], [ADDRESS], [], ["rbd/other"]]


def test_a_client_that_stays_by_the_operators_setting_is_not_told() -> None:
    kept = {**KEPT, "reason": NEVER}
    assert left("fence", fenced=FENCED, restored={**IDLE, "kept": [kept]})[5] == []


def test_a_fence_that_failed_may_have_left_entries() -> None:
    assert left("fence", error="Fence: no", fenced={"failed": True, "msg": "no"}, restored={})[6] is True


def test_no_artifact_can_win_over_an_option() -> None:
    prefixes = yaml.safe_load((ROOT / "playbooks" / "vars" / "options.yml").read_text())
    names = of_result(t.cast(t.Any, conclude("leave")))
    assert not [name for name in names for prefix in prefixes if name.startswith(f"{prefix}_")]

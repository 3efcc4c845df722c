# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _remediation

ADDRESS = "192.0.2.7:0/1193546917"
WATCHERS = [
    {"address": "192.0.2.8:0/1", "liveness": "alive", "reasons": ["it acknowledged the notify"]},
    {"address": ADDRESS, "liveness": "orphaned", "reasons": ["it did not answer"]},
]


def image(decision: str) -> dict[str, t.Any]:
    state = {"fence": "stale_duplicate", "refuse": "contested", "leave": "normal"}[decision]
    return {"spec": "rbd/lun", "header": "rbd_header.1", "state": state, "decision": decision, "reasons": ["2 watchers"], "watchers": WATCHERS}


def culprit(verdict: str) -> dict[str, t.Any]:
    return {"address": ADDRESS, "client": "client.1", "images": ["rbd/lun"], "verdict": verdict, "reasons": ["it did not answer"]}


def detected(decision: str) -> dict[str, t.Any]:
    culprits = [culprit("fence")] if decision == "fence" else []
    return {"images": [image(decision)], "culprits": culprits, "counts": {"images": 1}}


SKIPPED: dict[str, t.Any] = {"skipped": True, "changed": False}
IDLE: dict[str, t.Any] = {"before": {}, "after": {}, "added": [], "removed": [], "kept": [], "closed": []}
KEPT = {"address": ADDRESS, "until": "2026-11-22", "reason": "the client still lives"}
FENCED = {**IDLE, "added": [ADDRESS], "after": {ADDRESS: "then"}}
FREED = {**IDLE, "before": {ADDRESS: "then"}, "removed": [ADDRESS], "closed": [ADDRESS]}


def conclude(decision: str, run: dict[str, t.Any] | None = None, **tasks: t.Any) -> dict[str, t.Any]:
    base = {"resumed": IDLE, "detected": detected(decision), "fenced": SKIPPED, "verified": SKIPPED, "restored": SKIPPED}
    whole = {"id": "run", "began": 10.0, "ended": 22.34, "error": "", "check_mode": False, "restore": "when_gone", **(run or {})}
    return _remediation.result(whole, {**base, "probes_before": [], "probes_after": [], **tasks})


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        ("nothing_to_do", conclude("leave")),
        ("healed", conclude("leave", resumed=FREED)),
        ("healed_restore_pending", conclude("leave", resumed={**IDLE, "kept": [KEPT]})),
        ("refused", conclude("refuse")),
        ("refused", conclude("refuse", fenced=FENCED, restored=FREED)),
        ("healed", conclude("fence", fenced=FENCED, restored=FREED)),
        ("healed_restore_pending", conclude("fence", fenced=FENCED, restored={**IDLE, "kept": [KEPT]})),
        ("healed_restore_pending", conclude("fence", {"restore": "never"}, fenced=FENCED, resumed=SKIPPED)),
        ("nothing_to_do", conclude("fence", fenced=IDLE, restored=IDLE)),
        ("would_heal", conclude("fence", {"check_mode": True}, fenced=FENCED)),
        ("would_heal", conclude("leave", {"check_mode": True}, resumed=FREED)),
        ("failed", conclude("fence", {"error": "Verify: no"}, fenced=FENCED, restored=FREED)),
    ],
)
def test_outcomes(outcome: str, result: dict[str, t.Any]) -> None:
    assert result["outcome"] == outcome
    lines = _remediation.summary(result)
    assert lines[0].startswith(f"{outcome}, looked at 1 image in 12.3 s")
    assert lines[-1].startswith("next: ")


def test_check_mode_fences_nobody() -> None:
    result = conclude("fence", {"check_mode": True}, fenced=FENCED)
    assert result["fenced"] == []


def test_the_blacklist_is_compared_with_what_it_was_at_first() -> None:
    result = conclude("fence", fenced=FENCED, restored=FREED)
    assert result["blacklist_before"] == result["blacklist_after"] == {}
    assert "blacklist: 0 entries, the same as before" in _remediation.summary(result)


def test_nothing_is_said_of_a_blacklist_that_nobody_read() -> None:
    lines = _remediation.summary(conclude("leave", {"restore": "never"}, resumed=SKIPPED))
    assert not [line for line in lines if line.startswith("blacklist")]


def test_check_mode_says_would_beside_a_refusal_too() -> None:
    both = {"images": [image("fence"), {**image("refuse"), "spec": "rbd/two"}], "culprits": [culprit("fence")], "counts": {"images": 2}}
    lines = _remediation.summary(conclude("fence", {"check_mode": True}, detected=both, fenced=FENCED))
    assert f"blacklist: would be added {ADDRESS}" in lines
    assert "rbd/two: refused, contested, 2 watchers" in lines


def test_templates_may_hand_numbers_over_as_text() -> None:
    assert conclude("leave", {"began": "10.0", "ended": "22.34"})["seconds"] == 12.3


def test_check_mode_says_would() -> None:
    lines = _remediation.summary(conclude("fence", {"check_mode": True}, resumed={**IDLE}, fenced=FENCED))
    assert f"blacklist: would be added {ADDRESS}" in lines


def test_a_lun_that_was_not_probed_is_not_called_healthy() -> None:
    assert any("only the watchers tell" in line for line in _remediation.summary(conclude("fence", fenced=FENCED, restored=FREED)))


def test_probes_are_shown_before_and_after() -> None:
    def probed(verdict: str, seconds: float) -> dict[str, t.Any]:
        step = {"name": "flush", "seconds": seconds}
        return {
            "item": {"image": "rbd/lun", "lun": 1},
            "verdict": verdict,
            "reason": "flush had no answer within 9.5 s",
            "steps": [step],
            "identity": {},
            "registrants": [],
        }

    before, after = [probed("hung", 9.5)], [probed("healthy", 0.01)]
    result = conclude("fence", fenced=FENCED, restored=FREED, probes_before=before, probes_after=after)
    assert "rbd/lun: LUN 1 hung (flush had no answer within 9.5 s) -> healthy (longest step flush, 0.01 s)" in _remediation.summary(result)


def test_the_plan_names_evidence_and_refusals() -> None:
    assert _remediation.plan(detected("fence")) == [f"fence {ADDRESS} (client.1): it did not answer"]
    assert _remediation.plan(detected("refuse")) == ["refuse rbd/lun (contested): 2 watchers"]

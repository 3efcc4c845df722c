# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The screen on which the demo ends: that it fits, tells the story, and that a broken promise is a failure."""

from __future__ import annotations

import sys
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._report.test_report import DEAD, image, probe, run, run_detected, watcher

sys.path.insert(0, str(ROOT / "tests"))
import demo_summary

WHY = "it did not answer the notify and has no session on any monitor: the client is gone, or silent for over 5 minutes"
SYMPTOM = (
    "2019-10-08T07:10:25.198Z cpu13:35761 opID=e02aea1b)WARNING: Fil3: 2415: Failed to reserve volume f530 28 1 5a9d48e2 f2d01afa a00cc00 98e697f7 0 0 0 0"
)
TARGET = "iqn.2026-11.invalid.cephops.iscsi-rescue:lab"


def look(verdict: str, *watchers: str, blocked: int = 0) -> dict[str, t.Any]:
    """The lab as playbooks/lab_show.yml keeps it."""
    hung = {"name": "flush", "seconds": 9.4959, "status": "no_answer"}
    steps = [{"name": name, "seconds": 0.0001, "status": "good"} for name in ("reserve", "read", "flush")]
    probes = [{"verdict": verdict, "steps": [*steps[:2], hung] if verdict == "hung" else steps}]
    return {"probes": probes, "images": [{"watchers": [{"liveness": one} for one in watchers]}], "blacklist": {DEAD: "later"} if blocked else {}}


SHOWN = {"healthy": look("healthy", "alive"), "before": look("hung", "alive", "orphaned"), "after": look("healthy", "alive")}
DEAD_ONE = {**watcher(DEAD, True, "orphaned"), "client": "client.4141", "reasons": [WHY]}


def result() -> dict[str, t.Any]:
    lun = {"portal": "127.0.0.1:20302", "target": TARGET, "lun": 1}
    return run(
        "rbd/datastore1",
        detected={**run_detected(), "images": [image("rbd/datastore1", watchers=[watcher("192.0.2.8:0/1"), DEAD_ONE])], "culprits": []},
        verified={"images": [image("rbd/datastore1", state="normal", decision="leave", watchers=[watcher("192.0.2.8:0/1", True)])]},
        probes_before=[probe("rbd/datastore1", "hung", reason="flush had no answer within 9.5 s", **lun)],
        probes_after=[probe("rbd/datastore1", "healthy", proof="cache", **lun)],
    )


def screen() -> list[str]:
    return demo_summary.screen(SHOWN, result(), SYMPTOM)


def test_it_fits_on_a_screen() -> None:
    assert len(screen()) + 1 <= 24
    assert max(map(len, screen())) <= 80


@pytest.mark.parametrize(
    "line",
    [
        "Symptom   ESXi: Fil3: 2415: Failed to reserve volume f530 28 1",
        "          LUN 1, image rbd/datastore1: hung, flush had no answer within 9.5 s",
        f"Culprit   {DEAD} (client.4141): fenced",
        "          It did not answer the notify and has no session on any monitor: the",
        "Proof                at first            broken              healed",
        "          LUN        healthy             hung                healthy",
        "          flush      0.1 ms              timed out, 9.5 s    0.1 ms",
        "          watchers   alive               alive, orphaned     alive",
        "          A second run changed nothing.",
        "Time      Healed in 23.2 s: detect 7.0, probe before 10.5, fence 2.0",
    ],
)
def test_it_tells_symptom_culprit_proof_and_time(line: str) -> None:
    assert any(one.startswith(line) for one in screen()), screen()


def test_all_promises_are_kept() -> None:
    assert demo_summary.broken(SHOWN, result(), SYMPTOM, "changed=0") is None


@pytest.mark.parametrize(
    ("shown", "outcome", "symptom", "second_run", "words"),
    [
        ({}, "healed", "", "changed=0", "ESXi's log has no symptom"),
        ({"before": look("healthy", "alive")}, "healed", SYMPTOM, "changed=0", "the LUN was not hung before"),
        ({}, "refused", SYMPTOM, "changed=0", "the run did not heal"),
        ({"after": look("hung", "alive")}, "healed", SYMPTOM, "changed=0", "the LUN is not healthy afterwards"),
        ({"after": look("healthy", "alive", blocked=1)}, "healed", SYMPTOM, "changed=0", "the blocklist is not as it was"),
        ({}, "healed", SYMPTOM, "lab : ok=9 changed=2\nlocalhost : changed=0", "the second run changed something"),
        ({}, "healed", SYMPTOM, "", "the second run changed something"),
    ],
)
def test_a_broken_promise_is_a_failure(shown: dict[str, t.Any], outcome: str, symptom: str, second_run: str, words: str) -> None:
    assert demo_summary.broken({**SHOWN, **shown}, {**result(), "outcome": outcome}, symptom, second_run) == f"The demo failed: {words}."

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import plan
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.test_outcome import ADDRESS, detected, image


def test_the_plan_names_evidence_and_refusals() -> None:
    assert plan.lines(detected("fence")) == [f"fence {ADDRESS} (client.1): it did not answer"]
    assert plan.lines(detected("refuse")) == ["refuse rbd/lun (contested): 2 watchers"]


def test_the_plan_says_what_was_not_seen() -> None:
    assert plan.lines({**detected("leave"), "incomplete": ["osd.2 did not answer"]}) == ["not seen: osd.2 did not answer"]


def test_the_plan_of_a_fleet_stays_readable() -> None:
    many = [{**image("refuse"), "spec": f"rbd/lun{number}"} for number in range(100)]
    assert plan.lines({**detected("leave"), "images": many})[-1] == "... and 80 more images"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stand-in of AWX refuses what AWX refuses: the surveys that this collection made before were refused at a schedule, although each had defaults."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx import survey

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "awx"))
import answers  # type: ignore[import-not-found]  # noqa: E402

OPTIONS = yaml.safe_load((ROOT / "roles/remediate_watchers/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
ASKED = ["remediate_watchers_images", "remediate_watchers_expected", "remediate_watchers_max_fence", "remediate_watchers_restore"]
SPEC = survey.spec_of(OPTIONS, ASKED)["spec"]


def test_a_bare_launch_takes_every_default() -> None:
    assert answers.refused(SPEC, {}) == {}
    assert {*answers.taken(SPEC, {})} == {*ASKED}


def test_the_former_surveys_are_refused_as_awx_did() -> None:
    """By 'required' beside a default, which AWX does not look at."""
    former = [{**question, "required": True} if question["type"] == "textarea" else question for question in SPEC]
    assert answers.refused(former, {}) == {"variables_needed_to_start": ["'remediate_watchers_images' value missing"]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"remediate_watchers_images": ""}, "variables_needed_to_start"),
        ({"remediate_watchers_images": ["rbd/a"]}, "variables_needed_to_start"),
        ({"remediate_watchers_max_fence": "3"}, "variables_needed_to_start"),
        ({"remediate_watchers_max_fence": -1}, "variables_needed_to_start"),
        ({"remediate_watchers_restore": "sometimes"}, "variables_needed_to_start"),
        ({"remediate_watchers_report_dir": "/x"}, "extra_vars"),
    ],
)
def test_what_awx_refuses_is_refused(given: dict[str, t.Any], field: str) -> None:
    assert [*answers.refused(SPEC, given)] == [field]


def test_an_answer_that_keeps_the_rules_wins() -> None:
    given = {"remediate_watchers_images": "rbd/a", "remediate_watchers_max_fence": 3, "remediate_watchers_restore": "never"}
    assert answers.refused(SPEC, given) == {}
    assert {**answers.taken(SPEC, {}), **given} == answers.taken(SPEC, given)

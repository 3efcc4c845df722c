# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new kind of event needs besides its phrase: a row here says what the kind alone means."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import failure_pattern
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import Detail, Kind
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

# A kind without a rule would be "errors", and its image would be handed to remediate_watchers.
ALONE: dict[str, str] = {
    "reservation_conflict": "conflict",
    "reserve_failed": "hung",
    "reservation_lost": "errors",
    "timeout": "hung",
    "no_connection": "errors",
    "busy": "errors",
    "check_condition": "errors",
    "command_failed": "errors",
    "io_error": "errors",
    "path_in_doubt": "errors",
    "permanent_loss": "permanent_loss",
    "ats_miscompare": "miscompare",
    "out_of_space": "no_space",
    "lock_wait": "slow",
    "slow": "slow",
    "answered": "answers",
}
FILTER = (ROOT / "plugins" / "filter" / "vmkernel_events.yml").read_text()


def event(kind: str) -> dict[str, t.Any]:
    return {"kind": kind, "detail": "", "opcode": "0x2a", "host": "esx1", "times": 3}


def test_every_kind_has_a_row() -> None:
    """Good news ends an episode (episodes.py) and is not judged."""
    assert {*ALONE, "recovered"} == {*t.get_args(Kind)}


@pytest.mark.parametrize("kind", ALONE)
def test_what_a_kind_alone_means(kind: str) -> None:
    assert failure_pattern.of([event(kind)]) == ALONE[kind]


@pytest.mark.parametrize("kind", failure_pattern.HARMLESS)
@pytest.mark.parametrize("other", ["reservation_conflict", "slow"])
def test_what_a_healthy_device_answers_changes_no_verdict(kind: str, other: str) -> None:
    assert failure_pattern.of([event(other), event(kind)]) == failure_pattern.of([event(other)])


@pytest.mark.parametrize("name", [*t.get_args(Kind), *filter(None, t.get_args(Detail))])
def test_the_filter_lists_every_kind_and_detail(name: str) -> None:
    assert f"V({name})" in FILTER

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a step of a probe is shown, and which one says most about the write path."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import steps


def step(name: str, status: str = "good", seconds: float = 0.01) -> dict[str, t.Any]:
    return {"name": name, "status": status, "seconds": seconds}


@pytest.mark.parametrize(
    ("seconds", "label"), [(0, "under 0.1 ms"), (0.0001, "0.1 ms"), (0.0123, "12 ms"), (0.25, "250 ms"), (0.9996, "1000 ms"), (1, "1.0 s"), (9.5, "9.5 s")]
)
def test_seconds_in_words(seconds: float, label: str) -> None:
    assert steps.seconds(seconds) == label


@pytest.mark.parametrize(
    ("status", "words"), [("good", "10 ms"), ("no_answer", "timed out after 10 ms"), ("reservation_conflict", "reservation conflict, 10 ms")]
)
def test_a_step_says_how_it_ended(status: str, words: str) -> None:
    assert steps.words(t.cast(t.Any, step("flush", status))) == words


REFUSED, HUNG = step("ats", "check_condition"), step("flush", "no_answer", 9.5)


@pytest.mark.parametrize(
    ("sent", "chosen"),
    [
        ([], None),
        ([step("reserve")], None),
        ([REFUSED], REFUSED),
        ([REFUSED, step("flush")], step("flush")),
        ([step("ats"), step("flush")], step("ats")),
        ([step("ats"), HUNG], HUNG),
        ([REFUSED, HUNG], HUNG),
    ],
)
def test_the_write_path_is_told_by_what_failed_or_else_by_the_strongest_command(sent: list[dict[str, t.Any]], chosen: dict[str, t.Any] | None) -> None:
    assert steps.write(t.cast(t.Any, {"steps": sent})) == chosen

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the bars of the report's charts are, and what stands at them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import bars
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._report.test_report import probe


def chart(*spans: tuple[str, float, float]) -> bars.Chart:
    return bars.timeline([{"phase": phase, "begin": begin, "end": end, "what": ""} for phase, begin, end in spans])


def test_a_moment_has_no_width_and_a_short_phase_can_be_seen() -> None:
    rows = chart(("detect", 0, 600), ("notify", 1, 1.01), ("lock moved", 600, 600)).rows
    assert [(row.at, row.width) for row in rows] == [(0, 100), (0.17, 0.8), (100, 0)]
    assert [row.label for row in rows] == ["600.0 s", "0.0 s", "at 600.0 s"]


def test_what_changes_the_blocklist_and_what_failed_looks_different() -> None:
    rows = chart(("detect", 0, 1), ("fence", 1, 2), ("failed", 2, 3), ("restore", 3, 4)).rows
    assert [row.kind for row in rows] == ["looks", "acts", "fails", "acts"]


@pytest.mark.parametrize("whole", [0, 0.3, 7, 21.7, 61, 7200, 100_000])
def test_the_axis_has_a_few_marks_and_they_are_inside(whole: float) -> None:
    ticks = chart(("detect", 0, whole)).ticks
    assert 1 <= len(ticks) <= 7
    assert all(0 <= tick.at <= 100 for tick in ticks)


@pytest.mark.parametrize("span", [(0, 100_000), (100_000, 100_000), (0, 0), (99_990, 100_000)])
def test_a_bar_is_inside_of_its_track(span: tuple[float, float]) -> None:
    row = chart(("detect", 0, 100_000), ("fence", *span)).rows[1]
    assert 0 <= row.at <= row.at + row.width <= 100


def latency(before: dict[str, t.Any], after: dict[str, t.Any]) -> bars.Chart:
    return bars.latency(t.cast(t.Any, before), t.cast(t.Any, after))


def test_latency_has_a_pair_of_bars_for_each_step() -> None:
    found = latency(probe("x", "hung"), probe("x", "healthy"))
    assert [group.name for group in found.groups] == ["reserve", "flush"]
    flush = {one.when: one for one in found.groups[1].bars}
    assert (flush["before"].label, flush["after"].label) == ("timed out after 9.5 s", "12 ms")
    assert 100 > flush["before"].width > 2 * flush["after"].width > 0
    assert (found.ticks[0].label, found.ticks[-1].label) == ("0.1 ms", "10 s")
    assert latency({}, {}).groups == []


def test_a_step_that_comes_twice_has_a_row_for_each() -> None:
    twice = probe("x", "healthy", steps=[{"name": "read", "seconds": 0.1 * number, "status": "good"} for number in (1, 2)])
    assert [(group.name, [one.label for one in group.bars]) for group in latency({}, twice).groups] == [("read", ["100 ms"]), ("read, 2", ["200 ms"])]


def test_a_step_that_nothing_rests_on_matters_where_it_was_slow() -> None:
    steps = [{"name": "inquiry", "seconds": seconds, "status": "good"} for seconds in (0.001, 0.2)]
    assert [group.matters for group in latency({}, probe("x", "slow", steps=steps)).groups] == [False, True]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Computes where the bars of the report's charts begin and how long they are, in percent of their track. Pure."""

from __future__ import annotations

import math
import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import steps
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Probe, Step, TimelineEntry

# A bar that is shorter than this could not be seen.
_SHORTEST = 0.8
# Seconds between the marks of an axis; at most this many are drawn beside the zero.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
_MARKS = 6
# Latencies are from a tenth of a millisecond, to which the probe rounds them, to some ten seconds: the axis is logarithmic.
_FLOOR_S = 0.0001
# Phases that change the cluster, and those that only tell of a fault; all others look.
_KINDS = {"fence": "acts", "restore": "acts", "failed": "fails"}


class Tick(t.NamedTuple):
    """A mark of an axis."""

    at: float
    label: str


class Row(t.NamedTuple):
    """A phase of the timeline, or a moment, whose ``width`` is 0. ``kind``: ``acts``, ``fails`` or ``looks``."""

    entry: TimelineEntry
    kind: str
    at: float
    width: float
    label: str


class Bar(t.NamedTuple):
    """What one step of one probe took. ``when``: ``before`` or ``after``."""

    when: str
    width: float
    label: str


class Group(t.NamedTuple):
    """The bars of one step. ``matters``: see steps.matters()."""

    name: str
    bars: list[Bar]
    matters: bool


class Chart(t.NamedTuple):
    """An axis, and what is drawn on it: rows of a timeline, or groups of bars."""

    ticks: list[Tick]
    rows: list[Row]
    groups: list[Group]


def timeline(entries: t.Sequence[TimelineEntry]) -> Chart:
    """Returns a row for each phase and moment."""
    whole = max([entry["end"] for entry in entries] + [0.1])
    step = next((step for step in _STEPS if whole / step <= _MARKS), _STEPS[-1])
    ticks = [Tick(_percent(number * step, whole), f"{number * step:g} s") for number in range(int(whole / step) + 1)]
    return Chart(ticks, [_row(entry, whole) for entry in entries], [])


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, 2)


def _row(entry: TimelineEntry, whole: float) -> Row:
    """Lets a short bar at the end begin a little earlier, so that it stays inside."""
    took = entry["end"] - entry["begin"]
    width = max(_percent(took, whole), _SHORTEST) if took else 0
    at = min(_percent(entry["begin"], whole), 100 - width)
    return Row(entry, _KINDS.get(entry["phase"], "looks"), at, width, f"{took:.1f} s" if took else f"at {entry['end']:.1f} s")


def latency(before: Probe, after: Probe) -> Chart:
    """Returns two bars for each step of the probes of one LUN, ``before`` and ``after``; either can be {}."""
    probes = {when: _by_name(probe) for when, probe in (("before", before), ("after", after)) if probe}
    names = list(dict.fromkeys(name for found in probes.values() for name in found))
    longest = max([float(step["seconds"]) for found in probes.values() for step in found.values()] + [1.0])
    top = 10 ** math.ceil(math.log10(longest))
    ticks = [Tick(_logarithmic(_FLOOR_S * 10**power, top), _tick(power)) for power in range(round(math.log10(top / _FLOOR_S)) + 1)]
    return Chart(ticks, [], [_group(name, probes, top) for name in names])


def _by_name(probe: Probe) -> dict[str, Step]:
    """Returns name -> step; a step that comes again gets a number."""
    seen: Counter[str] = Counter()
    found = {}
    for step in probe["steps"]:
        seen[step["name"]] += 1
        found[step["name"] + (f", {seen[step['name']]}" if seen[step["name"]] > 1 else "")] = step
    return found


def _tick(power: int) -> str:
    """Names a power of ten, counted from the shortest time."""
    return f"{10 ** (power - 4)} s" if power >= 4 else f"{10 ** (power - 1):g} ms"


def _group(name: str, probes: t.Mapping[str, t.Mapping[str, Step]], top: float) -> Group:
    found = {when: taken[name] for when, taken in probes.items() if name in taken}
    bars = [Bar(when, _width(step, top), steps.words(step)) for when, step in found.items()]
    return Group(name, bars, any(map(steps.matters, found.values())))


def _width(step: Step, top: float) -> float:
    return max(_logarithmic(float(step["seconds"]), top), _SHORTEST)


def _logarithmic(seconds: float, top: float) -> float:
    return _percent(math.log(max(seconds, _FLOOR_S) / _FLOOR_S), math.log(top / _FLOOR_S))

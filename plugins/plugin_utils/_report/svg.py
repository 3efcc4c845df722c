# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the report's pictures have their lines: numbers for SVG, from a run's result. Pure."""

from __future__ import annotations

import math
import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Probe, Step, TimelineEntry

# In the units of the picture's viewBox.
WIDTH, LEFT, RIGHT = 900, 150, 90
ROW, TOP = 28, 30
# Of a pair of bars, and of one of them, with the room around it.
_PAIR, _BAR = 38, 16
_ROOM = WIDTH - LEFT - RIGHT
_SHORTEST = 3
# What the words behind the longest bar may take, beside the margin: "100.0 s, reservation conflict before".
_WORDS = 175
# Seconds between the marks of an axis; about six of them are drawn.
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)
# Latencies are from a tenth of a millisecond, to which the probe rounds them, to some ten seconds, so their axis is logarithmic.
_FLOOR_S = 0.0001


def timeline(entries: t.Sequence[TimelineEntry]) -> dict[str, t.Any]:
    """A row for each phase and moment.

    ``ticks`` and ``rows`` have ``x``; a row also ``y``, ``width`` (0 for a moment), ``label_x`` and ``anchor`` of its label, and what the entry says.
    """
    whole = max([entry["end"] for entry in entries] + [0.1])
    step = next((step for step in _STEPS if whole / step <= 7), _STEPS[-1])
    ticks = [{"x": _linear(number * step, whole), "label": f"{number * step:g} s"} for number in range(int(whole / step) + 1)]
    rows = [{**entry, **_row(entry, whole), "y": TOP + ROW * number} for number, entry in enumerate(entries)]
    return {"ticks": ticks, "rows": rows, "height": TOP + ROW * len(rows) + 8}


def _linear(seconds: float, whole: float) -> float:
    return round(LEFT + _ROOM * seconds / whole, 1)


def _row(entry: TimelineEntry, whole: float) -> dict[str, t.Any]:
    """Where there is no room behind the bar, the label is before it."""
    x, width = _linear(entry["begin"], whole), _width(entry, whole)
    end = x + (width + 6 if width else 14)
    before = end > WIDTH - RIGHT and x > WIDTH / 2
    return {"x": x, "width": width, "label_x": x - (6 if width else 14) if before else end, "anchor": "end" if before else "start"}


def _width(entry: TimelineEntry, whole: float) -> float:
    if entry["end"] == entry["begin"]:
        return 0
    return max(round(_ROOM * (entry["end"] - entry["begin"]) / whole, 1), _SHORTEST)


def latency(before: Probe, after: Probe) -> dict[str, t.Any]:
    """Two bars for each step of the probes of one LUN, ``before`` and ``after``; either may be {}."""
    probes = {when: _steps(probe) for when, probe in (("before", before), ("after", after)) if probe}
    names = list(dict.fromkeys(name for steps in probes.values() for name in steps))
    longest = max([float(step["seconds"]) for steps in probes.values() for step in steps.values()] + [1.0])
    top = 10 ** math.ceil(math.log10(longest))
    ticks = [{"x": _logarithmic(_FLOOR_S * 10**power, top), "label": _tick(power)} for power in range(round(math.log10(top / _FLOOR_S)) + 1)]
    groups = [{"name": name, "y": TOP + _PAIR * number, "bars": _bars(name, probes, top, TOP + _PAIR * number)} for number, name in enumerate(names)]
    return {"ticks": ticks, "groups": groups, "height": TOP + _PAIR * len(groups) + 8}


def _steps(probe: Probe) -> dict[str, Step]:
    """By name; a step that comes again is another one."""
    seen: Counter[str] = Counter()
    found = {}
    for step in probe["steps"]:
        seen[step["name"]] += 1
        found[step["name"] + (f", {seen[step['name']]}" if seen[step["name"]] > 1 else "")] = step
    return found


def _tick(power: int) -> str:
    """In powers of ten, counted from the shortest."""
    return f"{10 ** (power - 4)} s" if power >= 4 else f"{10 ** (power - 1):g} ms"


def _bars(name: str, probes: t.Mapping[str, t.Mapping[str, Step]], top: float, y: float) -> list[dict[str, t.Any]]:
    found = [(when, steps[name]) for when, steps in probes.items() if name in steps]
    return [
        {
            "when": when,
            "y": y + _BAR * number if len(found) > 1 else y + _BAR / 2,
            "width": max(round(_logarithmic(float(step["seconds"]), top) - LEFT, 1), _SHORTEST),
            "label": seconds(float(step["seconds"])) + ("" if step["status"] == "good" else f", {step['status'].replace('_', ' ')}"),
        }
        for number, (when, step) in enumerate(found)
    ]


def _logarithmic(seconds: float, top: float) -> float:
    share = math.log(max(seconds, _FLOOR_S) / _FLOOR_S) / math.log(top / _FLOOR_S)
    return round(LEFT + (_ROOM - _WORDS) * share, 1)


def seconds(value: float) -> str:
    """With as many digits as mean something."""
    if value >= 1:
        return f"{value:.1f} s"
    if value < _FLOOR_S:
        return "under 0.1 ms"
    return f"{value * 1000:.0f} ms" if value >= 0.1 else f"{value * 1000:.2g} ms"

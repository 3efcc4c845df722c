# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges a device by episodes of its events: the last one counts, unless an earlier one says more. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import failure_pattern, moments
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.failure_pattern import Pattern

Data = t.Mapping[str, t.Any]

# Within one hang, ESXi complains every few minutes at the most: an APD ends after 140 s, a volume's heartbeat is tried every 3 s.
GAP = 600
# How long a hang counts, even if a weaker episode follows it.
_DAY = 86_400
_YEAR = 366 * _DAY
# A few conflicts are normal if volumes are locked by reservations, without ATS.
_STRAY = 3
_WEAK: tuple[Pattern, ...] = ("slow", "answers", "paths")

_PATH_KINDS = frozenset(("path_in_doubt", "no_connection"))
# Good news -> the kinds of trouble of its host that it ends; None for all. A heartbeat is reclaimed by a write.
_ENDS: dict[str, t.Optional[frozenset[str]]] = {
    "heartbeat_reclaimed": None,
    "all_paths_down_exit": None,
    "connectivity_restored": None,
    "device_restored": None,
    "path_restored": _PATH_KINDS,
    "redundancy_restored": _PATH_KINDS,
    "session_recovered": frozenset(("no_connection",)),
    "latency_improved": frozenset(("slow",)),
}


class Judgement(t.NamedTuple):
    """``pattern`` of the events in ``episode``, which is one of ``episodes``."""

    pattern: Pattern
    episode: t.Sequence[Data]
    episodes: int


def judge(events: t.Sequence[Data]) -> Judgement:
    """Returns the judgement of one device's events."""
    placed = _placed(events)
    harmless = _harmless(events)
    troubles = _split([one for one in _unended(placed) if one[1]["kind"] not in harmless])
    if troubles:
        return _of_troubles(troubles)
    ended = _split([one for one in placed if one[1]["kind"] not in (*harmless, "recovered")])
    if ended:
        return Judgement("recovered", [event for _moment, event in ended[-1]], len(ended))
    return Judgement(failure_pattern.of([event for event in events if event["kind"] in failure_pattern.HARMLESS]), events, 1)


def _harmless(events: t.Sequence[Data]) -> tuple[str, ...]:
    """Returns the kinds that are no trouble; failed reserves, too, if the target rejected RESERVE as an unknown command."""
    rejected = any(event["kind"] == "answered" and event["opcode"] in failure_pattern.RESERVES for event in events)
    return (*failure_pattern.HARMLESS, "reserve_failed") if rejected else failure_pattern.HARMLESS


Placed = tuple[float, Data]


def _placed(events: t.Sequence[Data]) -> list[Placed]:
    """Returns the events with their moments, in order of time. A line without a time takes that of its neighbour on the same host."""
    moments_of = [_moment(event) for event in events]
    last: dict[str, float] = {}
    for event, moment in zip(events, moments_of):
        if moment is not None:
            last.setdefault(event["host"], moment)
    found = []
    for event, moment in zip(events, moments_of):
        last[event["host"]] = _later(event, moment, last.get(event["host"], 0.0))
        found.append((last[event["host"]], event))
    return sorted(found, key=lambda one: one[0])


def _moment(event: Data) -> t.Optional[float]:
    return moments.seconds(event["time"]) if event["time"] else moments.relayed_seconds(event["text"])


def _later(event: Data, moment: t.Optional[float], last: float) -> float:
    """Returns the moment, or that of the line before. If a time without a year goes from December to January, it is a year later."""
    if moment is None:
        return last
    years = 0 if event["time"] else round((last - moment) / _YEAR)
    return moment + max(years, 0) * _YEAR


def _unended(placed: t.Sequence[Placed]) -> list[Placed]:
    """Returns the troubles that no later good news of their host ended, in order of time."""
    ended: dict[str, set[str]] = {}
    found = []
    for moment, event in reversed(placed):
        of_host = ended.setdefault(event["host"], set())
        if event["kind"] == "recovered":
            of_host.update(_ended_by(event["detail"]))
        elif "*" not in of_host and event["kind"] not in of_host:
            found.append((moment, event))
    return found[::-1]


def _ended_by(detail: str) -> t.Collection[str]:
    kinds = _ENDS.get(detail, frozenset())
    return ("*",) if kinds is None else kinds


def _split(placed: t.Sequence[Placed]) -> list[list[Placed]]:
    found: list[list[Placed]] = []
    for one in placed:
        if not found or one[0] - found[-1][-1][0] > GAP:
            found.append([])
        found[-1].append(one)
    return found


def _of_troubles(episodes: t.Sequence[t.Sequence[Placed]]) -> Judgement:
    """Returns the newest episode, or a stronger one within a day before it."""
    newest = episodes[-1]
    told = [(failure_pattern.of([event for _moment, event in one]), one) for one in reversed(episodes) if newest[0][0] - one[-1][0] <= _DAY]
    pattern, episode = next((one for one in told if not _is_weak(*one)), told[0])
    return Judgement(pattern, [event for _moment, event in episode], len(episodes))


def _is_weak(pattern: Pattern, episode: t.Sequence[Placed]) -> bool:
    conflicts = sum(event["times"] for _moment, event in episode if event["kind"] == "reservation_conflict")
    return pattern in _WEAK or (pattern == "conflict" and conflicts < _STRAY)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the RBD images behind LUNs that ESXi logged trouble with. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter, defaultdict
from heapq import nsmallest

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import devices, episodes, failure_pattern, next_steps, scsi_id

Data = t.Mapping[str, t.Any]

_EVIDENCE = 5
_COUNTERS = ("reserve_operations", "reservation_conflicts", "failed_commands", "failed_reserve_operations", "failed_read_operations", "failed_write_operations")


def from_events(events: t.Sequence[Data], luns: t.Sequence[Data], extents: t.Sequence[Data] = (), stats: t.Sequence[Data] = ()) -> list[dict[str, t.Any]]:
    """Returns one suspect for each device in the events or the counters, the most suspect first.

    ``events``: of the filter vmkernel_events; ``luns``: those that lun_map returns; ``extents`` and ``stats``: of ``esxcli storage vmfs extent list`` and
    ``esxcli storage core device stats get``. For the shape see RETURN of the filter suspect_luns.
    """
    volumes = devices.Volumes(extents)
    spoken_of = {subject: of_it for subject, of_it in devices.by_subject(events, volumes).items() if any(event["kind"] != "recovered" for event in of_it)}
    counted = _counted(stats)
    silent: dict[devices.Subject, list[Data]] = {
        (device, ""): [] for device, counters in counted.items() if counters["failed_commands"] and (device, "") not in spoken_of
    }
    found = [_suspect(device, of_it, luns, volumes, counted.get(device, {})) for (device, _instead), of_it in {**spoken_of, **silent}.items()]
    ranked = sorted(found, key=_place)
    return [{"rank": number, **one} for number, one in enumerate(ranked, 1)]


def _counted(stats: t.Sequence[Data]) -> dict[str, Counter[str]]:
    """Returns device -> its counters, added up over the hosts."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in stats:
        found[scsi_id.canonical(str(one.get("device", "")))].update({name: one[name] for name in _COUNTERS if isinstance(one.get(name), int)})
    found.pop("", None)
    return found


def _suspect(device: str, events: t.Sequence[Data], luns: t.Sequence[Data], volumes: devices.Volumes, counters: Data) -> dict[str, t.Any]:
    judged = episodes.judge(events)
    matched_by, matched = _matched(device, luns)
    images = sorted({lun["image"] for lun in matched if lun["image"]})
    healable = judged.pattern in failure_pattern.HEALABLE and bool(images) and not _is_ambiguous(matched)
    first, last = _span(events)
    return {
        "device": device,
        "name": scsi_id.parse(device)["ascii"],
        "pattern": judged.pattern,
        "reason": failure_pattern.WORDS[judged.pattern],
        "advice": next_steps.steps(judged.pattern, judged.episode, healable),
        "healable": healable,
        "images": images,
        "matched_by": matched_by,
        "ambiguous": _is_ambiguous(matched),
        "luns": [dict(lun) for lun in matched],
        "volumes": _volumes(device, events, volumes),
        "hosts": sorted({event["host"] for event in events if event["host"]}),
        "paths": sorted({event["path"] or event["session"] for event in events} - {""}),
        "counts": _counts(events),
        "counters": dict(counters),
        "first": first,
        "last": last,
        "episode": {**dict(zip(("first", "last"), _span(judged.episode))), "counts": _counts(judged.episode)},
        "episodes": judged.episodes,
        "evidence": _evidence(judged.episode or events),
    }


def _span(events: t.Sequence[Data]) -> tuple[str, str]:
    """Returns when the first and the last event were, '' if no line tells."""
    times = sorted(event["time"] for event in events if event["time"])
    return (times[0], times[-1]) if times else ("", "")


def _counts(events: t.Sequence[Data]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for event in events:
        counts[event["kind"]] += event["times"]
    return dict(sorted(counts.items()))


def _volumes(device: str, events: t.Sequence[Data], volumes: devices.Volumes) -> list[dict[str, str]]:
    told = {volumes.uuid(event): event["volume_name"] for event in events}
    named = sorted(set(told) - {""} | volumes.on.get(device, set()))
    unknown = sorted({event["volume_name"] for event in events if not volumes.uuid(event)} - {""})
    return [{"uuid": uuid, "name": volumes.names.get(uuid, "") or told.get(uuid, "")} for uuid in named] + [{"uuid": "", "name": name} for name in unknown]


def _matched(device: str, luns: t.Sequence[Data]) -> tuple[str, list[Data]]:
    """Returns (the kind of name that matched, the LUNs). A served snapshot is left out: it has no watchers of its own."""
    names = scsi_id.parse(device)
    identity = "serial" if names["kind"] == "t10" else names["kind"]
    if identity in ("eui", "naa"):
        found = [lun for lun in luns if names["bytes"] and lun[identity] == names["bytes"]]
    else:
        found = [lun for lun in luns if identity == "serial" and lun["serial"] in names["ascii"].split()]
    found = [lun for lun in found if not lun["snapshot"]]
    return (identity, found) if found else ("", [])


def _is_ambiguous(luns: t.Sequence[Data]) -> bool:
    """Returns whether several LUNs of this name have other images: targets make such names by counting. One LUN can use several images."""
    behind: defaultdict[tuple[t.Any, ...], set[str]] = defaultdict(set)
    for lun in luns:
        behind[lun["stack"], lun["target"], lun["lun"], lun["device"]].add(lun["image"])
    return len({frozenset(images) for images in behind.values()}) > 1


def _evidence(events: t.Sequence[Data]) -> list[str]:
    """Returns lines to show, in the log's order: the first of each kind, then the second of each, while there is room."""
    seen: Counter[str] = Counter()
    turns = []
    for number, event in enumerate(events):
        turns.append((seen[event["kind"]], number))
        seen[event["kind"]] += 1
    return [events[number]["text"] for number in sorted(number for _turn, number in nsmallest(_EVIDENCE, turns))]


def _place(suspect: Data) -> tuple[t.Any, ...]:
    order = list(failure_pattern.WORDS)
    known = 0 if suspect["images"] else 1
    return order.index(suspect["pattern"]), known, -sum(suspect["counts"].values()), suspect["device"]

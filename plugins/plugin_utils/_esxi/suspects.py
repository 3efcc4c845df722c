# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what ESXi logged to the RBD images whose LUNs it suffers from. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter, defaultdict
from heapq import nsmallest

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import failure_pattern, scsi_id

Data = t.Mapping[str, t.Any]

_EVIDENCE = 5
_COUNTERS = ("reserve_operations", "reservation_conflicts", "failed_commands", "failed_reserve_operations", "failed_read_operations", "failed_write_operations")


def from_events(events: t.Sequence[Data], luns: t.Sequence[Data], extents: t.Sequence[Data] = (), stats: t.Sequence[Data] = ()) -> list[dict[str, t.Any]]:
    """One for each device that the events or the counters speak of, the most suspect first.

    ``events``: of the filter vmkernel_events; ``luns``: those that lun_map returns; ``extents`` and ``stats``: of ``esxcli storage vmfs extent list`` and
    ``esxcli storage core device stats get``. For the shape see RETURN of the filter suspect_luns.
    """
    volumes = _Volumes(extents)
    spoken_of = _by_device(events, volumes)
    counted = _counted(stats)
    silent: dict[tuple[str, str], list[Data]] = {
        (device, ""): [] for device, counters in counted.items() if counters["failed_commands"] and (device, "") not in spoken_of
    }
    found = [_suspect(device, of_it, luns, volumes, counted.get(device, {})) for (device, _volume), of_it in {**spoken_of, **silent}.items()]
    ranked = sorted(found, key=_place)
    return [{"rank": number, **one} for number, one in enumerate(ranked, 1)]


def _counted(stats: t.Sequence[Data]) -> dict[str, Counter[str]]:
    """Device -> its counters, added up over the hosts."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in stats:
        found[str(one.get("device", ""))].update({name: one[name] for name in _COUNTERS if isinstance(one.get(name), int)})
    found.pop("", None)
    return found


class _Volumes:
    """What ``esxcli storage vmfs extent list`` tells: a volume may span several devices."""

    def __init__(self, extents: t.Sequence[Data]) -> None:
        self.names: dict[str, str] = {}
        self.devices: defaultdict[str, set[str]] = defaultdict(set)
        self.on: defaultdict[str, set[str]] = defaultdict(set)
        for one in extents:
            uuid, device = str(one.get("vmfs_uuid", "")), str(one.get("device_name", ""))
            self.names[uuid] = str(one.get("volume_name", ""))
            self.devices[uuid].add(device)
            self.on[device].add(uuid)

    def device(self, volume: str, named: str) -> str:
        """The volume's device: the one that was ``named`` beside it, unless the extents know better; '' where that leaves several."""
        known = self.devices.get(volume, set()) if volume else set()
        if named and (not known or named in known):
            return named
        return next(iter(known)) if len(known) == 1 else ""


def _by_device(events: t.Sequence[Data], volumes: _Volumes) -> dict[tuple[str, str], list[Data]]:
    """(device, '') or, where no device is known, ('', volume) -> events.

    An event that names no device is joined by what else its operation named, or by its volume's extent.
    """
    named: defaultdict[str, set[str]] = defaultdict(set)
    for event in events:
        if event["device"]:
            named[event["operation"]].add(event["device"])
    found: defaultdict[tuple[str, str], list[Data]] = defaultdict(list)
    for event in events:
        others = named.get(event["operation"], set())
        device = event["device"] or volumes.device(event["volume"], next(iter(others)) if len(others) == 1 else "")
        if device or event["volume"]:
            found[device, "" if device else event["volume"]].append(event)
    return found


def _suspect(device: str, events: t.Sequence[Data], luns: t.Sequence[Data], volumes: _Volumes, counters: Data) -> dict[str, t.Any]:
    counts = Counter(event["kind"] for event in events)
    pattern = failure_pattern.of(events)
    paths = sorted({event["path"] for event in events if event["path"]})
    matched_by, matched = _matched(device, luns)
    images = sorted({lun["image"] for lun in matched if lun["image"]})
    times = sorted(event["time"] for event in events if event["time"])
    names = scsi_id.parse(device)
    return {
        "device": device,
        "name": names["ascii"],
        "pattern": pattern,
        "reason": failure_pattern.WORDS[pattern],
        "healable": pattern in failure_pattern.HEALABLE and bool(images) and not _is_ambiguous(matched),
        "images": images,
        "matched_by": matched_by,
        "ambiguous": _is_ambiguous(matched),
        "luns": [dict(lun) for lun in matched],
        "volumes": [
            {"uuid": uuid, "name": volumes.names.get(uuid, "")} for uuid in sorted({event["volume"] for event in events} - {""} | volumes.on.get(device, set()))
        ],
        "hosts": sorted({event["host"] for event in events if event["host"]}),
        "paths": paths,
        "counts": dict(sorted(counts.items())),
        "counters": dict(counters),
        "first": times[0] if times else "",
        "last": times[-1] if times else "",
        "evidence": _evidence(events),
    }


def _matched(device: str, luns: t.Sequence[Data]) -> tuple[str, list[Data]]:
    """(By which name the LUNs were found, they). A snapshot that is served has no watchers of its own."""
    names = scsi_id.parse(device)
    identity = "serial" if names["kind"] == "t10" else names["kind"]
    if identity in ("eui", "naa"):
        found = [lun for lun in luns if names["bytes"] and lun[identity] == names["bytes"]]
    else:
        found = [lun for lun in luns if identity == "serial" and lun["serial"] in names["ascii"].split()]
    found = [lun for lun in found if not lun["snapshot"]]
    return (identity, found) if found else ("", [])


def _is_ambiguous(luns: t.Sequence[Data]) -> bool:
    """Several LUNs of this name that are not the same images: targets make such names by counting. One LUN may be spread over several images."""
    behind: defaultdict[tuple[t.Any, ...], set[str]] = defaultdict(set)
    for lun in luns:
        behind[lun["stack"], lun["target"], lun["lun"], lun["device"]].add(lun["image"])
    return len({frozenset(images) for images in behind.values()}) > 1


def _evidence(events: t.Sequence[Data]) -> list[str]:
    """Lines to show, in the log's order: the first of each kind, then the second of each, as long as there is room."""
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

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes many LUNs at the same time, each over the first path that leads to it."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import disk, probe
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import Credentials, IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Outcome, Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.sg import SgTransport

Way = t.Union[IscsiTransport, SgTransport]
# NAA -> the initiator that holds the LUN, by the target on this host.
ReadHolders = t.Callable[[], t.Mapping[str, str]]


@dataclass(frozen=True)
class Path:
    """Names a disk of this host by its ``device``, or a LUN over iSCSI by the next three. ``names``: the wanted LUN, see probe.run()."""

    device: str | None = None
    portal: str | None = None
    target: str | None = None
    lun: int | None = None
    names: t.Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.device or f"LUN {self.lun} of {self.target} at {self.portal}"


@dataclass(frozen=True)
class Where:
    """Names a LUN by its ``paths``; the first one that leads to it counts. ``nv_cache``, ``breaks_locks``: see probe.Plan."""

    paths: t.Sequence[Path]
    nv_cache: bool = False
    breaks_locks: bool = False


@dataclass(frozen=True)
class Access:
    """Says how to log in, and whether to probe a disk even if it is in use."""

    initiator: str
    chap: Credentials | None
    force: bool


@dataclass
class _Reached:
    """Holds a path and its outcome; ``tried``: the paths before it, each with its outcome."""

    path: Path
    way: Way | RescueError
    outcome: Outcome
    tried: list[str]


def one(place: Where, plan: Plan, access: Access, read_holders: ReadHolders) -> dict[str, t.Any]:
    """Returns the outcome as a dict, with C(holder) and C(helper). Raises RescueError if the LUN cannot be probed at all."""
    end = time.monotonic() + plan.deadline_s
    way = _way(place.paths[0], access)
    reached = _Reached(place.paths[0], way, probe.run(way, _plan(place, plan), place.paths[0].names, end), [])
    return _results([reached], end, read_holders)[0]


def many(places: t.Sequence[Where], plan: Plan, access: Access, read_holders: ReadHolders) -> list[dict[str, t.Any]]:
    """Returns each place's outcome as a dict, with the fields of its Path, and C(tried), by ``plan.deadline_s`` altogether.

    A LUN that cannot be probed is unreachable, and does not delay the others.
    """
    end = time.monotonic() + plan.deadline_s
    # A thread for each, so that all of them end by the one deadline.
    with ThreadPoolExecutor(max(1, len(places))) as probers:
        reached = list(probers.map(lambda place: _reach(place, plan, access, end), places))
    return [{**_place(one.path), "tried": one.tried, **result} for one, result in zip(reached, _results(reached, end, read_holders))]


def _place(path: Path) -> dict[str, t.Any]:
    return {name: getattr(path, name) for name in ("portal", "target", "lun", "device")}


def _plan(place: Where, plan: Plan) -> Plan:
    return replace(plan, nv_cache=place.nv_cache, breaks_locks=place.breaks_locks)


def _reach(place: Where, plan: Plan, access: Access, end: float) -> _Reached:
    """Probes over the first path that leads to the LUN; if none does, returns the first. The paths that are left share the time for logins."""
    failed: list[_Reached] = []
    for number, path in enumerate(place.paths, 1):
        left = len(place.paths) - number
        way = _way_or_error(path, access)
        login_s = (end - time.monotonic()) / (left + 1) if left else None
        outcome = Outcome("unreachable", str(way)) if isinstance(way, RescueError) else probe.run(way, _plan(place, plan), path.names, end, login_s)
        reached = _Reached(path, way, outcome, [_tried(one) for one in failed])
        if outcome.verdict not in probe.NOT_REACHED:
            return reached
        failed.append(reached)
    return replace(failed[0], tried=[_tried(one) for one in failed[1:]])


def _tried(one: _Reached) -> str:
    return f"{one.path}: {one.outcome.verdict}, {one.outcome.reason}"


def _results(reached: t.Sequence[_Reached], end: float, read_holders: ReadHolders) -> list[dict[str, t.Any]]:
    holders = _holders([one.outcome for one in reached], end, read_holders)
    return [{**asdict(one.outcome), "holder": holder, "helper": _helper(one.way)} for one, holder in zip(reached, holders)]


def _way_or_error(path: Path, access: Access) -> Way | RescueError:
    try:
        return _way(path, access)
    except RescueError as error:
        return error


def _way(path: Path, access: Access) -> Way:
    if path.device is None:
        return IscsiTransport(path.portal or "", path.target or "", path.lun or 0, access.initiator, access.chap)
    return SgTransport(disk.find(path.device, access.force))


def _holders(outcomes: t.Sequence[Outcome], end: float, read_holders: ReadHolders) -> list[str]:
    """Asks only if the verdict is C(conflict), in another process: the target's configuration might be locked while storage hangs."""
    asked = [outcome.identity.get("naa", "") if outcome.verdict == "conflict" else "" for outcome in outcomes]
    told = detached_process.within(end - time.monotonic(), read_holders) if any(asked) else None
    return [(told or {}).get(naa, "") for naa in asked]


def _helper(way: Way | RescueError) -> dict[str, t.Any]:
    return asdict(way.lingering) if isinstance(way, SgTransport) and way.lingering else {}

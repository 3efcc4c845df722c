# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many LUNs probed at once, each over the way that leads to it."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import disk, probe
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import Credentials, IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Outcome, Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.sg import SgTransport

Way = t.Union[IscsiTransport, SgTransport]
# NAA -> who holds the LUN, as the target on this host tells.
ReadHolders = t.Callable[[], t.Mapping[str, str]]


@dataclass(frozen=True)
class Where:
    """A disk of this host by its ``device``, or a LUN over iSCSI by the next three. ``names``: which LUN is meant, see probe.run()."""

    device: str | None = None
    portal: str | None = None
    target: str | None = None
    lun: int | None = None
    names: t.Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """As whom to log in, and whether a disk that is in use is probed all the same."""

    initiator: str
    chap: Credentials | None
    force: bool


def one(place: Where, plan: Plan, access: Access, read_holders: ReadHolders) -> dict[str, t.Any]:
    """The outcome as a dict, with C(holder) and C(helper). Raises RescueError for what cannot be probed at all."""
    end = time.monotonic() + plan.deadline_s
    return _probe([(place, _way(place, access))], plan, end, read_holders)[0]


def many(places: t.Sequence[Where], plan: Plan, access: Access, read_holders: ReadHolders) -> list[dict[str, t.Any]]:
    """For each place its outcome, by ``plan.deadline_s`` altogether. What cannot be probed is unreachable, and hinders no other one."""
    end = time.monotonic() + plan.deadline_s
    return _probe([(place, _way_or_error(place, access)) for place in places], plan, end, read_holders)


def _probe(ways: t.Sequence[tuple[Where, Way | RescueError]], plan: Plan, end: float, read_holders: ReadHolders) -> list[dict[str, t.Any]]:
    # A thread for each, so that all of them end by the one deadline.
    with ThreadPoolExecutor(max(1, len(ways))) as probers:
        outcomes = list(probers.map(lambda pair: _outcome(pair[0], pair[1], plan, end), ways))
    holders = _holders(outcomes, end, read_holders)
    return [{**asdict(outcome), "holder": holder, "helper": _helper(way)} for (_place, way), outcome, holder in zip(ways, outcomes, holders)]


def _outcome(place: Where, way: Way | RescueError, plan: Plan, end: float) -> Outcome:
    return Outcome("unreachable", str(way)) if isinstance(way, RescueError) else probe.run(way, plan, place.names, end)


def _way_or_error(place: Where, access: Access) -> Way | RescueError:
    try:
        return _way(place, access)
    except RescueError as error:
        return error


def _way(place: Where, access: Access) -> Way:
    if place.device is None:
        return IscsiTransport(place.portal or "", place.target or "", place.lun or 0, access.initiator, access.chap)
    return SgTransport(disk.find(place.device, access.force))


def _holders(outcomes: t.Sequence[Outcome], end: float, read_holders: ReadHolders) -> list[str]:
    """Asks only where the verdict is C(conflict), and in a process of its own: the target's configuration might be locked while storage hangs."""
    asked = [outcome.identity.get("naa", "") if outcome.verdict == "conflict" else "" for outcome in outcomes]
    told = detached_process.within(end - time.monotonic(), read_holders) if any(asked) else None
    return [(told or {}).get(naa, "") for naa in asked]


def _helper(way: Way | RescueError) -> dict[str, t.Any]:
    return asdict(way.lingering) if isinstance(way, SgTransport) and way.lingering else {}

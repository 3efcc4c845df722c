# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many LUNs probed at once, each over the way that leads to it."""

from __future__ import annotations

import contextlib
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import disk
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import Credentials, IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Outcome, Plan, probe
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.sg import SgTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lio

Way = t.Union[IscsiTransport, SgTransport]


@dataclass(frozen=True)
class Where:
    """A disk of this host by its ``device``, or a LUN over iSCSI by the other three."""

    device: str | None = None
    portal: str | None = None
    target: str | None = None
    lun: int | None = None


def probe_all(places: t.Sequence[Where], plan: Plan, initiator: str, chap: Credentials | None, force: bool) -> list[dict[str, t.Any]]:
    """For each place its outcome as a dict, with C(holder) and C(helper). It takes ``plan.deadline_s`` altogether. Raises RescueError."""
    ways = [_way(place, initiator, chap, force) for place in places]
    # A thread for each, so that all of them end by the one deadline.
    with ThreadPoolExecutor(max(1, len(ways))) as probers:
        outcomes = list(probers.map(lambda way: probe(way, plan), ways))
    return [{**asdict(outcome), "holder": _holder(outcome), "helper": _helper(way)} for way, outcome in zip(ways, outcomes)]


def _way(place: Where, initiator: str, chap: Credentials | None, force: bool) -> Way:
    if place.device is None:
        return IscsiTransport(place.portal or "", place.target or "", place.lun or 0, initiator, chap)
    found = disk.find(place.device, force)
    return SgTransport(found, holds=_holds(found))


def _holds(found: disk.Disk) -> bool:
    """SCSI-2 has no command that tells the holder, but a target on this very host does."""
    here = [lun for lun in lio.read("/") if found.block and lun.disk == f"/dev/{found.block}"]
    return any(lun.reservation_holder in lun.initiators for lun in here)


def _holder(outcome: Outcome) -> str:
    """Where LIO on this host tells, and lets this user read it."""
    naa = outcome.identity.get("naa")
    if outcome.verdict == "conflict" and naa:
        with contextlib.suppress(TargetError):
            return next((lun.reservation_holder for lun in lio.read("/") if lun.naa == naa), "")
    return ""


def _helper(way: Way) -> dict[str, t.Any]:
    return asdict(way.lingering) if isinstance(way, SgTransport) and way.lingering else {}

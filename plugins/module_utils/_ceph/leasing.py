# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be done with leases and entries, when fencing and when restoring. Decides and touches nothing.

Times are seconds since the epoch by this host's clock; the cluster's clock wrote the entries.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.lease import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# A client that lost its monitor looks for another one every 3 s (mon_client_hunt_interval), and has no session meanwhile.
BETWEEN_LOOKS_S = 3.0
# An entry that is there and lasts for this part of what is asked for lasts long enough.
_ENOUGH = 0.5
# From Ceph 15 on with the offset from UTC; before, the monitor's local time.
_TIMES = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f")

Entries = t.Mapping[str, str]


@dataclass(frozen=True)
class FencePlan:
    """``record``: leases to write first. ``add`` and ``extend``: addresses to put on the blacklist, those that are new and those whose entry ends too soon."""

    record: list[Lease] = field(default_factory=list)
    add: list[str] = field(default_factory=list)
    extend: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RestorePlan:
    """``remove``: entries that go; ``reset``: entries that get their former expiry back, with what is left of it in seconds.

    ``close``: leases that end with that, or have nothing left to end; ``keep``: leases that stay, with the reason.
    """

    remove: list[str]
    reset: dict[str, float]
    close: list[str]
    keep: list[dict[str, str]]


def seconds_left(until: str, now: float) -> float:
    """How long an entry still lasts. Raises ClusterError for a time that cannot be read."""
    for shape in _TIMES:
        try:
            return datetime.strptime(until, shape).timestamp() - now
        except ValueError:
            continue
    raise ClusterError(f"The blacklist says '{until}' for the end of an entry: this Ceph release is not known here.")


def plan_fence(wanted: t.Mapping[str, Lease], leases: t.Mapping[str, Lease], entries: Entries) -> FencePlan:
    """``wanted``: the leases that this run would write; ``leases``: those that are open; ``entries``: the blacklist.

    What lasts long enough is left alone, whoever made it. An open lease keeps the prior entry that it knows of.
    """
    plan = FencePlan()
    for client, mine in wanted.items():
        until = entries.get(client)
        if until is not None and seconds_left(until, mine.added) >= mine.expire * _ENOUGH:
            continue
        (plan.add if until is None else plan.extend).append(client)
        prior = "" if until is None else leases[client].prior if client in leases else until
        plan.record.append(Lease(**{**vars(mine), "prior": prior}))
    return plan


def is_gone(open_lease: Lease, looks: t.Sequence[Sessions], now: float) -> bool:
    """Whether no look found a session of the client, and the first is long enough ago; that may be one before it was fenced. Without looks, nobody asks."""
    if not all(look.missing(open_lease.address) for look in looks):
        return False
    return len(looks) != 1 or seconds_gone(open_lease, now) >= BETWEEN_LOOKS_S


def seconds_gone(open_lease: Lease, now: float) -> float:
    """For how long the client is known to be gone by the looks before it was fenced; 0 when one saw it, or by a clock that is behind."""
    return max(0.0, now - open_lease.gone_since) if open_lease.gone_since else 0.0


def plan_restore(pool: str, leases: t.Mapping[str, Lease], entries: Entries, looks: t.Sequence[Sessions], now: float) -> RestorePlan:
    """Which entries may go: those whose client is gone. Without looks, all of them.

    An entry that is not there any more has expired, or somebody took it away: its lease ends, and nothing is added.
    """
    keep = [client for client in leases if client in entries and not is_gone(leases[client], looks, now)]
    over = [client for client in leases if client not in keep]
    priors = {client: seconds_left(leases[client].prior, now) for client in over if client in entries and leases[client].prior}
    reset = {client: left for client, left in priors.items() if left > 0}
    remove = [client for client in over if client in entries and client not in reset]
    return RestorePlan(remove, reset, over, [_kept(pool, leases[client], entries[client], looks) for client in keep])


def _kept(pool: str, open_lease: Lease, until: str, looks: t.Sequence[Sessions]) -> dict[str, str]:
    client = open_lease.address
    last = next((look for look in reversed(looks) if client in look.hosts), None)
    host, entity = (last.hosts[client], last.names.get(client, "")) if last else ("", "")
    return {
        "address": client,
        "host": host,
        "entity": entity,
        "until": until,
        "pool": pool,
        "run": open_lease.run,
        "fenced_for": open_lease.reason,
        "reason": f"{_life(last is not None, host, entity, looks)}; before that it would take the image back",
    }


def _life(seen: bool, host: str, entity: str, looks: t.Sequence[Sessions]) -> str:
    if seen:
        return f"the client still lives, as {entity or 'an unknown user'} on host {host or 'unknown'}: end that process there, then restore again"
    gaps = [look.gap for look in looks if look.gap] or ["it was found gone only once"]
    return f"it is not known whether the client still lives ({gaps[0]}): restore again when that can be seen"

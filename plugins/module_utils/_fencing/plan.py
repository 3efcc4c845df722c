# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans what to do with leases and entries, for a fence and for a restore. Decides, and changes nothing.

Times are seconds since the epoch by this host's clock; the cluster's clock wrote the entries.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import datetime

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import BETWEEN_LOOKS_S, Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.time_format import TIME, TIME_WITHOUT_ZONE
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease

# A run usually fences and looks again within this time. A removal before that might arrive before the run's own add.
UNDER_WAY_S = 60
# How old the look can be when a client is fenced by it; a notify and its timeout are a part of that.
_FRESH_S = 300
# An existing entry lasts long enough if it lasts for this part of the wanted time.
_ENOUGH = 0.5
_TIMES = (TIME, TIME_WITHOUT_ZONE)

Entries = t.Mapping[str, str]


@dataclass(frozen=True)
class Look:
    """Holds what a look of rbd_watchers says of clients. ``at``: its begin. ``fence``: addresses to fence; ``gone``: those of them without a session.

    ``serving``: image, ``pool/[namespace/]name`` -> addresses of the clients that responded, serve it and are not to be fenced. ``watches``: client to
    fence -> all images that it watches. ``freeing``: images to be freed, which no client serves. ``locks``: client to fence -> images whose exclusive
    lock it holds without watching them.
    """

    at: float
    fence: t.Collection[str]
    gone: t.Collection[str]
    serving: t.Mapping[str, t.Collection[str]] = field(default_factory=dict)
    watches: t.Mapping[str, t.Collection[str]] = field(default_factory=dict)
    freeing: t.Collection[str] = ()
    locks: t.Mapping[str, t.Collection[str]] = field(default_factory=dict)

    @classmethod
    def from_option(cls, option: t.Mapping[str, t.Any]) -> Look:
        """Returns the look in the option ``lease.look``. Raises InputError."""
        serving, watches, locks = (_lists(option[name], f"lease.look.{name}") for name in ("serving", "watches", "locks"))
        return cls(float(option["at"]), frozenset(option["fence"]), frozenset(option["gone"]), serving, watches, frozenset(option["freeing"]), locks)

    def require(self, addresses: t.Sequence[str], now: float) -> None:
        """Raises InputError unless the look is fresh and names each of these clients as one to fence."""
        if not 0 <= now - self.at <= _FRESH_S:
            raise InputError(f"The look is {now - self.at:.0f} s old, limit: {_FRESH_S} s. Run rbd_watchers again, then fence.")
        unnamed = [client for client in addresses if client not in self.fence]
        if unnamed:
            raise InputError(f"The look does not name {', '.join(unnamed)} as a client to fence, so no client was fenced: run rbd_watchers again.")

    def gone_since(self, client: str) -> float:
        """Returns since when the client is known to be gone, 0 if the look found it."""
        return self.at if client in self.gone else 0.0


def _lists(told: t.Mapping[str, t.Any], name: str) -> dict[str, frozenset[str]]:
    if not all(isinstance(words, list) for words in told.values()):
        raise InputError(f"{name} must be a dictionary of lists, as rbd_watchers returns it.")
    return {str(key): frozenset(map(str, words)) for key, words in told.items()}


@dataclass(frozen=True)
class FencePlan:
    """Holds a plan to fence. ``record``: leases to write first. ``add``: addresses without an entry. ``extend``: addresses with an entry that ends too soon."""

    record: list[Lease] = field(default_factory=list)
    add: list[str] = field(default_factory=list)
    extend: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RestorePlan:
    """Holds a plan to restore. ``remove``: entries that go; ``reset``: entries that get their former end back, in seconds from now.

    ``close``: leases that end; ``keep``: leases that stay, with the reason; ``foreign``: addresses with an entry that another user made, which stays
    while the lease ends.
    """

    remove: list[str]
    reset: dict[str, float]
    close: list[str]
    keep: list[dict[str, str]]
    foreign: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Restoring:
    """Says how to restore. ``when``: ``when_gone``, ``always`` or ``never``; ``looks``: looks at the monitors' sessions, only for ``when_gone``.

    ``spare_recent``: whether leases stay that an active run might have written.
    """

    when: str
    looks: t.Sequence[Sessions]
    spare_recent: bool = False


def seconds_left(until: str, now: float) -> float:
    """Returns how long an entry still lasts. Raises ClusterError for a time that cannot be read."""
    for shape in _TIMES:
        try:
            return datetime.strptime(until, shape).timestamp() - now
        except ValueError:
            continue
    raise ClusterError(f"The blocklist says '{until}' for the end of an entry: this Ceph release is unknown.")


def plan_fence(wanted: t.Mapping[str, Lease], leases: t.Mapping[str, Lease], entries: Entries) -> FencePlan:
    """Returns the plan. ``wanted``: leases that this run would write; ``leases``: open leases; ``entries``: the blocklist.

    Entries that last long enough stay as they are.
    """
    plan = FencePlan()
    for client, mine in wanted.items():
        until = entries.get(client)
        if until is not None and seconds_left(until, mine.added) >= mine.expire * _ENOUGH:
            continue
        (plan.add if until is None else plan.extend).append(client)
        plan.record.append(replace(mine, prior=_prior(until, leases.get(client))))
    return plan


def _prior(until: str | None, open_lease: Lease | None) -> str:
    """Returns the end of an entry that no run made, '' for none. An open lease holds it, unless the entry changed since then."""
    if open_lease and open_lease.until in ("", until):
        return open_lease.prior
    return until or ""


def is_gone(open_lease: Lease, looks: t.Sequence[Sessions], now: float) -> bool:
    """Returns whether no look found a session of the client, and the first look is long enough ago; it can be from before the fence."""
    if not looks or not all(look.missing(open_lease.address) for look in looks):
        return False
    return len(looks) > 1 or seconds_gone(open_lease, now) >= BETWEEN_LOOKS_S


def seconds_gone(open_lease: Lease, now: float) -> float:
    """Returns for how many seconds the looks before the fence show the client as gone; 0 if one saw it, or if the clock is behind."""
    return max(0.0, now - open_lease.gone_since) if open_lease.gone_since else 0.0


def plan_restore(pool: str, leases: t.Mapping[str, Lease], entries: Entries, how: Restoring, now: float) -> RestorePlan:
    """Returns which entries and leases can end.

    A missing entry expired, or another user removed it: its lease ends, and nothing is added. But a lease without the end of its entry is of a run
    that was killed between removing the prior entry and adding its own. Then the prior entry is restored. An entry with another end than in its
    lease was made by another user, since an add does not change an existing entry.
    """
    foreign = [client for client, lease in leases.items() if lease.until and entries.get(client, lease.until) != lease.until]
    ours = [client for client in leases if client in entries and client not in foreign]
    keep = [client for client in ours if not _may_go(leases[client], how, now)]
    over = [client for client in leases if client not in keep]
    owed = [client for client in over if leases[client].prior and (client in ours or (client not in entries and not leases[client].until))]
    priors = {client: seconds_left(leases[client].prior, now) for client in owed}
    reset = {client: left for client, left in priors.items() if left > 0}
    remove = [client for client in ours if client in over and client not in reset]
    return RestorePlan(remove, reset, over, [_kept(pool, leases[client], entries[client], how, now) for client in keep], foreign)


def _may_go(open_lease: Lease, how: Restoring, now: float) -> bool:
    if how.spare_recent and _is_recent(open_lease, now):
        return False
    return how.when == "always" or (how.when == "when_gone" and is_gone(open_lease, how.looks, now))


def _is_recent(open_lease: Lease, now: float) -> bool:
    return abs(now - open_lease.added) < UNDER_WAY_S


def _kept(pool: str, open_lease: Lease, until: str, how: Restoring, now: float) -> dict[str, str]:
    client = open_lease.address
    last = next((look for look in reversed(how.looks) if client in look.hosts), None)
    return {
        "address": client,
        "host": last.hosts[client] if last else "",
        "entity": last.names.get(client, "") if last else "",
        "until": until,
        "pool": pool,
        "run": open_lease.run,
        "fenced_for": open_lease.reason,
        "reason": _why_kept(open_lease, last, how, now),
    }


def _why_kept(open_lease: Lease, last: Sessions | None, how: Restoring, now: float) -> str:
    if how.when == "never":
        return reasons.NEVER
    if how.spare_recent and _is_recent(open_lease, now):
        return reasons.UNDER_WAY.format(run=open_lease.run, n=UNDER_WAY_S)
    if last is not None:
        user = last.names.get(open_lease.address) or "an unknown user"
        return reasons.ALIVE.format(user=user, host=last.hosts[open_lease.address] or "unknown")
    gaps = [look.gap for look in how.looks if look.gap] or [reasons.SEEN_ONCE]
    return reasons.LIFE_UNKNOWN.format(gap=gaps[0])

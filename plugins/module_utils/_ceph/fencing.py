# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts client addresses on the blacklist and takes them off again; acts on what others decided."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, blacklist, lease, pools, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.blacklist import Blacklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.lease import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError

# A client that lost its monitor looks for another one every 3 s (mon_client_hunt_interval), and has no session meanwhile.
BETWEEN_LOOKS_S = 3.0

LONGEST_EXPIRE_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Change:
    """``before`` and ``after``: address -> until when. ``kept``: leases that stay open, with the reason. ``closed``: leases that are done with."""

    before: dict[str, str]
    after: dict[str, str]
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything in the cluster is, or in a dry run would be, different."""
        return bool(self.added or self.removed or self.closed)


@dataclass(frozen=True)
class Plan:
    """What restoring does with the leases of one pool."""

    remove: list[str]
    close: list[str]
    keep: list[dict[str, str]]


def apply(options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Does what the options of osd_blacklist ask for; with ``dry_run`` only says what it would do. Raises RescueError."""
    addresses = list(dict.fromkeys(str(address.parse(text)) for text in options["addresses"]))
    if not 1 <= options["expire"] <= LONGEST_EXPIRE_S:
        raise InputError(f"expire is {options['expire']}: give between 1 second and a year ({LONGEST_EXPIRE_S} s).")
    with Cluster(Connection.from_options(options)) as cluster:
        if options["state"] == "present":
            return _present(cluster, addresses, options, dry_run)
        if options["state"] == "absent":
            return _absent(cluster, addresses, dry_run)
        return _restored(cluster, options, dry_run)


def _present(cluster: Cluster, addresses: t.Sequence[str], options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    before = blacklist.read(cluster)
    missing = [client for client in addresses if client not in before.entries]
    if dry_run or not missing:
        expected = dict.fromkeys(missing, f"{options['expire']} s from then")
        return Change(before.entries, {**before.entries, **expected}, added=missing)
    if options["lease"] is None:
        blacklist.add(cluster, before.word, missing, options["expire"])
    else:
        missing = _add_under_lease(cluster, missing, options)
    after = blacklist.read(cluster)
    _confirm(not set(missing) - set(after.entries), "An entry that was just added is not on the blacklist", after.word)
    return Change(before.entries, after.entries, added=missing)


def _add_under_lease(cluster: Cluster, wanted: t.Sequence[str], options: t.Mapping[str, t.Any]) -> list[str]:
    """Adds those that are still missing once the lock is held: an entry that somebody else made meanwhile is not ours to end."""
    request, expire_s = options["lease"], options["expire"]
    with lease.opened(cluster, request["pool"]) as book:
        now = blacklist.read(cluster)
        missing = [client for client in wanted if client not in now.entries]
        if missing:
            book.record([Lease(client, request["run"], request["reason"], time.time(), expire_s) for client in missing])
            blacklist.add(cluster, now.word, missing, expire_s)
    return missing


def _absent(cluster: Cluster, addresses: t.Sequence[str], dry_run: bool) -> Change:
    before = blacklist.read(cluster)
    listed = [client for client in addresses if client in before.entries]
    return _removed(cluster, before, listed, dry_run)


def _removed(cluster: Cluster, before: Blacklist, listed: t.Sequence[str], dry_run: bool) -> Change:
    if dry_run or not listed:
        after = {client: until for client, until in before.entries.items() if client not in listed}
        return Change(before.entries, after, removed=list(listed))
    blacklist.remove(cluster, before.word, listed)
    after_map = blacklist.read(cluster)
    _confirm(not set(listed) & set(after_map.entries), "An entry that was just removed is on the blacklist again", before.word)
    return Change(before.entries, after_map.entries, removed=list(listed))


def _confirm(holds: bool, what: str, word: str) -> None:
    if not holds:
        raise ClusterError(f"{what}: somebody else is changing it; see 'ceph osd {word} ls' and run again.")


def _restored(cluster: Cluster, options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Restores what can be restored before it raises for a pool that cannot be read."""
    entries = blacklist.read(cluster).entries
    change, errors = Change(entries, entries), []
    there = pools.Pools(tuple(options["pools"]), (), {}) if options["pools"] else pools.read(cluster)
    for pool in there.every:
        try:
            if lease.read(cluster, pool):
                change = _joined(change, _restore_pool(cluster, pool, options["restore"] == "always", dry_run))
        except ClusterError as error:
            errors += [error] if pool in there.tagged else []
    if errors:
        raise errors[0]
    return change


def _restore_pool(cluster: Cluster, pool: str, always: bool, dry_run: bool) -> Change:
    if dry_run:
        leases, before = lease.read(cluster, pool), blacklist.read(cluster)
        return _closing(_removed(cluster, before, (plan := _plan(cluster, pool, leases, before, always)).remove, True), plan)
    with lease.opened(cluster, pool) as book:
        leases, before = book.read(), blacklist.read(cluster)
        plan = _plan(cluster, pool, leases, before, always)
        change = _removed(cluster, before, plan.remove, False)
        if plan.close:
            # An add that timed out may still be carried out; a removal sent after it takes it back.
            blacklist.remove(cluster, before.word, [client for client in plan.close if client not in plan.remove])
            book.drop(plan.close)
    return _closing(change, plan)


def _plan(cluster: Cluster, pool: str, leases: t.Mapping[str, Lease], before: Blacklist, always: bool) -> Plan:
    listed = [client for client in leases if client in before.entries]
    looks = [] if always else _look_twice(cluster, listed)
    return plan_restore(pool, leases, before, looks)


def _look_twice(cluster: Cluster, clients: t.Sequence[str]) -> list[sessions.Sessions]:
    first = sessions.read(cluster)
    if not any(first.missing(client) for client in clients):
        return [first]
    time.sleep(BETWEEN_LOOKS_S)
    return [first, sessions.read(cluster)]


def plan_restore(pool: str, leases: t.Mapping[str, Lease], before: Blacklist, looks: t.Sequence[sessions.Sessions]) -> Plan:
    """Which entries may go: those whose client no look at the monitors' sessions shows. Without looks, all of them."""
    listed = [client for client in leases if client in before.entries]
    keep = [_kept(pool, leases[client], before, looks) for client in listed if not all(look.missing(client) for look in looks)]
    kept = {lease["address"] for lease in keep}
    return Plan([client for client in listed if client not in kept], [client for client in leases if client not in kept], keep)


def _kept(pool: str, open_lease: Lease, before: Blacklist, looks: t.Sequence[sessions.Sessions]) -> dict[str, str]:
    client = open_lease.address
    hosts = [look.hosts[client] for look in looks if client in look.hosts]
    gaps = [look.gap for look in looks if look.gap]
    lives = f"the client still lives, on host {hosts[-1] or 'unknown'}" if hosts else f"it is not known whether the client still lives ({''.join(gaps[:1])})"
    reason = f"{lives}: end that process, then restore again; before that it would take the image back"
    return {
        "address": client,
        "host": hosts[-1] if hosts else "",
        "until": before.entries[client],
        "pool": pool,
        "run": open_lease.run,
        "fenced_for": open_lease.reason,
        "reason": reason,
    }


def _closing(change: Change, plan: Plan) -> Change:
    return Change(change.before, change.after, change.added, change.removed, plan.keep, plan.close)


def _joined(first: Change, then: Change) -> Change:
    return Change(first.before, then.after, first.added + then.added, first.removed + then.removed, first.kept + then.kept, first.closed + then.closed)

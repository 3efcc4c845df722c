# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Removes the entries that leases name, once their clients are gone, and gives others their former end back."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, lease_store, open_leases, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change, read_without
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease, LeaseBook
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import RestorePlan, Restoring, plan_restore, seconds_gone


def restored(cluster: Cluster, addresses: t.Sequence[str], options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Restores what can be restored, pool by pool; ``unread`` says which pools failed. Raises RescueError."""
    if options["restore"] == "always" and not addresses:
        raise InputError("restore is always, which also removes the entries of living clients: name the clients in addresses.")
    found, books, unread = open_leases.with_blocklist(cluster, options)
    wanted = {pool: [one for one in book.values() if not addresses or one.address in addresses] for pool, book in books.items()}
    listed = [one for book in wanted.values() for one in book if one.address in found.entries]
    # The looks come before the lock, which does not last forever.
    how = Restoring(options["restore"], _looks(cluster, listed) if options["restore"] == "when_gone" else [], spare_recent=not addresses)
    unlisted = [client for client in addresses if client not in found.entries]
    foreign = _without_lease(addresses, found, wanted) if not unread and not options["pools"] else []
    change = Change(found.entries, found.entries, unread=unread, foreign=foreign, unlisted=unlisted, word=found.word)
    for pool, book in wanted.items():
        try:
            change = _joined(change, _restore_pool(cluster, pool, [one.address for one in book], how, change.after if dry_run else None)) if book else change
        except ClusterError as error:
            change.unread.append(reasons.POOL_STAYS.format(pool=pool, reason=error))
    return change


def _without_lease(addresses: t.Sequence[str], listed: Blocklist, leases: t.Mapping[str, t.Sequence[Lease]]) -> list[str]:
    """Returns the addresses with an entry, but without an open lease."""
    recorded = {one.address for book in leases.values() for one in book}
    return [client for client in addresses if client in listed.entries and client not in recorded]


def _restore_pool(cluster: Cluster, pool: str, wanted: t.Sequence[str], how: Restoring, foreseen: dict[str, str] | None) -> Change:
    """Restores a pool. ``foreseen``: in a dry run, the blocklist as it would be by now."""
    with lease_store.opened(cluster, pool) if foreseen is None else lease_store.looked_at(cluster, pool) as book:
        leases, before = {client: one for client, one in book.read().items() if client in wanted}, blocklist.read(cluster)
        plan = plan_restore(pool, leases, before.entries, how, time.time())
        after = _foreseen(foreseen, plan, leases) if foreseen is not None else _carried_out(cluster, before, plan, book, leases)
    return Change(before.entries, after, removed=plan.remove, reset=list(plan.reset), kept=plan.keep, closed=plan.close, foreign=plan.foreign)


def _foreseen(entries: t.Mapping[str, str], plan: RestorePlan, leases: t.Mapping[str, Lease]) -> dict[str, str]:
    left = {client: until for client, until in entries.items() if client not in plan.remove}
    return {**left, **{client: leases[client].prior for client in plan.reset}}


def _carried_out(cluster: Cluster, before: Blocklist, plan: RestorePlan, book: LeaseBook, leases: t.Mapping[str, Lease]) -> dict[str, str]:
    """Returns the blocklist after the plan was carried out."""
    if not plan.close:
        return before.entries
    # An entry gets another end by being removed first. If this run is killed in between, the next run must know that the prior entry is missing.
    if plan.reset:
        book.record([replace(leases[client], until="") for client in plan.reset])
    # Also unlisted entries: an add that timed out might still be carried out, and a removal after it reverts it.
    blocklist.change(cluster, before.word, plan.reset, [client for client in plan.close if client not in plan.foreign])
    book.drop(plan.close)
    return read_without(cluster, plan.remove, before.word)


def _looks(cluster: Cluster, leases: t.Sequence[Lease]) -> list[sessions.Sessions]:
    """Returns as many looks at the sessions as it takes to know which clients are gone."""
    first = sessions.read(cluster)
    missing = [one for one in leases if first.missing(one.address)]
    wait = max((sessions.BETWEEN_LOOKS_S - seconds_gone(one, time.time()) for one in missing), default=0.0)
    if wait <= 0:
        return [first]
    time.sleep(min(wait, sessions.BETWEEN_LOOKS_S))
    return [first, sessions.read(cluster)]


def _joined(first: Change, then: Change) -> Change:
    names = ("removed", "reset", "kept", "closed", "foreign")
    return replace(first, after=then.after, **{name: getattr(first, name) + getattr(then, name) for name in names})

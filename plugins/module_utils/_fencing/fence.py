# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds client addresses to the blocklist and removes them again; acts on what others decided."""

from __future__ import annotations

import time
import typing as t
from dataclasses import asdict, dataclass, field, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, pools, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, caps, lease_store
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease, LeaseBook
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import (
    BETWEEN_LOOKS_S,
    Look,
    RestorePlan,
    Restoring,
    gone_since,
    plan_fence,
    plan_restore,
    seconds_gone,
)

LONGEST_EXPIRE_S = 365 * 24 * 3600


@dataclass(frozen=True)
class Change:
    """``before`` and ``after``: address -> until when. ``extended`` and ``reset``: entries that were there and got another expiry, for the fence and back.

    ``kept``: leases that stay open, with the reason. ``closed``: leases that are done with. ``leases``: those that are open, where only looked at.
    ``unread``: why the leases of a pool could not be read. ``foreign``: addresses whose entry is somebody else's, and was left alone. ``unlisted``: addresses
    that were to be restored and are not on the list. ``word``: how this cluster spells the list's name.
    """

    before: dict[str, str]
    after: dict[str, str]
    added: list[str] = field(default_factory=list)
    extended: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    leases: list[dict[str, t.Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    word: str = "blocklist"

    @property
    def changed(self) -> bool:
        """Whether anything in the cluster is, or in a dry run would be, different."""
        return bool(self.added or self.extended or self.removed or self.reset or self.closed)


def apply(options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Does what the options of osd_blacklist ask for; with ``dry_run`` only says what it would do. Raises RescueError."""
    addresses = list(dict.fromkeys(str(address.parse(text)) for text in options["addresses"]))
    if not 1 <= options["expire"] <= LONGEST_EXPIRE_S:
        raise InputError(f"expire is {options['expire']}: give between 1 second and a year ({LONGEST_EXPIRE_S} s).")
    with Cluster(Connection.from_options(options)) as cluster:
        if options["state"] == "restored":
            return _restored(cluster, addresses, options, dry_run)
        if not addresses:
            return _looked(cluster, options)
        if options["state"] == "absent":
            return _absent(cluster, addresses, dry_run)
        if options["lease"] is None:
            return _present(cluster, addresses, options["expire"], dry_run)
        return _leased(cluster, addresses, options, dry_run)


def listed(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns ``blocklist``, the list with all open leases, where the options of rbd_watchers ask for it. Raises RescueError."""
    if not options["blocklist"]:
        return {}
    with Cluster(Connection.from_options(options)) as cluster:
        found = _looked(cluster, {**options, "pools": []})
    return {"blocklist": {"after": found.after, "leases": found.leases, "unread": found.unread, "word": found.word}}


def _looked(cluster: Cluster, options: t.Mapping[str, t.Any]) -> Change:
    listed, books, unread = _list_and_leases(cluster, options)
    leases = [{"pool": pool, **asdict(one)} for pool, found in books.items() for one in found.values()]
    return Change(listed.entries, listed.entries, leases=leases, unread=unread, word=listed.word)


def _present(cluster: Cluster, addresses: t.Sequence[str], expire_s: int, dry_run: bool) -> Change:
    before = blocklist.read(cluster)
    missing = [client for client in addresses if client not in before.entries]
    if not dry_run:
        blocklist.change(cluster, before.word, dict.fromkeys(missing, expire_s))
    return Change(before.entries, _after_adding(cluster, before, missing, expire_s, dry_run), added=missing, word=before.word)


def _leased(cluster: Cluster, addresses: t.Sequence[str], options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """The leases are written before the entries, both under the lock: what somebody else did meanwhile is not ours to end."""
    request, expire_s, now = options["lease"], options["expire"], time.time()
    since = _gone_since(addresses, [Look.from_option(look) for look in request["looks"]], sessions.read(cluster), now)
    with lease_store.looked_at(cluster, request["pool"]) if dry_run else lease_store.opened(cluster, request["pool"]) as book:
        before = blocklist.read(cluster)
        facts = {"run": request["run"], "reason": request["reason"], "images": tuple(request["images"]), "added": now, "expire": expire_s}
        wanted = {client: Lease(address=client, gone_since=since[client], **facts) for client in addresses}
        plan = plan_fence(wanted, book.read(), before.entries)
        fenced = plan.add + plan.extend
        if fenced:
            caps.require_way_back(cluster, before.word)
        if fenced and not dry_run:
            book.record(plan.record)
            blocklist.change(cluster, before.word, dict.fromkeys(fenced, expire_s), plan.extend)
        after = _after_adding(cluster, before, fenced, expire_s, dry_run)
        if fenced and not dry_run:
            book.record([replace(one, until=after[one.address]) for one in plan.record])
    return Change(before.entries, after, added=plan.add, extended=plan.extend, word=before.word)


def _gone_since(addresses: t.Sequence[str], looks: t.Sequence[Look], now_seen: sessions.Sessions, now: float) -> dict[str, float]:
    """The looks are believed only of clients that have no session now; such a client is gone since now at the latest."""
    told = gone_since(addresses, looks, now)
    return {client: told[client] or now if now_seen.missing(client) else 0.0 for client in addresses}


def _after_adding(cluster: Cluster, before: Blocklist, added: t.Sequence[str], expire_s: int, dry_run: bool) -> dict[str, str]:
    if dry_run or not added:
        return {**before.entries, **dict.fromkeys(added, f"{expire_s} s from then")}
    after = blocklist.read(cluster).entries
    _confirm(
        all(after.get(client, "") != before.entries.get(client, "") for client in added), "An entry that was just added is not on the blacklist", before.word
    )
    return after


def _absent(cluster: Cluster, addresses: t.Sequence[str], dry_run: bool) -> Change:
    before = blocklist.read(cluster)
    listed = [client for client in addresses if client in before.entries]
    if not dry_run:
        blocklist.change(cluster, before.word, {}, listed)
    return Change(before.entries, _after_removing(cluster, before, listed, dry_run), removed=listed, word=before.word)


def _after_removing(cluster: Cluster, before: Blocklist, removed: t.Sequence[str], dry_run: bool) -> dict[str, str]:
    if dry_run or not removed:
        return {client: until for client, until in before.entries.items() if client not in removed}
    return _read_without(cluster, removed, before.word)


def _read_without(cluster: Cluster, removed: t.Sequence[str], word: str) -> dict[str, str]:
    after = blocklist.read(cluster).entries
    _confirm(not set(removed) & set(after), "An entry that was just removed is on the blacklist again", word)
    return after


def _confirm(holds: bool, what: str, word: str) -> None:
    if not holds:
        raise ClusterError(f"{what}: somebody else is changing it; see 'ceph osd {word} ls' and run again.")


def _restored(cluster: Cluster, addresses: t.Sequence[str], options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Restores what can be restored, pool by pool; ``unread`` says where that was not possible."""
    found, books, unread = _list_and_leases(cluster, options)
    wanted = {pool: [one for one in book.values() if not addresses or one.address in addresses] for pool, book in books.items()}
    listed = [one for book in wanted.values() for one in book if one.address in found.entries]
    # The looks come before the lock, which does not last for ever.
    how = Restoring(options["restore"], _looks(cluster, listed) if options["restore"] == "when_gone" else [], spare_recent=not addresses)
    unlisted = [client for client in addresses if client not in found.entries]
    foreign = _without_lease(addresses, found, wanted) if not unread and not options["pools"] else []
    change = Change(found.entries, found.entries, unread=unread, foreign=foreign, unlisted=unlisted, word=found.word)
    for pool, book in wanted.items():
        try:
            change = _joined(change, _restore_pool(cluster, pool, [one.address for one in book], how, change.after if dry_run else None)) if book else change
        except ClusterError as error:
            change.unread.append(f"What is recorded in pool '{pool}' stays open: {error}")
    return change


def _without_lease(addresses: t.Sequence[str], listed: Blocklist, leases: t.Mapping[str, t.Sequence[Lease]]) -> list[str]:
    """Those whose entry no run of this collection made, or none that is not done."""
    recorded = {one.address for book in leases.values() for one in book}
    return [client for client in addresses if client in listed.entries and client not in recorded]


def _list_and_leases(cluster: Cluster, options: t.Mapping[str, t.Any]) -> tuple[Blocklist, dict[str, dict[str, Lease]], list[str]]:
    """The blocklist, each pool with its leases, and why others could not be read; all of one OSD map."""
    dump = cluster.command("osd dump")
    there = pools.Pools(tuple(options["pools"]), (), {}) if options["pools"] else pools.parse(dump)
    answers = dict(zip(there.every, at_once(lambda pool: _read_leases(cluster, pool), there.every)))
    errors = {pool: answer for pool, answer in answers.items() if isinstance(answer, RescueError)}
    books = {pool: answer for pool, answer in answers.items() if not isinstance(answer, RescueError)}
    return blocklist.parse(dump), books, there.gaps(errors)


def _read_leases(cluster: Cluster, pool: str) -> dict[str, Lease] | RescueError:
    try:
        return lease_store.read(cluster, pool)
    except RescueError as error:
        return error


def _restore_pool(cluster: Cluster, pool: str, wanted: t.Sequence[str], how: Restoring, foreseen: dict[str, str] | None) -> Change:
    """``foreseen``: in a dry run, what the blocklist would be like by now."""
    with lease_store.opened(cluster, pool) if foreseen is None else lease_store.looked_at(cluster, pool) as book:
        leases, before = {client: one for client, one in book.read().items() if client in wanted}, blocklist.read(cluster)
        plan = plan_restore(pool, leases, before.entries, how, time.time())
        after = _foreseen(foreseen, plan, leases) if foreseen is not None else _carried_out(cluster, before, plan, book, leases)
    return Change(before.entries, after, removed=plan.remove, reset=list(plan.reset), kept=plan.keep, closed=plan.close, foreign=plan.foreign)


def _foreseen(entries: t.Mapping[str, str], plan: RestorePlan, leases: t.Mapping[str, Lease]) -> dict[str, str]:
    left = {client: until for client, until in entries.items() if client not in plan.remove}
    return {**left, **{client: leases[client].prior for client in plan.reset}}


def _carried_out(cluster: Cluster, before: Blocklist, plan: RestorePlan, book: LeaseBook, leases: t.Mapping[str, Lease]) -> dict[str, str]:
    """The blocklist after the plan was carried out."""
    if not plan.close:
        return before.entries
    # An entry gets another end by being removed first. Should this run be killed in between, the next one must know that the prior entry is owed.
    if plan.reset:
        book.record([replace(leases[client], until="") for client in plan.reset])
    # Also what is not listed: an add that timed out may still be carried out, and a removal sent after it takes it back.
    blocklist.change(cluster, before.word, plan.reset, [client for client in plan.close if client not in plan.foreign])
    book.drop(plan.close)
    return _read_without(cluster, plan.remove, before.word)


def _looks(cluster: Cluster, leases: t.Sequence[Lease]) -> list[sessions.Sessions]:
    """As many looks at the sessions as it takes to know who is gone."""
    first = sessions.read(cluster)
    missing = [one for one in leases if first.missing(one.address)]
    wait = max((BETWEEN_LOOKS_S - seconds_gone(one, time.time()) for one in missing), default=0.0)
    if wait <= 0:
        return [first]
    time.sleep(min(wait, BETWEEN_LOOKS_S))
    return [first, sessions.read(cluster)]


def _joined(first: Change, then: Change) -> Change:
    names = ("removed", "reset", "kept", "closed", "foreign")
    return replace(first, after=then.after, **{name: getattr(first, name) + getattr(then, name) for name in names})

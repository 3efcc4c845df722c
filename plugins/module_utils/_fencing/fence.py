# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds client addresses to the blocklist and removes them again; acts on what others decided."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, caps, last_question, lease_store, open_leases, restore
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change, confirm, read_without
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.last_question import Answers
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease, LeaseBook
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import (
    FencePlan,
    Look,
    gone_since,
    plan_fence,
)

LONGEST_EXPIRE_S = 365 * 24 * 3600
# A client that is back answers within milliseconds; one without a session has been silent for over five minutes.
GONE_TIMEOUT_S = 1


def apply(options: t.Mapping[str, t.Any], dry_run: bool) -> Change:
    """Does what the options of osd_blacklist ask for; with ``dry_run`` only says what it would do. Raises RescueError."""
    addresses = list(dict.fromkeys(str(address.parse(text)) for text in options["addresses"]))
    if not 1 <= options["expire"] <= LONGEST_EXPIRE_S:
        raise InputError(f"expire is {options['expire']}: give between 1 second and a year ({LONGEST_EXPIRE_S} s).")
    with Cluster(Connection.from_options(options)) as cluster:
        if options["state"] == "restored":
            return restore.restored(cluster, addresses, options, dry_run)
        if not addresses:
            return open_leases.looked(cluster, options)
        if options["state"] == "absent":
            return _absent(cluster, addresses, dry_run)
        if options["lease"] is None:
            return _present(cluster, addresses, options["expire"], dry_run)
        return _leased(cluster, addresses, options, dry_run)


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
    with _book(cluster, request, dry_run) as book:
        before = blocklist.read(cluster)
        facts = {"run": request["run"], "reason": request["reason"], "images": tuple(request["images"]), "added": now, "expire": expire_s}
        wanted = {client: Lease(address=client, gone_since=since[client], **facts) for client in addresses}
        plan = plan_fence(wanted, book.read(), before.entries)
        if plan.record:
            caps.require_way_back(cluster, before.word)
        fenced = Answers(plan.add + plan.extend) if dry_run else _Fence(cluster, book, before.word, plan, options).run()
        after = _after_adding(cluster, before, fenced.silent, expire_s, dry_run)
        if fenced.silent and not dry_run:
            book.record([replace(one, until=after[one.address]) for one in plan.record if one.address in fenced.silent])
    added, extended = ([client for client in clients if client in fenced.silent] for clients in (plan.add, plan.extend))
    spared = [{"address": client, "reason": reason} for client, reason in fenced.spared.items()]
    return Change(before.entries, after, added=added, extended=extended, spared=spared, vanished=fenced.vanished, word=before.word)


def _book(cluster: Cluster, request: t.Mapping[str, t.Any], dry_run: bool) -> t.ContextManager[LeaseBook]:
    """The lock lasts for longer than the last question."""
    return lease_store.looked_at(cluster, request["pool"]) if dry_run else lease_store.opened(cluster, request["pool"], request["patience"])


@dataclass(frozen=True)
class _Fence:
    """One fence under leases: asks the clients a last time, and fences those that stay silent."""

    cluster: Cluster
    book: LeaseBook
    word: str
    plan: FencePlan
    options: t.Mapping[str, t.Any]

    def run(self) -> Answers:
        """Clients that are gone, or that the operator names, wait for no other one's patience."""
        request, leases = self.options["lease"], self.plan.record
        named = [one for one in leases if one.address in request["evict"]]
        gone = [one for one in leases if one not in named and one.gone_since]
        rest = [one for one in leases if one not in named and one not in gone]
        patience = max(GONE_TIMEOUT_S, request["patience"])
        return self._fence(named, 0).and_then(self._fence(gone, GONE_TIMEOUT_S)).and_then(self._fence(rest, patience))

    def _fence(self, leases: t.Sequence[Lease], timeout_s: int) -> Answers:
        """Between the end of the question and the command to the monitors there is no other work. Without a timeout no client is asked."""
        if not leases:
            return Answers()
        clients = [one.address for one in leases]
        self.book.record(leases)
        answers = last_question.ask(self.cluster, clients, self.options["lease"]["images"], timeout_s) if timeout_s else Answers(clients)
        extend = [client for client in answers.silent if client in self.plan.extend]
        blocklist.change(self.cluster, self.word, dict.fromkeys(answers.silent, self.options["expire"]), extend)
        if len(answers.silent) < len(clients):
            self.book.drop([client for client in clients if client not in answers.silent])
        return answers


def _gone_since(addresses: t.Sequence[str], looks: t.Sequence[Look], now_seen: sessions.Sessions, now: float) -> dict[str, float]:
    """The looks are believed only of clients that have no session now; such a client is gone since now at the latest."""
    told = gone_since(addresses, looks, now)
    return {client: told[client] or now if now_seen.missing(client) else 0.0 for client in addresses}


def _after_adding(cluster: Cluster, before: Blocklist, added: t.Sequence[str], expire_s: int, dry_run: bool) -> dict[str, str]:
    if dry_run or not added:
        return {**before.entries, **dict.fromkeys(added, f"{expire_s} s from then")}
    after = blocklist.read(cluster).entries
    confirm(
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
    return read_without(cluster, removed, before.word)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds client addresses to the blocklist and removes them again; acts on what others decided."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, caps, lease_store, open_leases, restore
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change, confirm, read_without
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import (
    Look,
    gone_since,
    plan_fence,
)

LONGEST_EXPIRE_S = 365 * 24 * 3600


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

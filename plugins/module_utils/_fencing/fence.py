# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds client addresses to the blocklist and removes them again. The decision is made elsewhere."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, leased_fence, open_leases, restore
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change, read_with, read_without

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
        return leased_fence.run(cluster, addresses, options, dry_run)


def _present(cluster: Cluster, addresses: t.Sequence[str], expire_s: int, dry_run: bool) -> Change:
    before = blocklist.read(cluster)
    missing = [client for client in addresses if client not in before.entries]
    if not dry_run:
        blocklist.change(cluster, before.word, dict.fromkeys(missing, expire_s))
    return Change(before.entries, read_with(cluster, before, missing, expire_s, dry_run), added=missing, word=before.word)


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

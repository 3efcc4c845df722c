# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The blocklist together with the open leases of the pools."""

from __future__ import annotations

import typing as t
from dataclasses import asdict

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import pools, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, lease_store
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease


def listed(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns ``blocklist``, the list with all open leases, where the options of rbd_watchers ask for it. Raises RescueError."""
    if not options["blocklist"]:
        return {}
    with Cluster(Connection.from_options(options)) as cluster:
        found = looked(cluster, {**options, "pools": []})
        living = fenced_living(Blocklist(found.word, found.after, found.ranges), sessions.read(cluster), found.leases)
    return {"blocklist": {**{name: getattr(found, name) for name in ("after", "ranges", "leases", "unread", "word")}, "living": living}}


def fenced_living(listed: Blocklist, seen: Sessions, leases: t.Sequence[t.Mapping[str, t.Any]]) -> list[dict[str, str]]:
    """Returns the clients that have a session on a monitor and are fenced; with the entry, its end, and the run whose lease explains it, '' for none."""
    runs = {lease["address"]: lease["run"] for lease in leases}
    return [
        {"address": client, "host": host, "entity": seen.names.get(client, ""), "entry": entry, "until": until, "run": runs.get(entry, "")}
        for client, host in seen.hosts.items()
        for entry, until in listed.fencing(client)
    ]


def looked(cluster: Cluster, options: t.Mapping[str, t.Any]) -> Change:
    """Returns the list and the open leases, with nothing changed. Raises ClusterError."""
    listed, books, unread = with_blocklist(cluster, options)
    leases = [{"pool": pool, **asdict(one)} for pool, found in books.items() for one in found.values()]
    return Change(listed.entries, listed.entries, leases=leases, unread=unread, word=listed.word, ranges=listed.ranges)


def with_blocklist(cluster: Cluster, options: t.Mapping[str, t.Any]) -> tuple[Blocklist, dict[str, dict[str, Lease]], list[str]]:
    """Returns the blocklist, each pool with its leases, and why others could not be read; all of one OSD map."""
    dump = cluster.command("osd dump")
    there = pools.Pools(tuple(options["pools"]), (), {}) if options["pools"] else pools.parse(dump)
    answers = dict(zip(there.every, at_once(lambda pool: _read_leases(cluster, pool), there.every)))
    errors = {pool: answer for pool, answer in answers.items() if isinstance(answer, RescueError)}
    books = {pool: answer for pool, answer in answers.items() if not isinstance(answer, RescueError)}
    return blocklist.parse(dump), books, there.gaps(errors)


def _read_leases(cluster: Cluster, pool: str) -> dict[str, Lease] | RescueError:
    try:
        return lease_store.read(cluster, pool)
    except (ClusterError, InputError) as error:
        return error

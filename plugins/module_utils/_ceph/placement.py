# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locates objects, and lists the placement groups that are not active."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded, in_words


@dataclass(frozen=True)
class Inactive:
    """Holds the PGs that are not active, or that no OSD reports on: id -> state. ``gap``: why they are unknown, '' if they are known."""

    states: t.Mapping[str, str]
    gap: str = ""


def inactive(cluster: Cluster) -> Inactive:
    """Returns them as the manager counts them, a few seconds old. Raises nothing but FencedError: the gap says what is missing."""
    try:
        # The monitors hand this on to the manager. A threshold of 0 s also shows what has just become so. A group that lost all its OSDs
        # keeps its last state, often active, with stale beside it.
        return parse(cluster.command("pg dump_stuck", stuckops=["inactive", "stale"], threshold=0))
    except Exception as error:
        return Inactive({}, reasons.GROUPS_UNREAD.format(reason=in_words(error, "that")))


@guarded("pg dump_stuck")
def parse(dump: t.Any) -> Inactive:
    """Parses ``pg dump_stuck --format json``, a list before Ceph 14.2.5 and an object since."""
    if isinstance(dump, t.Mapping) and not dump.get("pg_ready", True):
        return Inactive({}, reasons.MANAGER_WAITS)
    stuck = dump.get("stuck_pg_stats", []) if isinstance(dump, t.Mapping) else dump or []
    return Inactive({pg["pgid"]: pg["state"] for pg in stuck})


def locate(cluster: Cluster, pool: str, namespace: str, name: str) -> tuple[str, str]:
    """Returns an object's PG, and the OSD that leads it, such as ``("1.6", "osd.1")``. Raises ClusterError."""
    group, leader = led(cluster, pool, namespace, name)
    return group, f"osd.{leader}" if leader >= 0 else "no OSD"


def led(cluster: Cluster, pool: str, namespace: str, name: str) -> tuple[str, int]:
    """Returns an object's PG, and the number of the OSD that leads it, -1 for none. Raises ClusterError."""
    found = cluster.command("osd map", pool=pool, object=name, **({"nspace": namespace} if namespace else {}))
    with guarded("osd map"):
        return found["pgid"], int(found.get("acting_primary", -1))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which clients the monitors know: a client without a session on any monitor is gone."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


@dataclass(frozen=True)
class Sessions:
    """Who is connected. ``hosts``: client address -> host name. ``gap``: why the sight is incomplete, '' when every monitor was read."""

    hosts: dict[str, str]
    gap: str = ""

    def missing(self, client: str) -> bool:
        """True only when every monitor was read and none knows the client at this address."""
        return not self.gap and client not in self.hosts


def read(cluster: Cluster) -> Sessions:
    """The union of all monitors' sessions: a client is connected to one of them only (``MonClient`` in Ceph).

    Never raises for lack of caps or for a monitor that is down: the gap says so.
    """
    try:
        dump = cluster.command("mon dump")
        monitors = [monitor["name"] for monitor in dump["mons"]]
        if len(dump["quorum"]) < len(monitors):
            return Sessions({}, f"only {len(dump['quorum'])} of {len(monitors)} monitors are in quorum")
        hosts: dict[str, str] = {}
        for monitor in monitors:
            hosts.update(parse(cluster.tell_monitor(monitor, "sessions")))
    except ClusterError as error:
        return Sessions({}, f"the monitors' sessions could not be read: {error}")
    return Sessions(hosts)


def parse(sessions: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Client address -> host name, from one monitor's JSON list of sessions."""
    found = {}
    for session in sessions:
        socket = session.get("socket_addr") or {}
        found[address.normal(f"{socket.get('addr')}/{socket.get('nonce')}")] = session.get("remote_host", "")
    return found

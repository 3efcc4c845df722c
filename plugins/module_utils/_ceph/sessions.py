# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which clients the monitors know: a client without a session on any monitor is gone."""

from __future__ import annotations

import errno
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded, in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError

# A client that lost its monitor looks for another one every 3 s (mon_client_hunt_interval), and has no session meanwhile.
BETWEEN_LOOKS_S = 3.0


@dataclass(frozen=True)
class Sessions:
    """Holds the connected clients. ``hosts``: client address -> host name; ``names``: client address -> Ceph user, such as ``client.admin`` or ``mgr.x``.

    ``gap``: why the list is incomplete, '' if every monitor was read.
    """

    hosts: dict[str, str]
    ids: frozenset[int] = frozenset()
    gap: str = ""
    names: t.Mapping[str, str] = field(default_factory=dict)

    def missing(self, client: str, client_id: int = 0) -> bool:
        """Returns true only if every monitor was read and none knows a client of this address or (if known) this id."""
        return not self.gap and client not in self.hosts and client_id not in self.ids


def read(cluster: Cluster) -> Sessions:
    """Returns the union of all monitors' sessions: a client is connected to one of them only (``MonClient`` in Ceph).

    Never raises for lack of caps or for a monitor that is down: the gap says so.
    """
    try:
        monitors, gap = in_quorum(cluster.command("quorum_status"), cluster.connection.quorum_settle)
    except Exception as error:
        return _unread(error)
    # What was read counts beside a gap, too: it shows which clients are alive, and their users.
    return union([_ask_or_gap(cluster, monitor) for monitor in monitors] + [Sessions({}, gap=gap)])


def _ask_or_gap(cluster: Cluster, monitor: str) -> Sessions:
    try:
        return ask(cluster, monitor)
    except Exception as error:
        return _unread(error)


def _unread(error: Exception) -> Sessions:
    return Sessions({}, gap=reasons.SESSIONS_UNREAD.format(reason=in_words(error, "that")))


def ask(cluster: Cluster, monitor: str) -> Sessions:
    """Returns one monitor's sessions. Raises ClusterError. Ceph before Octopus lists them only to its own host (``command not known``, measured): a gap."""
    try:
        return parse(cluster.tell_monitor(monitor, "sessions"))
    except ClusterError as error:
        if error.code != errno.EINVAL:
            raise
        return Sessions({}, gap=reasons.NO_SESSION_LIST)


@guarded("quorum_status")
def in_quorum(status: t.Mapping[str, t.Any], settle_s: float) -> tuple[list[str], str]:
    """Returns the monitors to ask, and why their answers would be incomplete, '' if complete; from ``quorum_status --format json``.

    A session ends with its monitor, and a client that is stopped cannot make a new one. Every monitor that leaves, restarts or comes back begins a
    new quorum. A client without a session is gone, or was silent before this quorum began, too. One that left drops its clients after 10 s
    (2 * mon_lease, ``Monitor::tick`` in Ceph's src/mon/Monitor.cc).
    """
    names, known, age = list(status["quorum_names"]), len(status["monmap"]["mons"]), float(status.get("quorum_age", 0))
    if age >= settle_s:
        return names, ""
    return names, reasons.YOUNG_QUORUM.format(n=len(names), m=known, seconds=round(age))


def union(looks: t.Sequence[Sessions]) -> Sessions:
    """Returns what several monitors know together."""
    hosts = {client: host for look in looks for client, host in look.hosts.items()}
    names = {client: name for look in looks for client, name in look.names.items()}
    return Sessions(hosts, frozenset().union(*(look.ids for look in looks)), next((look.gap for look in looks if look.gap), ""), names)


@guarded("sessions")
def parse(sessions: t.Sequence[t.Mapping[str, t.Any]] | None) -> Sessions:
    """Parses one monitor's JSON list. A session without a readable address is a gap: it might be of any client."""
    hosts, names, ids, gap = {}, {}, set(), "" if sessions else reasons.EMPTY_SESSIONS
    for session in sessions or []:
        socket, client_id = session.get("socket_addr") or {}, session.get("global_id") or 0
        try:
            client = str(address.parse(f"{socket.get('addr')}/{socket.get('nonce')}"))
            hosts[client], names[client] = str(session.get("remote_host") or ""), str(session.get("entity_name") or "")
        except InputError:
            # A monitor lists itself, with id 0 and no address.
            gap = gap or (reasons.ODD_SESSION.format(client=f"client.{client_id}") if client_id else "")
        ids.add(client_id)
    return Sessions(hosts, frozenset(ids - {0}), gap, names)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads and changes the client addresses on the OSD map's blocklist, which Ceph called blacklist before release 16."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.time_format import TIME
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# Commands that wait for the same Paxos round share it, so all are sent at once (measured: 1,000 by 500 threads in 2.1 s).
_SENDERS = 500


@dataclass(frozen=True)
class Blocklist:
    """Holds the entries. ``word``: how this cluster spells blocklist. ``entries``: address -> end, in UTC; before Ceph 15 in the cluster's own, unknown zone.

    ``ranges``: network -> end, of entries for whole networks.
    """

    word: str
    entries: dict[str, str]
    ranges: dict[str, str] = field(default_factory=dict)

    def fencing(self, client: str) -> list[tuple[str, str]]:
        """Returns the entries that fence a client, each with its end."""
        own = [(entry, self.entries[entry]) for entry in (client, f"{client.rpartition(':')[0]}:0/0") if entry in self.entries]
        return own + [(entry, until) for entry, until in self.ranges.items() if address.covers(entry, client)]


def read(cluster: Cluster) -> Blocklist:
    """Returns the list as the newest OSD map has it. Raises ClusterError."""
    return parse(cluster.command("osd dump"))


@guarded("osd dump")
def parse(dump: t.Mapping[str, t.Any]) -> Blocklist:
    """Parses ``osd dump --format json``. (``blocklist ls`` prints two JSON arrays after each other, which is no JSON document.)"""
    word = "blocklist" if "blocklist" in dump else "blacklist"
    if word not in dump:
        raise ClusterError("The OSD map lists neither 'blocklist' nor 'blacklist': this Ceph release is unknown.")
    entries = {address.normal(entry): in_utc(str(until)) for entry, until in dump[word].items()}
    return Blocklist(word, entries, {address.network(entry): in_utc(str(until)) for entry, until in dump.get(f"range_{word}", {}).items()})


def in_utc(until: str) -> str:
    """Returns an entry's end, the same from every monitor: each prints it in its own time zone (measured on 16.2.15; ``utime_t`` in Ceph's include/utime.h)."""
    try:
        return datetime.strptime(until, TIME).astimezone(timezone.utc).strftime(TIME)
    except (ValueError, OverflowError):
        return until


def change(cluster: Cluster, word: str, add: t.Mapping[str, float], remove: t.Iterable[str] = ()) -> None:
    """Removes entries all at once, then adds entries all at once, and waits for the map that has them. Raises ClusterError.

    ``add``: address -> seconds until it expires. To change the end of an existing entry, give it in ``remove``, too: the monitors
    report success for an add, but leave an existing entry as it is (measured on 16.2.15; ``OSDMap::apply_incremental`` only inserts).
    Removing a missing entry is no error.
    """
    # ``expire`` must be a JSON float: 60 and "60" are refused with EINVAL.
    adding: list[dict[str, t.Any]] = [{f"{word}op": "add", "addr": client, "expire": float(seconds)} for client, seconds in add.items()]
    removing: list[dict[str, t.Any]] = [{f"{word}op": "rm", "addr": client} for client in remove]
    for commands in (removing, adding):
        at_once(lambda arguments: cluster.act(f"osd {word}", **arguments), commands, _SENDERS)
    if adding or removing:
        cluster.wait_for_latest_map()

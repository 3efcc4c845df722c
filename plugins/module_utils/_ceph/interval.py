# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads how old the interval of a header's placement group is: the time in which the same OSDs have served it.

In the first seconds of an interval healthy clients have not watched again yet, and let a notify time out.
"""

from __future__ import annotations

import errno
import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded, in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.time_format import TIME, TIME_WITHOUT_ZONE
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# Every zone is whole quarters of an hour away from another one.
_ZONES_S = 900

# OSD -> the newest epoch in which an interval that it leads might have begun, and whether it is up.
Osds = dict[int, tuple[int, bool]]


class Young(t.NamedTuple):
    """Holds a young interval. ``began``: when the interval began at the latest, in seconds since the epoch; ``why``: in words, why a notify proves nothing."""

    began: float
    why: str


@guarded("osd dump")
def osds(cluster: Cluster) -> Osds:
    """Returns the OSDs. Where they are the same before and after a notify, no interval began meanwhile. Raises ClusterError."""
    return {one["osd"]: (max(one["up_from"], one["up_thru"]), bool(one["up"])) for one in cluster.command("osd dump")["osds"]}


def young(cluster: Cluster, headers: t.Sequence[HeaderObject], sent: float, known: Osds | None = None) -> dict[HeaderObject, Young]:
    """Returns the headers whose interval had not lasted for ``osd_settle`` when a notify was ``sent``, in seconds since the epoch.

    ``known``: the OSDs as they are now, where they have just been read.

    A header whose history cannot be read is one of them, as if its interval began with the notify. A placement group becomes active only once the OSD map
    has its leading OSD's up_thru in the interval (``PeeringState::adjust_need_up_thru`` in Ceph's src/osd/PeeringState.cc). So no interval that this OSD
    leads is newer than its up_thru. One that another group began counts, too.
    """
    if not headers:
        return {}
    settle_s = cluster.connection.osd_settle
    try:
        newest = osds(cluster) if known is None else known
        leaders = dict(zip(headers, at_once(lambda header: _leader(cluster, header), headers)))
        epochs = {newest[leader][0] for leader in leaders.values() if isinstance(leader, int) and leader in newest}
        stamps = _newer(cluster, epochs, sent - settle_s, sent)
    except Exception as error:
        return dict.fromkeys(headers, Young(sent, reasons.HISTORY_UNKNOWN.format(reason=in_words(error, "that"))))
    found: dict[HeaderObject, Young] = {}
    for header, leader in leaders.items():
        if isinstance(leader, str) or leader not in newest:
            found[header] = Young(sent, leader if isinstance(leader, str) else reasons.NO_LEADER)
        elif newest[leader][0] in stamps:
            found[header] = Young(stamps[newest[leader][0]], _in_words(stamps[newest[leader][0]], settle_s))
    return found


def _in_words(began: float, settle_s: int) -> str:
    at = datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="seconds")
    return reasons.OSDS_CHANGED.format(time=at, n=settle_s)


def _leader(cluster: Cluster, header: HeaderObject) -> int | str:
    """Returns the OSD that leads the header's placement group, or why that is not known."""
    try:
        return placement.led(cluster, header.pool, header.namespace, header.name)[1]
    except Exception as error:
        return reasons.GROUP_UNKNOWN.format(reason=in_words(error, "that"))


def _newer(cluster: Cluster, epochs: t.Collection[int], since: float, now: float) -> dict[int, float]:
    """Returns the epochs of the OSD map that began after ``since``, and when. Epochs that the monitors no longer keep are older."""
    found: dict[int, float] = {}
    for epoch in sorted(epochs, reverse=True):
        try:
            at = stamp(cluster.command("osd dump", epoch=epoch), now)
        except ClusterError as error:
            if error.code != errno.ENOENT:
                raise
            break
        if at <= since:
            break
        found[epoch] = at
    return found


@guarded("osd dump")
def stamp(dump: t.Mapping[str, t.Any], now: float) -> float:
    """Returns the time of an OSD map, from ``osd dump``, in seconds since the epoch; without a zone, it is the newest possible time. Raises ClusterError."""
    try:
        return datetime.strptime(dump["modified"], TIME).timestamp()
    except ValueError:
        at = datetime.strptime(dump["modified"], TIME_WITHOUT_ZONE).replace(tzinfo=timezone.utc).timestamp()
        return now - (now - at) % _ZONES_S

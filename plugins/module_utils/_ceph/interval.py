# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How old the interval of a header's placement group is: the time in which the same OSDs have served it.

In the first seconds of an interval healthy clients have not watched again yet, and let a notify time out.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# Before Ceph 15, the monitor's local time without an offset.
_TIMES = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M:%S.%f")


Replies = t.Mapping[HeaderObject, t.Union[NotifyReply, str]]


def young(cluster: Cluster, replies: Replies, sent: t.Mapping[HeaderObject, float]) -> dict[HeaderObject, float]:
    """Returns the headers on which a watcher let a notify time out although the interval had not lasted for ``osd_settle`` before, and when it began.

    ``sent``: when the notifies were, in seconds since the epoch. A header whose history cannot be read counts as young, with the time of the notify.
    """
    silent = [header for header, reply in replies.items() if isinstance(reply, NotifyReply) and reply.timed_out]
    began = {header: at if isinstance(at, float) else sent[header] for header, at in begins(cluster, silent).items()}
    return {header: at for header, at in began.items() if at > sent[header] - cluster.connection.osd_settle}


def in_words(began: float, settle_s: int) -> str:
    """Why a header with a young interval proves nothing."""
    at = datetime.fromtimestamp(began, timezone.utc).isoformat(timespec="seconds")
    return f"the OSDs that serve its header changed at {at}, and clients need up to {settle_s} s to watch again: check 'ceph osd tree', then rerun"


def begins(cluster: Cluster, headers: t.Sequence[HeaderObject]) -> dict[HeaderObject, float | str]:
    """Returns when the interval of each header began at the latest, in seconds since the epoch; in words why that is not known.

    A placement group becomes active only once the OSD map has its leading OSD's up_thru in the interval (``PeeringState::adjust_need_up_thru`` in Ceph's
    src/osd/PeeringState.cc). So no interval that this OSD leads is newer than its up_thru. One that another group began counts, too.
    """
    if not headers:
        return {}
    try:
        newest = _newest(cluster.command("osd dump"))
        epochs = dict(zip(headers, at_once(lambda header: _epoch(cluster, header, newest), headers)))
        stamps = {epoch: _stamp(cluster, epoch) for epoch in {epoch for epoch in epochs.values() if isinstance(epoch, int)}}
    except ClusterError as error:
        return dict.fromkeys(headers, f"the history of its placement group could not be read: {error}")
    return {header: stamps[epoch] if isinstance(epoch, int) else epoch for header, epoch in epochs.items()}


@guarded("osd dump")
def _newest(dump: t.Any) -> dict[int, int]:
    """OSD -> the newest epoch in which an interval that it leads may have begun."""
    return {one["osd"]: max(one["up_from"], one["up_thru"]) for one in dump["osds"]}


def _epoch(cluster: Cluster, header: HeaderObject, newest: t.Mapping[int, int]) -> int | str:
    namespace = {"nspace": header.namespace} if header.namespace else {}
    found = cluster.command("osd map", pool=header.pool, object=header.name, **namespace)
    with guarded("osd map"):
        return newest.get(found["acting_primary"], "no OSD leads its placement group")


def _stamp(cluster: Cluster, epoch: int) -> float:
    """When the epoch of the OSD map began; 0 for one that the monitors no longer keep, which is long ago."""
    try:
        return stamp(cluster.command("osd dump", epoch=epoch))
    except ClusterError as error:
        if error.code == 2:
            return 0.0
        raise


@guarded("osd dump")
def stamp(dump: t.Mapping[str, t.Any]) -> float:
    """The time of an OSD map, from ``osd dump``, in seconds since the epoch. Raises ClusterError."""
    for shape in _TIMES:
        try:
            return datetime.strptime(dump["modified"], shape).timestamp()
        except ValueError:
            continue
    raise ValueError(dump["modified"])

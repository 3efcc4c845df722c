# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proves that an OSD delivers notifies, by a notify to a watch of this module on an object that the same OSD leads.

If no watcher of a header responds, either all are dead, or the OSD reaches none of them.
The object has the prefix of the leases, which the user of ceph_user.yml is allowed to write.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
import uuid

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, RescueError

_PREFIX = "cephops_iscsi_rescue.leases.control"
_CAP = f"the osd cap 'allow rwx object_prefix {_PREFIX.rpartition('.')[0]}'"
# The chance to find none among so many is below 1 to a million with 100 OSDs.
_NAMES = 1500
_NOTIFY_S = 5
# An OSD takes a watch that is silent for longer off the notify, as if it had been answered (Watch::start_notify in Ceph's src/osd/Watch.cc).
_WATCH_S = 60
_ALL_S = 60


def unproven(cluster: Cluster, headers: t.Sequence[HeaderObject]) -> dict[HeaderObject, str]:
    """Returns for each header '' if its OSD delivered a notify to this module's own watch, or why that is not proven. Raises nothing."""
    give_up, known, found = time.monotonic() + _ALL_S, dict[tuple[str, str, int], str](), dict[HeaderObject, str]()
    for header in headers:
        try:
            place = (header.pool, header.namespace, placement.led(cluster, *header)[1])
            if place not in known:
                known[place] = _gap(cluster, place, give_up)
            found[header] = known[place]
        except RescueError as error:
            found[header] = _words(error)
    return found


def _gap(cluster: Cluster, place: tuple[str, str, int], give_up: float) -> str:
    if time.monotonic() > give_up:
        return _words(reasons.CONTROL_TIMED_OUT.format(n=_ALL_S))
    try:
        name = _name_on(cluster, place, give_up)
        # Watch and notify know no deadline of their own.
        cluster.in_time(lambda: _try(cluster, place, name), "A notify to this module's own watch")
    except RescueError as error:
        return _words(error)
    return ""


def _words(why: object) -> str:
    return reasons.DELIVERY_UNPROVEN.format(reason=why)


def _name_on(cluster: Cluster, place: tuple[str, str, int], give_up: float) -> str:
    """Returns a name that no other run uses at the same time."""
    pool, namespace, leader = place
    run = uuid.uuid4().hex[:12]
    for name in (f"{_PREFIX}.{run}.{number}" for number in range(_NAMES if leader >= 0 else 0)):
        if placement.led(cluster, pool, namespace, name)[1] == leader:
            return name
        if time.monotonic() > give_up:
            break
    raise ClusterError(reasons.CONTROL_NO_NAME.format(pool=pool, osd=leader))


def _try(cluster: Cluster, place: tuple[str, str, int], name: str) -> None:
    pool, namespace, _leader = place
    heard = threading.Event()
    with cluster.open_pool(pool, namespace) as ioctx:
        try:
            ioctx.write_full(name, b"")
            try:
                _notify(ioctx, name, heard)
            finally:
                ioctx.remove_object(name)
        except rados.Error as error:
            raise explain(error, f"A notify to this module's own watch on {pool}/{name}", _CAP) from error
    if not heard.is_set():
        raise ClusterError(reasons.CONTROL_UNHEARD)


def _notify(ioctx: t.Any, name: str, heard: threading.Event) -> None:
    watch = ioctx.watch(name, lambda *_notify: heard.set(), None, _WATCH_S)
    try:
        ioctx.notify(name, "", _NOTIFY_S * 1000)
    finally:
        with contextlib.suppress(rados.Error):
            watch.close()

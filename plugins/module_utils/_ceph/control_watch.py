# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an OSD delivers notifies: by one to a watch of our own, on an object that the same OSD leads.

Where nobody answers on a header, that is either because all its watchers are dead, or because its OSD reaches none of them.
The object has the prefix of the leases, which the user that ceph_user.yml makes may write.
"""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, RescueError

_PREFIX = "cephops_iscsi_rescue.leases.control"
_CAP = f"the osd cap 'allow rwx object_prefix {_PREFIX.rpartition('.')[0]}'"
# The chance to find none among so many is below 1 to a million with 100 OSDs.
_NAMES = 1500
_TIMEOUT_S = 5


def why_unproven(cluster: Cluster, header: HeaderObject) -> str:
    """Returns '' where a notify to a watch of our own was delivered, or why that is not proven. Raises nothing."""
    try:
        _try(cluster, header, _name_beside(cluster, header))
    except RescueError as error:
        return f"whether its OSD delivers notifies is not proven: {error}"
    return ""


def _name_beside(cluster: Cluster, header: HeaderObject) -> str:
    _group, leader = placement.led(cluster, *header)
    names = (f"{_PREFIX}.{number}" for number in range(_NAMES))
    found = next((name for name in names if placement.led(cluster, header.pool, header.namespace, name)[1] == leader), "")
    if leader < 0 or not found:
        raise ClusterError(f"No OSD leads {header.name} and another object of pool {header.pool}.")
    return found


def _try(cluster: Cluster, header: HeaderObject, name: str) -> None:
    with cluster.open_pool(header.pool, header.namespace) as ioctx:
        try:
            ioctx.write_full(name, b"")
            watch = ioctx.watch(name, _heard, None, _TIMEOUT_S)
            try:
                ioctx.notify(name, "", _TIMEOUT_S * 1000)
            finally:
                watch.close()
                ioctx.remove_object(name)
        except rados.Error as error:
            raise explain(error, f"A notify to a watch of our own on {header.pool}/{name}", _CAP) from error


def _heard(*_notify: t.Any) -> None:
    """That it is called answers the notify."""

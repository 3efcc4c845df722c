# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks whether this user is allowed to break the exclusive lock of an image."""

from __future__ import annotations

import struct

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject

CAP = "the osd cap 'allow class lock break_lock object_prefix rbd_header.'"
# RBD_LOCK_NAME in Ceph's src/include/rbd_types.h.
_NAME = b"rbd_lock"
# What no watch has, and so no lock.
_NO_COOKIE = b"auto 0"
_CLIENT = 8


def require_to_break(cluster: Cluster, header: HeaderObject) -> None:
    """Raises ClusterError if this user is not allowed to break the lock on a header. It asks to break a lock that does not exist, which changes nothing."""
    with cluster.open_pool(header.pool, header.namespace) as ioctx:
        try:
            ioctx.execute(header.name, "lock", "break_lock", _request(_NO_COOKIE, 0))
        except rados.ObjectNotFound:
            return
        except rados.Error as error:
            raise explain(error, f"Breaking a lock on {header.name}", CAP) from error


def _request(cookie: bytes, client_id: int) -> bytes:
    """Returns a cls_lock_break_op (Ceph's src/cls/lock/cls_lock_ops.h): the lock's name, its owner and its cookie."""
    body = _text(_NAME) + struct.pack("<BQ", _CLIENT, client_id) + _text(cookie)
    return struct.pack("<BBI", 1, 1, len(body)) + body


def _text(text: bytes) -> bytes:
    return struct.pack("<I", len(text)) + text

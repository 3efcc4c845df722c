# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Checks before a fence whether this user has the caps for what follows the fence. The playbook ceph_user.yml grants them all."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import exclusive_lock, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import image_watchers

# No client has this address, so its removal changes nothing, and makes no new map (OSDMonitor.cc, "isn't blocklisted").
NOBODY = "0.0.0.0:0/1"


def require_way_back(cluster: Cluster, word: str) -> None:
    """Raises ClusterError if this user is not allowed to look for the client after a fence, or to remove its entry."""
    monitors, _gap = sessions.in_quorum(cluster.command("quorum_status"), 0)
    for monitor in monitors[:1]:
        sessions.ask(cluster, monitor)
    cluster.act(f"osd {word}", **{f"{word}op": "rm", "addr": NOBODY})


def require_to_break(cluster: Cluster, specs: t.Collection[str]) -> None:
    """Raises ClusterError if this user is not allowed to break the locks of these images. Breaks none."""
    for one in image_watchers.of_named(cluster, specs, missing_ok=True):
        if not one.unseen:
            exclusive_lock.require_to_break(cluster, one.image.header_object)

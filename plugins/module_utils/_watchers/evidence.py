# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence on suspected images: one notify to all of them, between two looks at the monitors' sessions."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import librados, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, WatchedImage


@dataclass(frozen=True)
class Evidence:
    """What the notify brought for each image, and the sessions before and after it."""

    replies: dict[Image, NotifyReply | str]
    looks: tuple[sessions.Sessions, ...]

    def findings(self, watched: WatchedImage) -> list[Finding]:
        """A finding for each watcher of the image."""
        reply = self.replies.get(watched.image, verdict.NOT_ASKED)
        return [verdict.find(watcher, reply, self.looks) for watcher in watched.watchers]


NONE = Evidence({}, ())


def gather(cluster: Cluster, suspects: t.Sequence[WatchedImage], notify_timeout_s: int) -> Evidence:
    """Asks every watcher of all suspects at once; takes ``notify_timeout_s`` when one does not answer. Raises ClusterError."""
    if not suspects:
        return NONE
    targets = {watched.image: librados.HeaderObject(watched.image.pool, watched.image.namespace, watched.image.header) for watched in suspects}
    before = sessions.read(cluster)
    replies = librados.notify_all(cluster.connection, list(targets.values()), notify_timeout_s)
    after = sessions.read(cluster)
    return Evidence({image: replies[target] for image, target in targets.items()}, (before, after))

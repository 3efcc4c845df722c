# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence on suspected images: one notify to all of them, between two looks at the monitors' sessions."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import notify, placement, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, WatchedImage


@dataclass(frozen=True)
class Evidence:
    """What the notify brought for each image, and the sessions before and after it. ``began``: the first look at them, in seconds since the epoch."""

    replies: dict[Image, NotifyReply | str]
    looks: tuple[sessions.Sessions, ...]
    began: float = 0.0

    def findings(self, watched: WatchedImage) -> list[Finding]:
        """A finding for each watcher of the image."""
        reply = self.replies.get(watched.image, verdict.NOT_ASKED)
        return [verdict.find(watcher, reply, self.looks) for watcher in watched.watchers]

    def then(self, later: Evidence) -> Evidence:
        """With the replies of a later notify in place of these, where there are some. Who is gone must be missing in all the sessions."""
        return Evidence({**self.replies, **later.replies}, (*self.looks, *later.looks), self.began)


NONE = Evidence({}, ())

# In a flood of 20,000 a client that serves thousands of watches was seen to answer some too late; with 5,000 none was.
_AT_ONCE = 2000


def gather(cluster: Cluster, suspects: t.Sequence[WatchedImage], notify_timeout_s: int) -> Evidence:
    """Asks every watcher of all suspects, ``_AT_ONCE`` images at a time; each time takes ``notify_timeout_s`` when one does not answer. Raises ClusterError."""
    if not suspects:
        return NONE
    targets = {watched.image: HeaderObject(watched.image.pool, watched.image.namespace, watched.image.header) for watched in suspects}
    began, before = time.time(), sessions.read(cluster)
    replies: dict[HeaderObject, NotifyReply | str] = {}
    headers = list(targets.values())
    for start in range(0, len(headers), _AT_ONCE):
        replies.update(notify.send_all(cluster.connection, headers[start : start + _AT_ONCE], notify_timeout_s))
    after = sessions.read(cluster)
    return Evidence({image: replies[target] for image, target in targets.items()}, (before, after), began)


def placed(cluster: Cluster, image: Image, sick: placement.Inactive) -> tuple[str, bool]:
    """Where an image's header is, in words, and whether its placement group is known to be inactive."""
    try:
        group, leader = placement.locate(cluster, image.pool, image.namespace, image.header)
    except ClusterError as error:
        return f"its placement group is not known: {error}", False
    state = sick.states.get(group, "active")
    return f"placement group {group}, led by {leader}" + (f"; {sick.gap}" if sick.gap else f", which is {state}"), group in sick.states

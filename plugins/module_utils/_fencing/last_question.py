# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The last question before a fence: a client that answers it is not fenced."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import header_object, notify
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import image_watchers
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage

# How the reason of a client that answered begins.
ACKNOWLEDGED = "it acknowledged the last notify"
Replies = t.Mapping[Image, t.Union[NotifyReply, str]]


@dataclass(frozen=True)
class Answers:
    """``silent``: clients that let every notify time out, and may be fenced. ``spared``: address -> why another one is not.

    ``vanished``: clients that watch none of the images any more, so that fencing them would heal nothing.
    """

    silent: list[str] = field(default_factory=list)
    spared: dict[str, str] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)

    def without(self, vanished: t.Sequence[str]) -> Answers:
        """Returns the same where these clients watch nothing any more."""
        spared = {client: why for client, why in self.spared.items() if client not in vanished}
        return Answers(self.silent, spared, [*self.vanished, *vanished])

    def and_then(self, later: Answers) -> Answers:
        """Returns both together."""
        return Answers(self.silent + later.silent, {**self.spared, **later.spared}, self.vanished + later.vanished)


def ask(cluster: Cluster, clients: t.Sequence[str], specs: t.Sequence[str], timeout_s: int) -> Answers:
    """Asks all watchers of these images, for as long as ``timeout_s`` where a watcher is silent. Raises ClusterError."""
    watched = image_watchers.of_named(cluster, specs, missing_ok=True)
    targets = {one.image: header_object.HeaderObject(one.image.pool, one.image.namespace, one.image.header) for one in watched if not one.unseen}
    replies = notify.send_all(cluster.connection, list(targets.values()), timeout_s) if targets else {}
    answers = judge(clients, watched, {image: replies[target] for image, target in targets.items()})
    if not answers.spared:
        return answers
    # An OSD drops the watch of a client that is silent for osd_client_watch_timeout (30 s), which the patience can be as long as.
    return answers.without(vanished(list(answers.spared), image_watchers.of_named(cluster, specs, missing_ok=True)))


def vanished(clients: t.Sequence[str], watched: t.Sequence[WatchedImage]) -> list[str]:
    """Returns the clients that watch nothing of this any more; none where something cannot be read."""
    watching = {watcher.address for one in watched for watcher in one.watchers}
    return [] if any(one.unseen for one in watched) else [client for client in clients if client not in watching]


def judge(clients: t.Sequence[str], watched: t.Sequence[WatchedImage], replies: Replies) -> Answers:
    """Returns what the replies say of each client. A client counts as silent only where all that it watches could be asked."""
    spared = {client: why for client in clients if (why := _why_spared(client, watched, replies))}
    watching = {watcher.address for one in watched for watcher in one.watchers}
    silent = [client for client in clients if client in watching and client not in spared]
    return Answers(silent, spared, [client for client in clients if client not in watching and client not in spared])


def _why_spared(client: str, watched: t.Sequence[WatchedImage], replies: Replies) -> str:
    unseen = [one for one in watched if one.unseen]
    if unseen:
        return f"it could not be asked before the fence: {unseen[0].unseen}"
    reasons = (_reason(one, client, replies[one.image]) for one in watched)
    return next(filter(None, reasons), "")


def _reason(one: WatchedImage, client: str, reply: NotifyReply | str) -> str:
    keys = {watcher.key for watcher in one.watchers if watcher.address == client}
    if not keys:
        return ""
    if isinstance(reply, str):
        return f"it could not be asked on {one.image.spec} before the fence: {reply}"
    if keys & set(reply.acked):
        return f"{ACKNOWLEDGED} on {one.image.spec} before the fence, so it is alive"
    moved = keys - set(reply.timed_out)
    return f"its watch on {one.image.spec} came or went while it was asked before the fence" if moved else ""

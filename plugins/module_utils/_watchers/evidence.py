# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gathers the evidence on suspected images: one notify to all of them, between two looks at the monitors' sessions."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import interval, notify, placement, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, Span, WatchedImage

# If the OSDs change for longer than so many times osd_settle, waiting does not help.
_LONGEST_SETTLES = 4


Reply = t.Union[NotifyReply, str]


@dataclass(frozen=True)
class Evidence:
    """Holds the replies for each image, and the sessions before and after the notifies. ``began``: the first look at sessions, in seconds since the epoch.

    ``asked``: when the notifies to each image began and ended, in seconds since the epoch.
    """

    replies: dict[Image, Reply]
    looks: tuple[sessions.Sessions, ...]
    began: float = 0.0
    asked: dict[Image, tuple[Span, ...]] = field(default_factory=dict)

    def findings(self, watched: WatchedImage) -> list[Finding]:
        """Returns a finding for each watcher of the image."""
        reply, asked = self.replies.get(watched.image, reasons.NOT_ASKED), self.asked.get(watched.image, ())
        return [verdict.find(watcher, reply, self.looks, asked) for watcher in watched.watchers]

    def then(self, later: Evidence) -> Evidence:
        """Returns the evidence with later replies in place of earlier ones. A client that is gone must be missing in all the sessions."""
        return Evidence({**self.replies, **later.replies}, (*self.looks, *later.looks), self.began, {**self.asked, **later.asked})

    def and_also(self, later: Evidence) -> Evidence:
        """Returns the evidence of both. A watcher is silent only if it let both notifies time out."""
        both = {image: _of_both(self.replies[image], reply) for image, reply in later.replies.items()}
        asked = {image: (*self.asked.get(image, ()), *spans) for image, spans in later.asked.items()}
        return Evidence({**self.replies, **both}, (*self.looks, *later.looks), self.began, {**self.asked, **asked})


def _of_both(first: Reply, later: Reply) -> Reply:
    if isinstance(first, str):
        return first
    return later if isinstance(later, str) else first.and_also(later)


NONE = Evidence({}, ())

_AT_ONCE = 2000


def gather(cluster: Cluster, suspects: t.Sequence[WatchedImage], notify_timeout_s: int) -> Evidence:
    """Asks every watcher of all suspects, ``_AT_ONCE`` images at a time; each time takes ``notify_timeout_s`` if a watcher is silent. Raises ClusterError.

    If the OSDs that serve a header have just changed, it is asked again ``osd_settle`` seconds later.
    """
    if not suspects:
        return NONE
    targets = {watched.image: watched.image.header_object for watched in suspects}
    began, before = time.time(), sessions.read(cluster)
    replies, spans = _settled(cluster, list(targets.values()), notify_timeout_s)
    after = sessions.read(cluster)
    asked: dict[Image, tuple[Span, ...]] = {image: (spans[target],) for image, target in targets.items()}
    return Evidence({image: replies[target] for image, target in targets.items()}, (before, after), began, asked)


def _settled(cluster: Cluster, headers: t.Sequence[HeaderObject], timeout_s: int) -> tuple[dict[HeaderObject, Reply], dict[HeaderObject, Span]]:
    """Returns the replies, and when each header was asked."""
    settle_s = cluster.connection.osd_settle
    give_up = time.monotonic() + _LONGEST_SETTLES * settle_s
    replies, spans = _ask(cluster, headers, timeout_s)
    young = _young(cluster, headers, replies, spans)
    while young and time.monotonic() < give_up:
        time.sleep(min(settle_s, 1))
        ready = [header for header, one in young.items() if time.time() >= one.began + settle_s]
        more, later = _ask(cluster, ready, timeout_s)
        replies.update(more)
        spans.update(later)
        young = {header: one for header, one in young.items() if header not in ready} | _young(cluster, ready, replies, spans)
    return {**replies, **{header: one.why for header, one in young.items()}}, spans


def _young(
    cluster: Cluster, headers: t.Sequence[HeaderObject], replies: t.Mapping[HeaderObject, Reply], spans: t.Mapping[HeaderObject, Span]
) -> dict[HeaderObject, interval.Young]:
    """Returns those of the headers on which a watcher was silent while their OSDs had just changed."""
    silent = [header for header in headers if isinstance(reply := replies[header], NotifyReply) and reply.timed_out]
    return interval.young(cluster, silent, min((spans[header][0] for header in silent), default=0.0))


def _ask(cluster: Cluster, headers: t.Sequence[HeaderObject], timeout_s: int) -> tuple[dict[HeaderObject, Reply], dict[HeaderObject, Span]]:
    replies: dict[HeaderObject, Reply] = {}
    spans: dict[HeaderObject, Span] = {}
    for start in range(0, len(headers), _AT_ONCE):
        some, began = headers[start : start + _AT_ONCE], time.time()
        replies.update(notify.send_all(cluster.connection, some, timeout_s))
        spans.update(dict.fromkeys(some, (began, time.time())))
    return replies, spans


def placed(cluster: Cluster, image: Image, sick: placement.Inactive) -> tuple[str, bool]:
    """Returns where an image's header is, in words, and whether its placement group is known to be inactive."""
    try:
        group, leader = placement.locate(cluster, image.pool, image.namespace, image.header)
    except Exception as error:
        return reasons.PLACE_UNKNOWN.format(reason=in_words(error, "that")), False
    state = sick.states.get(group, "active")
    return f"placement group {group}, led by {leader}" + (f"; {sick.gap}" if sick.gap else f", which is {state}"), group in sick.states

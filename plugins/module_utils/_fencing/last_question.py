# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks the last question before a fence: a client that answers it is not fenced."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import interval, notify
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import image_watchers
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, Span, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.reasons import NOTHING_HEALED

# A client that is back answers within milliseconds. A client without a session in the look and now has been silent for over five minutes.
GONE_TIMEOUT_S = 1
# A client that the operator names, and the client that stays, are alive, and usually answer at once.
NAMED_TIMEOUT_S = 5
# Image, pool/[namespace/]name -> addresses.
Serving = t.Mapping[str, t.Collection[str]]
Replies = t.Mapping[Image, t.Union[NotifyReply, str]]


@dataclass(frozen=True)
class Answers:
    """Holds what the clients answered. ``silent``: clients to fence: they let the notify time out, or need not answer. ``spared``: address -> why not.

    ``vanished``: clients that watch none of the images any more, so that fencing them would heal nothing. ``missed``: address -> begin and end of the
    notify that it let time out, in seconds since the epoch.
    """

    silent: list[str] = field(default_factory=list)
    spared: dict[str, str] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)
    missed: dict[str, Span] = field(default_factory=dict)

    def without(self, vanished: t.Sequence[str]) -> Answers:
        """Returns the same with these clients as vanished."""
        spared = {client: why for client, why in self.spared.items() if client not in vanished}
        return replace(self, spared=spared, vanished=[*self.vanished, *vanished])

    def sparing(self, spared: t.Mapping[str, str]) -> Answers:
        """Returns the same with more clients spared, address -> why."""
        return replace(self, silent=[client for client in self.silent if client not in spared], spared={**self.spared, **spared})

    def and_then(self, later: Answers) -> Answers:
        """Returns both together."""
        missed = {**self.missed, **later.missed}
        return Answers(self.silent + later.silent, {**self.spared, **later.spared}, self.vanished + later.vanished, missed)


@dataclass(frozen=True)
class Question:
    """Asks ``clients``, which watch some of the images ``specs``, and waits for silent watchers for ``timeout_s``.

    ``serving``: see plan.Look. ``others``: other images of the clients: there they must be silent, too, and another client must respond. ``named``: whether
    the operator wants living clients fenced, so that only the others must respond. ``freeing``: see plan.Look; on these no client must respond.
    ``owners``: those of ``clients`` that are gone. They hold the lock of an image, and need not watch it.
    """

    clients: t.Sequence[str]
    specs: t.Sequence[str]
    timeout_s: int
    serving: Serving
    others: t.Sequence[str] = ()
    named: bool = False
    freeing: t.Collection[str] = ()
    owners: t.Collection[str] = ()


def ask(cluster: Cluster, question: Question) -> Answers:
    """Asks all watchers of the images. If no image is given, all clients are ``named``. Raises ClusterError.

    After the notify it reads only whether the OSDs changed meanwhile and, after a long wait, the watchers.
    """
    watched = image_watchers.of_named(cluster, [*question.specs, *question.others], missing_ok=True)
    targets = {one.image: one.image.header_object for one in watched if not one.unseen}
    before = interval.osds(cluster)
    young = interval.young(cluster, list(targets.values()), time.time(), before)
    began = time.time()
    replies = notify.send_all(cluster.connection, list(targets.values()), question.timeout_s) if targets else {}
    ended = time.time()
    silent = [header for header, reply in replies.items() if isinstance(reply, NotifyReply) and reply.timed_out]
    now = interval.osds(cluster)
    if now != before:
        young.update(interval.young(cluster, silent, began, now))
    settled = {**replies, **{header: young[header].why for header in silent if header in young}}
    answers = together(judge(question, watched, {image: settled[target] for image, target in targets.items()}), watched)
    if question.named:
        return answers
    timed = replace(answers, missed=dict.fromkeys(answers.silent, (began, ended)))
    if not answers.spared and question.timeout_s <= GONE_TIMEOUT_S:
        return timed
    # An OSD drops the watch of a client that is silent for osd_client_watch_timeout (30 s), and the patience can be longer. A command might end.
    left = image_watchers.of_named(cluster, question.specs, missing_ok=True)
    served = [one for one in left if one.image.spec not in question.freeing]
    return timed.without(vanished(list(answers.spared), left)).sparing(unserved(timed.silent, served, question.serving))


def vanished(clients: t.Sequence[str], watched: t.Sequence[WatchedImage]) -> list[str]:
    """Returns the clients that watch none of these images any more; none if an image cannot be read."""
    watching = {watcher.address for one in watched for watcher in one.watchers}
    return [] if any(one.unseen for one in watched) else [client for client in clients if client not in watching]


def together(answers: Answers, watched: t.Sequence[WatchedImage]) -> Answers:
    """Returns the same without the silent clients of images on which another client was spared: fencing them would heal nothing."""
    on = [{watcher.address for watcher in one.watchers} for one in watched]
    refused = set[str]().union(*(clients for clients in on if clients & set(answers.spared)))
    return answers.sparing({client: NOTHING_HEALED for client in answers.silent if client in refused})


def unserved(clients: t.Sequence[str], watched: t.Sequence[WatchedImage], serving: Serving) -> dict[str, str]:
    """Returns the clients to spare, since the client that served their image in the look left: address -> why."""
    unseen = [one for one in watched if one.unseen]
    if unseen:
        return dict.fromkeys(clients, reasons.SERVICE_UNKNOWN.format(reason=unseen[0].unseen))
    bare = [one for one in watched if not {watcher.address for watcher in one.watchers} & set(serving.get(one.image.spec, ()))]
    left = [(one, reasons.SERVER_LEFT.format(image=one.image.spec)) for one in bare]
    return {client: why for one, why in left for client in clients if client in {watcher.address for watcher in one.watchers}}


def judge(question: Question, watched: t.Sequence[WatchedImage], replies: Replies) -> Answers:
    """Returns what the replies say of each client. A client counts as silent only if every image that it watches could be asked."""
    clients = question.clients
    spared = {client: why for client in clients if (why := _why_spared(client, question, watched, replies))}
    asked = [one for one in watched if one.image.spec in question.specs]
    holding = {one.lock_owner.address for one in asked if one.lock_owner} & set(question.owners)
    concerned = {watcher.address for one in asked for watcher in one.watchers} | holding
    watching = concerned if question.specs else set(clients)
    silent = [client for client in clients if client in watching and client not in spared]
    return Answers(silent, spared, [client for client in clients if client not in watching and client not in spared])


def _why_spared(client: str, question: Question, watched: t.Sequence[WatchedImage], replies: Replies) -> str:
    unseen = [one for one in watched if one.unseen]
    if unseen:
        return reasons.NOT_ASKED.format(reason=unseen[0].unseen)
    found = (_reason(one, client, question, replies[one.image]) for one in watched)
    return next(filter(None, found), "")


def _reason(one: WatchedImage, client: str, question: Question, reply: NotifyReply | str) -> str:
    keys = {watcher.key for watcher in one.watchers if watcher.address == client}
    if not keys:
        return ""
    if isinstance(reply, str):
        return reasons.NOT_ASKED_ON.format(image=one.image.spec, reason=reply)
    return ("" if question.named else _heard(one.image.spec, keys, reply)) or _unserved(one, question, reply)


def _heard(spec: str, keys: set[tuple[int, int]], reply: NotifyReply) -> str:
    if keys & set(reply.acked):
        return reasons.ACKNOWLEDGED.format(image=spec)
    moved = keys - set(reply.timed_out)
    return reasons.MOVED.format(image=spec) if moved else ""


def _unserved(one: WatchedImage, question: Question, reply: NotifyReply) -> str:
    """Returns why an image has no client that serves it. A client that came after the look, or left, such as a command, serves no initiator."""
    spec, answered = one.image.spec, {watcher.address for watcher in one.watchers if watcher.key in reply.acked}
    if spec in question.freeing:
        return reasons.NOT_FREED.format(image=spec) if answered else ""
    if spec in question.specs:
        return "" if answered & set(question.serving.get(spec, ())) else reasons.SERVER_SILENT.format(image=spec)
    return "" if answered - set(question.clients) else reasons.OTHER_IMAGE.format(image=spec)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fences clients under leases, after they let a last notify time out."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace
from functools import partial

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, caps, last_question, lease_store, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change, read_with
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.last_question import (
    GONE_TIMEOUT_S,
    NAMED_TIMEOUT_S,
    Answers,
    Question,
)
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_lock import LONGEST_BETWEEN_S
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease, LeaseBook
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import FencePlan, Look, plan_fence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.reasons import NOTHING_HEALED
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits

LONGEST_PATIENCE_S = LONGEST_BETWEEN_S
Options = t.Mapping[str, t.Any]


def run(cluster: Cluster, addresses: t.Sequence[str], options: Options, dry_run: bool) -> Change:
    """Does what the option ``lease`` of osd_blacklist asks for; with ``dry_run`` it asks the clients, and only says what it would do. Raises RescueError.

    The leases are written before the entries, both under the lock, so that this run ends no entry of another run.
    """
    request = _checked(options["lease"], addresses)
    with _book(cluster, request, dry_run) as book:
        # Waiting for the lock can take minutes, in which evidence grows old.
        now = time.time()
        look, seen = Look.from_option(request["look"]), sessions.read(cluster)
        look.require(addresses, now)
        missing = [client for client in addresses if seen.missing(client)]
        before = blocklist.read(cluster)
        facts = {"run": request["run"], "reason": request["reason"], "images": tuple(request["images"]), "added": now, "expire": options["expire"]}
        since = {client: look.gone_since(client) or now if client in missing else 0.0 for client in addresses}
        open_leases = book.read()
        plan = plan_fence({client: Lease(address=client, gone_since=since[client], **facts) for client in addresses}, open_leases, before.entries)
        if plan.record:
            caps.require_way_back(cluster, before.word)
        caps.require_to_break(cluster, [spec for client in addresses for spec in look.locks.get(client, ())])
        gone = [client for client in missing if look.gone_since(client)]
        back = [client for client in plan.add + plan.extend if client in look.gone and client in seen.hosts and client not in request["evict"]]
        asked = questions([client for client in plan.add + plan.extend if client not in back], gone, request, look)
        fence = _Fence(cluster, book, before, plan, open_leases, options["expire"])
        spared = Answers(spared=dict.fromkeys(back, reasons.CAME_BACK))
        fenced = _one_after_the_other(asked, spared, look, partial(last_question.ask, cluster) if dry_run else fence.after)
        after = read_with(cluster, before, fenced.silent, options["expire"], dry_run)
    added, extended = ([client for client in clients if client in fenced.silent] for clients in (plan.add, plan.extend))
    return _told(Change(before.entries, after, added=added, extended=extended, word=before.word), fenced)


def _one_after_the_other(asked: t.Sequence[Question], found: Answers, look: Look, ask: t.Callable[[Question], Answers]) -> Answers:
    for question in asked:
        refused = spared_together(question, found, look)
        left = replace(question, clients=[client for client in question.clients if client not in refused])
        found = found.sparing(refused).and_then(ask(left) if left.clients else Answers())
    return found


def _told(change: Change, answers: Answers) -> Change:
    """Returns the change with what the clients answered."""
    spared = [{"address": client, "reason": reason, "answered": fits(reasons.ACKNOWLEDGED, reason)} for client, reason in answers.spared.items()]
    missed = [{"address": client, "at": began, "seconds": round(ended - began, 1)} for client, (began, ended) in answers.missed.items()]
    return replace(change, spared=spared, vanished=answers.vanished, missed=missed)


def _checked(request: Options, addresses: t.Sequence[str]) -> dict[str, t.Any]:
    evict = [str(address.parse(text)) for text in request["evict"]]
    if not 1 <= request["patience"] <= LONGEST_PATIENCE_S:
        raise InputError(f"lease.patience is {request['patience']}: give between 1 and {LONGEST_PATIENCE_S} seconds.")
    if not request["images"] and set(addresses) - set(evict):
        raise InputError("lease.images is empty, so the clients cannot be asked before the fence: give the images that they watch.")
    return {**request, "evict": evict}


def _book(cluster: Cluster, request: Options, dry_run: bool) -> t.ContextManager[LeaseBook]:
    """Opens the leases. The lock lasts longer than the last notify."""
    return lease_store.looked_at(cluster, request["pool"]) if dry_run else lease_store.opened(cluster, request["pool"], request["patience"])


def questions(clients: t.Sequence[str], gone: t.Collection[str], request: Options, look: Look) -> list[Question]:
    """Returns the questions in their order: which clients are asked together, and for how long.

    ``gone``: clients without a session in the look and now. They do not wait for the patience of others. A client that only has no session now might be
    between two monitors, and gets the whole patience. A client that the operator names need not be silent.
    """
    named = [client for client in clients if client in request["evict"]]
    orphans = [client for client in clients if client not in named and client in gone]
    rest = [client for client in clients if client not in named and client not in orphans]
    parts = ((orphans, GONE_TIMEOUT_S, False), (rest, request["patience"], False), (named, NAMED_TIMEOUT_S, True))
    return [
        Question(
            part,
            request["images"],
            timeout_s,
            look.serving,
            () if part is orphans else _others(part, request["images"], look),
            word,
            look.freeing,
            part if part is orphans else (),
        )
        for part, timeout_s, word in parts
        if part
    ]


def _others(clients: t.Sequence[str], specs: t.Sequence[str], look: Look) -> list[str]:
    """Returns the other images that these clients watch."""
    return sorted({spec for client in clients for spec in look.watches.get(client, ())} - set(specs)) if specs else []


def spared_together(question: Question, before: Answers, look: Look) -> dict[str, str]:
    """Returns the named clients to spare, since another client of their images was spared: address -> why."""
    kept = {spec for client in before.spared for spec in look.watches.get(client, ())}
    return {client: NOTHING_HEALED for client in question.clients if question.named and kept & set(look.watches.get(client, ()))}


@dataclass(frozen=True)
class _Fence:
    """Fences. ``before``: the blocklist; ``open_leases``: leases of earlier runs."""

    cluster: Cluster
    book: LeaseBook
    before: Blocklist
    plan: FencePlan
    open_leases: t.Mapping[str, Lease]
    expire_s: int

    def after(self, question: Question) -> Answers:
        """Asks, and fences the clients that stay silent. Between the notify and the command to the monitors it only checks the lock."""
        leases = [one for one in self.plan.record if one.address in question.clients]
        self.book.record(leases)
        answers = self._asked(question)
        self.book.require_lock()
        extend = [client for client in answers.silent if client in self.plan.extend]
        blocklist.change(self.cluster, self.before.word, {client: float(self.expire_s) for client in answers.silent}, extend)
        self._take_back([client for client in question.clients if client not in answers.silent])
        after = read_with(self.cluster, self.before, answers.silent, self.expire_s, dry_run=False)
        if answers.silent:
            self.book.record([replace(one, until=after[one.address], added=time.time()) for one in leases if one.address in answers.silent])
        return answers

    def _asked(self, question: Question) -> Answers:
        """Asks. If that fails, no client is fenced, and no lease is left."""
        try:
            return last_question.ask(self.cluster, question)
        except BaseException:
            self._take_back(question.clients)
            raise

    def _take_back(self, clients: t.Sequence[str]) -> None:
        """Removes the leases of clients that are not fenced, and restores leases of earlier runs."""
        former = [self.open_leases[client] for client in clients if client in self.open_leases]
        if former:
            self.book.record(former)
        if len(former) < len(clients):
            self.book.drop([client for client in clients if client not in self.open_leases])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Judges from the evidence which watchers are stale. Decides, and changes nothing.

The order is finding (one watcher) -> judgement (one image) -> culprits (clients, over all images) -> vetoes (see guards).
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import (
    STALE,
    Culprit,
    Finding,
    Judgement,
    Liveness,
    Span,
    State,
    WatchedImage,
    Watcher,
)


def find(watcher: Watcher, reply: NotifyReply | str, looks: t.Sequence[Sessions], asked: t.Sequence[Span] = ()) -> Finding:
    """Returns one watcher's liveness.

    ``reply``: the notifies' reply, or why there is none. ``looks``: the monitors' sessions before and after the notifies.
    A client that moves from one monitor to another has no session for a moment, so it is gone only if every look misses it.
    ``asked``: when the notifies began and ended.
    """
    liveness, reason = _liveness(watcher, reply, looks, asked)
    return _with_session(Finding(watcher, liveness, reason, missed=tuple(asked) if liveness in STALE else ()), looks)


def find_owner(watched: WatchedImage, looks: t.Sequence[Sessions]) -> Finding | None:
    """Returns the client that holds the exclusive lock without watching the image, so that no notify can reach it; else None. ``looks``: see find()."""
    owner = watched.lock_owner
    if owner is None or owner.client_id in [watcher.client_id for watcher in watched.watchers]:
        return None
    if looks and all(look.missing(owner.address, owner.client_id) for look in looks):
        return Finding(owner, "orphaned", reasons.GONE.format(reason=reasons.OWNS))
    return _with_session(Finding(owner, "unknown", _by_session(reasons.OWNS, owner.address, looks)), looks)


def _with_session(finding: Finding, looks: t.Sequence[Sessions]) -> Finding:
    client = finding.watcher.address
    known = [look for look in looks if client in look.hosts]
    return replace(finding, entity=known[-1].names.get(client, ""), host=known[-1].hosts[client]) if known else finding


def _liveness(watcher: Watcher, reply: NotifyReply | str, looks: t.Sequence[Sessions], asked: t.Sequence[Span]) -> tuple[Liveness, str]:
    if isinstance(reply, str):
        return "unknown", reply
    if watcher.key in reply.acked:
        return "alive", reasons.ACKNOWLEDGED
    if watcher.key not in reply.timed_out:
        return "unknown", reasons.MOVED
    if looks and all(look.missing(watcher.address, watcher.client_id) for look in looks):
        # A monitor drops the session of a client that is silent for 300 s (mon_session_timeout; measured with a stopped client).
        return "orphaned", reasons.GONE.format(reason=_silence(asked))
    return "hung", _by_session(_silence(asked), watcher.address, looks)


def _silence(asked: t.Sequence[Span]) -> str:
    if len(asked) < 2:
        return reasons.SILENT
    return reasons.SILENT_FOR.format(seconds=round(asked[-1][1] - asked[0][0]), n=len(asked))


def _by_session(reason: str, client: str, looks: t.Sequence[Sessions]) -> str:
    hosts = [look.hosts[client] for look in looks if client in look.hosts]
    if hosts:
        return reasons.HAS_SESSION.format(reason=reason, host=hosts[-1] or "unknown")
    gaps = [look.gap for look in looks if look.gap] or [reasons.OTHER_ADDRESS if looks else reasons.NO_SESSIONS]
    return reasons.SESSION_UNKNOWN.format(reason=reason, gap=gaps[0])


def with_owner(judgement: Judgement, owner: Finding) -> Judgement:
    """Returns the judgement with a client that holds the lock without watching. Its lock is broken only if it is gone and the image can be healed."""
    told = replace(judgement, owner=owner, reasons=(*judgement.reasons, reasons.OF_OWNER.format(address=owner.watcher.address, reason=owner.reason)))
    if owner.liveness != "orphaned" or owner.daemon or not (judgement.state == "normal" or judgement.surplus or judgement.state == "contested"):
        return told
    bare = all(finding.daemon for finding in judgement.findings)
    state: State = "locked" if judgement.state == "normal" else judgement.state
    return replace(told, state=state, surplus=(*judgement.surplus, owner), freeing=judgement.freeing or bare)


def judge(watched: WatchedImage, findings: t.Sequence[Finding], expected: int, evict: t.Collection[str] = (), free: bool = False) -> Judgement:
    """Returns an image's state and its surplus.

    ``findings`` has one entry for each watcher; ``expected`` is how many healthy watchers the image is to have. ``evict``: addresses of clients that
    the operator wants fenced: living ones if more are alive than expected, and silent ones if the image is to be ``free``.
    """
    if watched.unseen:
        return Judgement(watched, (), "undetermined", (reasons.UNREADABLE.format(reason=watched.unseen),), expected)
    judgement = _of_watchers(watched, findings, expected, evict, free)
    return _with_dead_hosts(judgement) if any(finding.dead_host for finding in findings) else judgement


def _with_dead_hosts(judgement: Judgement) -> Judgement:
    """Returns the judgement with silent clients on dead hosts as surplus, also without a duplicate. A client that responds stays, and is reported."""
    theirs = [finding for finding in judgement.findings if finding.dead_host and not finding.daemon]
    others = [finding for finding in judgement.findings if not finding.dead_host and not finding.daemon]
    alive = tuple(reasons.ON_DEAD_HOST.format(address=one.watcher.address) for one in theirs if one.liveness == "alive")
    told, silent = replace(judgement, reasons=(*judgement.reasons, *alive)), tuple(one for one in theirs if one.stale)
    if silent and not others and len(silent) == len(theirs):
        return replace(told, reasons=(*_lifted(told), reasons.ALL_DEAD), surplus=silent, freeing=True)
    if judgement.state == "degraded" and any(one.serves for one in judgement.findings):
        return replace(told, surplus=silent)
    return told


def _of_watchers(watched: WatchedImage, findings: t.Sequence[Finding], expected: int, evict: t.Collection[str], free: bool) -> Judgement:
    state, reason = _state(findings, expected)
    judgement = Judgement(watched, tuple(findings), state, (reason,), expected)
    if state == "stale_duplicate":
        return replace(judgement, surplus=tuple(_stale(findings)))
    if state == "headless" and free:
        return _freed(judgement, evict)
    return _contested(judgement, evict) if state == "contested" else judgement


def _freed(judgement: Judgement, evict: t.Collection[str]) -> Judgement:
    """Returns the judgement with all clients as surplus. A client that might be alive might write, so only the operator's word removes it."""
    stale = _stale(judgement.findings)
    daemons = [reasons.NOT_FREED_DAEMON.format(address=one.watcher.address, what=one.daemon) for one in judgement.findings if one.daemon]
    if daemons:
        return replace(judgement, reasons=(*judgement.reasons, *daemons))
    living = [finding.watcher.address for finding in stale if finding.liveness != "orphaned" and finding.watcher.address not in evict]
    if living:
        return replace(judgement, reasons=(*judgement.reasons, reasons.NOT_FREED_LIVING.format(address=", ".join(living))))
    return replace(judgement, reasons=(*_lifted(judgement), reasons.FREED), surplus=tuple(stale), freeing=True)


def _lifted(judgement: Judgement) -> list[str]:
    """Returns the reasons without the rule that the operator's word lifts."""
    rule = reasons.NEVER_FENCED.format(reason="")
    return [reason.removesuffix(rule) for reason in judgement.reasons]


def _contested(judgement: Judgement, evict: t.Collection[str]) -> Judgement:
    """Returns the judgement of an image that living clients contest: the evidence cannot settle that. Only clients that are gone are fenced."""
    settled = _evicted(judgement, evict) if evict else judgement
    gone = tuple(finding for finding in judgement.findings if finding.liveness == "orphaned" and not finding.daemon)
    if settled.surplus or not gone:
        return settled
    word = reasons.ONLY_GONE.format(address=", ".join(finding.watcher.address for finding in gone))
    return replace(settled, reasons=(*settled.reasons, word), surplus=gone)


def _evicted(judgement: Judgement, evict: t.Collection[str]) -> Judgement:
    """Returns the judgement by the operator's word, if the clients that stay are alive and as many as expected."""
    named = [finding for finding in judgement.findings if finding.watcher.address in evict and finding.liveness == "alive"]
    stale = _stale(judgement.findings)
    stay = [finding for finding in judgement.findings if finding not in named and finding not in stale and not finding.daemon]
    if not named:
        return judgement
    if not stay or len(stay) > judgement.expected or any(finding.liveness != "alive" for finding in stay):
        wrong = reasons.EVICT_TOO_FEW.format(n=len(stay), m=judgement.expected)
        return replace(judgement, reasons=(*judgement.reasons, wrong))
    word = reasons.EVICTED.format(address=", ".join(finding.watcher.address for finding in named))
    return replace(judgement, reasons=(*judgement.reasons, word), surplus=tuple(named + stale))


def _stale(findings: t.Sequence[Finding]) -> list[Finding]:
    """Returns the stale clients. Ceph's own daemons are never surplus."""
    return [finding for finding in findings if finding.stale and not finding.daemon]


def _state(every: t.Sequence[Finding], expected: int) -> tuple[State, str]:
    """Returns state and reason. rbd-mirror and managers serve no initiator, so they count neither as watchers nor as responding."""
    daemons = dict.fromkeys(finding.daemon for finding in every if finding.daemon)
    state, reason = _state_of_clients([finding for finding in every if not finding.daemon], expected)
    return state, reasons.DAEMON.format(reason=reason, what=", ".join(daemons)) if daemons else reason


def _state_of_clients(findings: t.Sequence[Finding], expected: int) -> tuple[State, str]:
    count = len(findings)
    alive = sum(finding.liveness == "alive" for finding in findings)
    stale = sum(finding.stale for finding in findings)
    counts = reasons.COUNTS.format(n=count, m=expected, alive=alive, stale=stale, unknown=count - alive - stale)
    untested = [finding for finding in findings if finding.liveness == "unknown" and finding.reason != reasons.NOT_ASKED]
    if count <= expected and not stale and not untested:
        return "normal", reasons.NORMAL.format(n=count, m=expected)
    if alive > expected:
        return "contested", reasons.CONTESTED.format(counts=counts)
    if stale and not alive and stale == count:
        return "headless", reasons.NEVER_FENCED.format(reason=reasons.HEADLESS.format(counts=counts))
    if count <= expected and not untested:
        return "degraded", reasons.DEGRADED.format(counts=counts)
    if alive and alive + stale == count:
        return "stale_duplicate", counts
    why = [reasons.UNTESTED.format(address=finding.watcher.address, reason=finding.reason) for finding in untested]
    return "undetermined", "; ".join([counts, *why, reasons.UNDETERMINED])


def culprits(judgements: t.Iterable[Judgement]) -> list[Culprit]:
    """Returns the surplus clients of all images, one entry for each address."""
    found: dict[str, Culprit] = {}
    for judgement in judgements:
        spec = judgement.watched.image.spec
        for finding in judgement.surplus:
            known = found.get(finding.watcher.address, Culprit(finding.watcher.address, finding.watcher.client_id, (), (), gone=True))
            sentence = reasons.ON_IMAGE_EVICTED if finding.liveness == "alive" else reasons.ON_IMAGE
            reason = sentence.format(image=spec, reason=finding.reason)
            named = known.named or finding.liveness == "alive" or (judgement.freeing and finding.liveness == "hung" and not finding.dead_host)
            gone = known.gone and finding.liveness == "orphaned"
            missed = tuple(sorted({*known.missed, *finding.missed}))
            found[known.address] = replace(known, images=(*known.images, spec), reasons=(*known.reasons, reason), named=named, gone=gone, missed=missed)
    return list(found.values())

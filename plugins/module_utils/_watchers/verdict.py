# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is stale: from evidence to a verdict. Decides and touches nothing.

The order is finding (one watcher) -> judgement (one image) -> culprits (clients, over all images) -> vetoes.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import (
    Culprit,
    Finding,
    Judgement,
    State,
    WatchedImage,
    Watcher,
)

NOT_ASKED = "its liveness was not asked for"


def find(watcher: Watcher, reply: NotifyReply | str, looks: t.Sequence[Sessions]) -> Finding:
    """One watcher's liveness.

    ``reply``: what the notify brought, or in words why nothing. ``looks``: the monitors' sessions before and after the notify's wait;
    a client that moves from one monitor to another has no session for a moment, so it counts as gone only when missing in every look.
    """
    if isinstance(reply, str):
        return Finding(watcher, "unknown", reply)
    if watcher.key in reply.acked:
        return Finding(watcher, "alive", "it acknowledged the notify")
    if watcher.key not in reply.timed_out:
        return Finding(watcher, "unknown", "its watch came or went while the notify ran")
    if looks and all(look.missing(watcher.address, watcher.client_id) for look in looks):
        # A monitor forgets a client that it has not heard of for 300 s (mon_session_timeout; measured with a stopped client).
        return Finding(watcher, "orphaned", "it did not answer the notify and has no session on any monitor: the client is gone, or silent for over 5 minutes")
    return Finding(watcher, "hung", f"it did not answer the notify, {_session(watcher.address, looks)}")


def _session(client: str, looks: t.Sequence[Sessions]) -> str:
    hosts = [look.hosts[client] for look in looks if client in look.hosts]
    if hosts:
        return f"but still has a session on a monitor, from host {hosts[-1] or 'unknown'}"
    gaps = [look.gap for look in looks if look.gap] or ["a monitor has a session of its id at another address" if looks else "no sessions were read"]
    return f"and it is not known whether the client still lives ({gaps[0]})"


def judge(watched: WatchedImage, findings: t.Sequence[Finding], expected: int) -> Judgement:
    """An image's state. ``findings`` has one entry for each watcher; ``expected`` is how many healthy watchers the image has by right."""
    state, reason = _state(findings, expected)
    return Judgement(watched, tuple(findings), state, (reason,))


def _state(findings: t.Sequence[Finding], expected: int) -> tuple[State, str]:
    count = len(findings)
    alive = sum(finding.liveness == "alive" for finding in findings)
    stale = sum(finding.stale for finding in findings)
    shown = f"{count} watchers where {expected} is expected: {alive} alive, {stale} stale, {count - alive - stale} unknown"
    if count <= expected and not stale:
        return "normal", f"{count} of {expected} expected watchers"
    if alive > expected:
        return "contested", f"{shown}; more clients are alive than expected, so this is not the stale-watcher fault; never fenced by guess"
    if stale and not alive and stale == count:
        return "headless", f"{shown}; nobody answered, so the OSDs or the network may be at fault; never fenced"
    if count <= expected:
        return "degraded", f"{shown}; not every expected watcher answered, but there is no duplicate to fence"
    if alive and alive + stale == count:
        return "stale_duplicate", shown
    return "undetermined", f"{shown}; the evidence does not tell which one is stale, so look again"


def culprits(judgements: t.Iterable[Judgement]) -> list[Culprit]:
    """The stale clients of all images with a stale duplicate, one entry for each address."""
    found: dict[str, Culprit] = {}
    for judgement in judgements:
        for finding in judgement.findings:
            if judgement.state == "stale_duplicate" and finding.stale:
                known = found.get(finding.watcher.address, Culprit(finding.watcher.address, finding.watcher.client_id, (), ()))
                spec, reason = judgement.watched.image.spec, f"on {judgement.watched.image.spec} {finding.reason}"
                found[known.address] = replace(known, images=(*known.images, spec), reasons=(*known.reasons, reason))
    return list(found.values())


def weigh(culprit: Culprit, judgements: t.Sequence[Judgement], unseen: t.Sequence[str]) -> Culprit:
    """The culprit with every reason against fencing it.

    ``judgements``: every watched image of the cluster on which it watches. ``unseen``: why parts of the cluster could not be looked at.
    """
    own = [(judgement, finding) for judgement in judgements for finding in judgement.findings if finding.watcher.address == culprit.address]
    vetoes = [
        f"the same client answers on {judgement.watched.image.spec}: fencing its address would cut off a healthy watch"
        for judgement, finding in own
        if finding.liveness == "alive"
    ]
    if any(finding.liveness != "orphaned" for _judgement, finding in own):
        vetoes += [
            f"the client may still live and {judgement.watched.image.spec} has no other watcher that answers: fencing it would cut that image off"
            for judgement, _finding in own
            if not _served_without(culprit.address, judgement)
        ]
        vetoes += [
            f"the client may still live and could not be tested on {judgement.watched.image.spec}: {finding.reason}"
            for judgement, finding in own
            if finding.liveness == "unknown"
        ]
        vetoes += [f"the client may still live and what else it serves is not known: {gap}" for gap in unseen]
    others = [judgement.watched.image.spec for judgement, _finding in own if judgement.watched.image.spec not in culprit.images]
    reach = (f"it also watches {', '.join(others)}: fencing cuts it off there, too",) if others else ()
    return replace(culprit, reasons=culprit.reasons + reach, vetoes=tuple(dict.fromkeys(vetoes)))


def _served_without(client: str, judgement: Judgement) -> bool:
    return any(finding.liveness == "alive" and finding.watcher.address != client for finding in judgement.findings)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards a culprit against a wrong fence: each guard is one rule, with its reasons in words. Decides, and changes nothing."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Culprit, Finding, Judgement, Surroundings, Watch


def weigh(culprit: Culprit, around: Surroundings) -> Culprit:
    """Returns the culprit with what else fencing it would touch, and with every reason against it."""
    vetoes = [reason for guard in GUARDS for reason in guard(culprit, around)]
    watches = tuple(dict.fromkeys(judgement.watched.image.spec for judgement, _finding in _own(culprit, around)))
    return replace(culprit, reasons=culprit.reasons + _reach(culprit, around), vetoes=tuple(dict.fromkeys(vetoes)), watches=watches)


def answers_elsewhere(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes if the client responds anywhere: the blocklist would end the healthy watch, too. A client that the operator names is known to be alive."""
    for judgement, finding in _own(culprit, around):
        if finding.liveness == "alive" and not culprit.named:
            yield reasons.ANSWERS_ELSEWHERE.format(image=judgement.watched.image.spec)


def only_watcher(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes if a living client alone serves an image. Other clients that the operator names might be fenced with it."""
    going = {culprit.address, *around.named}
    for judgement, _finding in _own(culprit, around):
        if may_live(culprit, around) and not judgement.freeing and not _served_without(going, judgement):
            yield reasons.ONLY_WATCHER.format(image=judgement.watched.image.spec)


def untested(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes if a living client could not be asked on an image: it might be healthy there."""
    for judgement, finding in _own(culprit, around):
        if may_live(culprit, around) and finding.liveness == "unknown":
            yield reasons.UNTESTED_ELSEWHERE.format(image=judgement.watched.image.spec, reason=finding.reason)


def unseen(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes if it is unknown what else a living client serves."""
    for gap in around.gaps:
        if may_live(culprit, around):
            yield reasons.UNSEEN.format(gap=gap)


def protected(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes for Ceph's own clients: they have several legitimate watches, and remove stale ones themselves."""
    if culprit.address in around.protected:
        yield reasons.PROTECTED.format(what=around.protected[culprit.address])


def living_gateway(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes for a gateway. A fenced tcmu-runner removes its own entry and takes the lock back, or stays BUSY (measured): only its restart helps."""
    for judgement, finding in _own(culprit, around):
        if finding.gateway and may_live(culprit, around) and not culprit.named and not finding.dead_host:
            yield reasons.GATEWAY.format(host=finding.gateway, image=judgement.watched.image.spec)


def gateway_on_its_host(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes on the host of a gateway that responds. The service map drops a daemon after a silent minute, so the client might be a hanging gateway."""
    if may_live(culprit, around) and not culprit.named:
        host = _host(culprit.address)
        alive = {finding.gateway for watches in around.watches.values() for _judgement, finding in watches if _answers_on(finding, host)}
        for gateway in sorted(alive):
            yield reasons.GATEWAY_HOST.format(host=gateway)


def _answers_on(finding: Finding, host: str) -> bool:
    return bool(finding.gateway) and finding.liveness == "alive" and _host(finding.watcher.address) == host


def _host(client: str) -> str:
    """Returns the IP address of a client address."""
    return client.rpartition(":")[0]


def inactive_group(culprit: Culprit, around: Surroundings) -> t.Iterator[str]:
    """Vetoes for an inactive placement group: behind it no client can answer, and a fence heals nothing."""
    for spec in culprit.images:
        if spec in around.inactive:
            yield reasons.INACTIVE.format(image=spec, pg=around.inactive[spec])


GUARDS: tuple[t.Callable[[Culprit, Surroundings], t.Iterator[str]], ...] = (
    answers_elsewhere,
    only_watcher,
    untested,
    unseen,
    protected,
    living_gateway,
    gateway_on_its_host,
    inactive_group,
)


def may_live(culprit: Culprit, around: Surroundings) -> bool:
    """Returns whether the client was found on any image as other than gone."""
    return any(finding.liveness != "orphaned" for _judgement, finding in _own(culprit, around))


def by_client(judgements: t.Iterable[Judgement]) -> dict[str, list[Watch]]:
    """Returns the ``watches`` of Surroundings."""
    watches: dict[str, list[Watch]] = defaultdict(list)
    for judgement in judgements:
        for finding in judgement.findings:
            watches[finding.watcher.address].append((judgement, finding))
    return watches


def _own(culprit: Culprit, around: Surroundings) -> t.Sequence[Watch]:
    return around.watches.get(culprit.address, ())


def _served_without(clients: t.Collection[str], judgement: Judgement) -> bool:
    return any(finding.serves and finding.watcher.address not in clients for finding in judgement.findings)


def _reach(culprit: Culprit, around: Surroundings) -> tuple[str, ...]:
    others = [judgement.watched.image.spec for judgement, _finding in _own(culprit, around) if judgement.watched.image.spec not in culprit.images]
    return (reasons.REACH.format(image=", ".join(dict.fromkeys(others))),) if others else ()

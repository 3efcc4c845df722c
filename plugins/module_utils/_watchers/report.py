# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From judgements to what rbd_watchers returns."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Culprit, Finding, Judgement, State

STATES: tuple[State, ...] = ("normal", "stale_duplicate", "contested", "headless", "degraded", "undetermined")


def result(judgements: t.Sequence[Judgement], culprits: t.Sequence[Culprit], named: t.Sequence[str], seconds: dict[str, float]) -> dict[str, t.Any]:
    """The module's return values; see RETURN of rbd_watchers for their shape."""
    spared = {culprit.address: culprit.vetoes for culprit in culprits if culprit.vetoes}
    shown = [judgement for judgement in judgements if judgement.state != "normal" or judgement.watched.image.spec in named]
    images = [_image(judgement, spared) for judgement in shown]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    return {
        "images": images,
        "culprits": [_culprit(culprit, healable) for culprit in culprits],
        "counts": _counts(judgements),
        "elapsed": seconds,
    }


def _counts(judgements: t.Sequence[Judgement]) -> dict[str, int]:
    states = Counter(judgement.state for judgement in judgements)
    watchers = [len(judgement.findings) for judgement in judgements]
    seen = {"images": len(judgements), "watched": sum(map(bool, watchers)), "watchers": sum(watchers)}
    return {**seen, **{state: states[state] for state in STATES}}


def _image(judgement: Judgement, spared: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    image = judgement.watched.image
    watchers = [_watcher(judgement, finding, spared) for finding in judgement.findings]
    vetoes = [veto for finding in judgement.findings if finding.stale for veto in spared.get(finding.watcher.address, ())]
    return {
        "spec": image.spec,
        "pool": image.pool,
        "namespace": image.namespace,
        "name": image.name,
        "id": image.id,
        "header": image.header,
        "state": judgement.state,
        "decision": _decision(judgement, vetoes),
        "reasons": [*judgement.reasons, *vetoes] if judgement.state == "stale_duplicate" else list(judgement.reasons),
        "watchers": watchers,
    }


def _decision(judgement: Judgement, vetoes: t.Sequence[str]) -> str:
    if judgement.state == "normal":
        return "leave"
    return "fence" if judgement.state == "stale_duplicate" and not vetoes else "refuse"


def _watcher(judgement: Judgement, finding: Finding, spared: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    watcher = finding.watcher
    vetoes = spared.get(watcher.address, ()) if finding.stale else ()
    return {
        "address": watcher.address,
        "client": f"client.{watcher.client_id}",
        "cookie": watcher.cookie,
        "lock_owner": watcher.key == judgement.watched.lock_owner,
        "liveness": finding.liveness,
        "verdict": _verdict(judgement, finding, bool(vetoes)),
        "reasons": [finding.reason, *vetoes],
    }


def _verdict(judgement: Judgement, finding: Finding, vetoed: bool) -> str:
    if judgement.state == "normal" or finding.liveness == "alive":
        return "keep"
    if judgement.state == "stale_duplicate" and finding.stale:
        return "spare" if vetoed else "fence"
    return "undecided"


def _culprit(culprit: Culprit, healable: set[str]) -> dict[str, t.Any]:
    fence = not culprit.vetoes and bool(healable & set(culprit.images))
    return {
        "address": culprit.address,
        "client": f"client.{culprit.client_id}",
        "images": list(culprit.images),
        "verdict": "fence" if fence else "spare",
        "reasons": [*culprit.reasons, *culprit.vetoes],
    }

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turns judgements into what rbd_watchers returns."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STATES, Culprit, Finding, Judgement, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen


def of(judgements: t.Sequence[Judgement], culprits: t.Sequence[Culprit], seen: Seen, named: t.Sequence[str], looked_at: float = 0.0) -> dict[str, t.Any]:
    """Returns the module's return values, without those on how the look was made; see RETURN of rbd_watchers for their shape.

    ``looked_at``: when the monitors' sessions were first read, in seconds since the epoch.
    """
    spared = {culprit.address: culprit.vetoes for culprit in culprits if culprit.vetoes}
    images = [_image(judgement, spared) for judgement in judgements if _is_shown(judgement, named)]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    accused = [_culprit(culprit, healable, looked_at) for culprit in culprits]
    return {
        "images": images,
        "culprits": accused,
        "look": {**_look(accused, looked_at), **_of_images(judgements, accused, named)},
        "incomplete": list(seen.incomplete),
        "strays": [_stray(stray) for stray in seen.strays],
        "counts": _counts(judgements, seen),
    }


def _look(accused: t.Sequence[t.Mapping[str, t.Any]], looked_at: float) -> dict[str, t.Any]:
    """Returns what a later fence needs of this look as evidence."""
    stale = [culprit for culprit in accused if culprit["verdict"] == "fence"]
    return {
        "at": looked_at,
        "fence": [culprit["address"] for culprit in stale],
        "gone": [culprit["address"] for culprit in stale if culprit["gone_since"]],
        "watches": {culprit["address"]: culprit["watches"] for culprit in stale},
    }


def _of_images(judgements: t.Sequence[Judgement], accused: t.Sequence[t.Mapping[str, t.Any]], named: t.Sequence[str]) -> dict[str, t.Any]:
    return {"serving": _serving_shown(judgements, named), "freeing": _freeing(judgements), "locks": _locks(judgements, accused)}


def _locks(judgements: t.Sequence[Judgement], accused: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, list[str]]:
    """Returns client to fence -> the images that it does not watch, but has locked. These locks are to be broken."""
    stale = [culprit["address"] for culprit in accused if culprit["verdict"] == "fence"]
    held = [(one.owner.watcher.address, one.watched.image.spec) for one in judgements if one.owner and one.owner in one.surplus]
    return {client: [spec for owner, spec in held if owner == client] for client in stale if client in dict(held)}


def _serving_shown(judgements: t.Sequence[Judgement], named: t.Sequence[str]) -> dict[str, list[str]]:
    shown = {one.watched.image.spec: _serving(one) for one in judgements if _is_shown(one, named)}
    return {spec: clients for spec, clients in shown.items() if clients}


def _freeing(judgements: t.Sequence[Judgement]) -> list[str]:
    return [one.watched.image.spec for one in judgements if one.freeing]


def _serving(judgement: Judgement) -> list[str]:
    """Returns the addresses of the clients that serve the image and stay when its surplus is fenced."""
    going = {finding.watcher.address for finding in judgement.surplus}
    serving = (finding.watcher.address for finding in judgement.findings if finding.serves)
    return [client for client in dict.fromkeys(serving) if client not in going]


def _is_shown(judgement: Judgement, named: t.Sequence[str]) -> bool:
    """Returns whether an image is listed. Unreadable images are only counted, and summed up in ``incomplete``: they might be a whole pool."""
    revived = any(finding.dead_host and finding.liveness == "alive" for finding in judgement.findings)
    return judgement.watched.image.spec in named or revived or (judgement.state != "normal" and not judgement.watched.unseen)


def _counts(judgements: t.Sequence[Judgement], seen: Seen) -> dict[str, int]:
    states = Counter(judgement.state for judgement in judgements if not judgement.watched.unseen)
    watchers = [len(judgement.findings) for judgement in judgements] + [len(one.watchers) for one in seen.quiet]
    looked = {"images": seen.total, "unseen": seen.unseen, "watched": sum(map(bool, watchers)), "watchers": sum(watchers)}
    sick: dict[str, int] = {state: states[state] for state in STATES if state != "normal"}
    return {**looked, "normal": seen.total - seen.unseen - sum(sick.values()), **sick}


def _stray(stray: WatchedImage) -> dict[str, t.Any]:
    image = stray.image
    return {
        "pool": image.pool,
        "namespace": image.namespace,
        "header": image.header,
        "watchers": [{"address": watcher.address, "client": f"client.{watcher.client_id}"} for watcher in stray.watchers],
    }


def _image(judgement: Judgement, spared: t.Mapping[str, t.Sequence[str]]) -> dict[str, t.Any]:
    image = judgement.watched.image
    vetoes = [veto for finding in judgement.surplus for veto in spared.get(finding.watcher.address, ())]
    decision = _decision(judgement, vetoes)
    return {
        "spec": image.spec,
        "pool": image.pool,
        "namespace": image.namespace,
        "name": image.name,
        "id": image.id,
        "header": image.header,
        "expected": judgement.expected,
        "state": judgement.state,
        "decision": decision,
        "reasons": list(dict.fromkeys([*judgement.reasons, *vetoes])),
        "watchers": [_watcher(judgement, finding, spared, decision) for finding in judgement.findings],
        "owner": [_watcher(judgement, finding, spared, decision) for finding in (judgement.owner,) if finding],
    }


def _decision(judgement: Judgement, vetoes: t.Sequence[str]) -> str:
    if judgement.state == "normal":
        return "leave"
    return "fence" if judgement.surplus and not vetoes else "refuse"


def _watcher(judgement: Judgement, finding: Finding, spared: t.Mapping[str, t.Sequence[str]], decision: str) -> dict[str, t.Any]:
    watcher, owner = finding.watcher, judgement.watched.lock_owner
    surplus = finding in judgement.surplus
    vetoes = spared.get(watcher.address, ()) if surplus else ()
    other = [reasons.NOTHING_HEALED] if surplus and decision != "fence" and not vetoes else []
    return {
        "address": watcher.address,
        "client": f"client.{watcher.client_id}",
        "cookie": watcher.cookie,
        "entity": finding.entity,
        "host": finding.host,
        "daemon": finding.daemon,
        "gateway": finding.gateway,
        "dead_host": finding.dead_host,
        "lock_owner": owner is not None and watcher.key == owner.key,
        "liveness": finding.liveness,
        "verdict": _verdict(judgement, finding, decision),
        "reasons": [finding.reason, *vetoes, *other],
    }


def _verdict(judgement: Judgement, finding: Finding, decision: str) -> str:
    if finding in judgement.surplus:
        return "fence" if decision == "fence" else "spare"
    return "keep" if judgement.state == "normal" or finding.liveness == "alive" or finding.daemon else "undecided"


def _culprit(culprit: Culprit, healable: set[str], looked_at: float) -> dict[str, t.Any]:
    fence = not culprit.vetoes and bool(healable & set(culprit.images))
    other = [] if fence or culprit.vetoes else [reasons.NOTHING_HEALED]
    return {
        "address": culprit.address,
        "client": f"client.{culprit.client_id}",
        "images": list(culprit.images),
        "watches": list(culprit.watches),
        "gone_since": looked_at if culprit.gone else 0.0,
        "missed": [{"at": began, "seconds": round(ended - began, 1)} for began, ended in culprit.missed],
        "verdict": "fence" if fence else "spare",
        "reasons": [*culprit.reasons, *culprit.vetoes, *other],
    }

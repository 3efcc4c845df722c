# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of watchers are made of: rows of a sweep with their watchers, and images that are judged."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Finding, Image, Judgement, WatchedImage, Watcher

A, B, C, D = (Watcher(f"192.0.2.{number}:0/{number}", number, number * 100) for number in (1, 2, 3, 4))


def row(name: str, nonce: int, namespace: str = "", entity: str = "client") -> dict[str, t.Any]:
    """As `ceph tell osd.0 dump_watchers` of Ceph 16.2.15 prints it."""
    return {
        "namespace": namespace,
        "object": name,
        "entity_name": {"type": entity, "num": 4000 + nonce},
        "cookie": 100 + nonce,
        "timeout": 3600,
        "entity_addr_t": {"type": "any", "addr": "192.0.2.7:0", "nonce": nonce},
    }


def watcher(nonce: int) -> Watcher:
    return Watcher(f"192.0.2.7:0/{nonce}", 4000 + nonce, 100 + nonce)


def judged(livenesses: str, expected: int = 1, name: str = "lun", clients: tuple[Watcher, ...] = (A, B, C, D), **asked: t.Any) -> Judgement:
    """An image whose watchers are, letter by letter, a(live), h(ung), o(rphaned), u(nknown) or - (not asked); a capital letter is an rbd-mirror."""
    words = {"a": "alive", "h": "hung", "o": "orphaned", "u": "unknown"}
    words["-"] = "unknown"
    told = {"-": reasons.NOT_ASKED}
    findings = [
        Finding(watcher, words[letter.lower()], told.get(letter, "why"), daemon="rbd-mirror" if letter.isupper() else "")  # type: ignore[arg-type]
        for watcher, letter in zip(clients, livenesses)
    ]
    watched = WatchedImage(Image("rbd", "", name, f"id-{name}"), tuple(clients[: len(livenesses)]))
    return verdict.judge(watched, findings, expected, **asked)

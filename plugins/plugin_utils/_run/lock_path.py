# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Chooses the gateway for a test write after a fence, where gateways take the image's lock to write. Pure.

It is the gateway that serves the image, so the lock does not move. A write through another gateway moved the lock: the first one could not write for two
seconds, and a blocklist entry was left behind (measured).
"""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import gateway_host, luns
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image


def breakers(maps: t.Sequence[Result], images: t.Collection[str], addresses: t.Mapping[str, str]) -> dict[str, dict[str, list[str]]]:
    """Returns image -> gateway that breaks its lock -> the names that Ceph might know that host by; ``maps`` and ``addresses`` as for luns.found()."""
    found: dict[str, dict[str, list[str]]] = {}
    for one in maps:
        names = gateway_host.of_gateway(one, addresses)
        for lun in one.get("luns", []):
            if lun["image"] in images and lun["enabled"] and luns.breaks_locks(lun):
                found.setdefault(lun["image"], {})[one["item"]] = names
    return found


def gateway(image: Image, gateways: t.Mapping[str, t.Sequence[str]]) -> str:
    """Returns the gateway that serves the image, '' if that is not clear: if several clients are alive, or another client owns the lock."""
    alive = [watcher for watcher in image["watchers"] if watcher["liveness"] == "alive" and not watcher.get("daemon")]
    others = [watcher for watcher in image["watchers"] if watcher.get("lock_owner") and watcher not in alive]
    if len(alive) != 1 or others:
        return ""
    on_it = [name for name, known in gateways.items() if gateway_host.of_client(alive[0]) & {*known}]
    return on_it[0] if len(on_it) == 1 else next(iter(gateways)) if len(gateways) == 1 else ""

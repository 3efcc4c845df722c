# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of watchers are made of: rows of a sweep, and the watchers that they are."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Watcher


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

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names the clients that use an image to be freed."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import freeing

CLIENT = "192.0.2.1:0/1"


@pytest.mark.parametrize(
    ("free", "decision", "watcher", "clients"),
    [
        (["rbd/a"], "leave", {"liveness": "alive"}, [CLIENT]),
        (["rbd/a"], "leave", {"liveness": "alive", "daemon": "rbd-mirror"}, []),
        (["rbd/a"], "leave", {"liveness": "unknown"}, []),
        (["rbd/a"], "refuse", {"liveness": "alive"}, []),
        (["rbd/*"], "leave", {"liveness": "alive"}, []),
    ],
)
def test_in_use(free: list[str], decision: str, watcher: dict[str, str], clients: list[str]) -> None:
    image: t.Any = {"spec": "rbd/a", "decision": decision, "watchers": [{"address": CLIENT, **watcher}]}
    assert freeing.in_use(free, [image]) == ([{"spec": "rbd/a", "clients": clients}] if clients else [])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Through which gateway of ceph-iscsi a write is tried."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import lock_path
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image

GATEWAYS = {"gw1": ["node1", "192.0.2.1", "gw1"], "gw2": ["node2", "192.0.2.2", "gw2"]}


def watcher(address: str, liveness: str = "alive", **more: t.Any) -> dict[str, t.Any]:
    return {"address": address, "liveness": liveness, "lock_owner": False, "gateway": "", "host": "", **more}


def image(*watchers: dict[str, t.Any]) -> Image:
    return t.cast(Image, {"spec": "rbd/a", "watchers": list(watchers)})


@pytest.mark.parametrize(
    ("watchers", "taker"),
    [
        ([watcher("192.0.2.2:0/1")], "gw2"),
        ([watcher("10.0.0.1:0/1", gateway="node1")], "gw1"),
        ([watcher("10.0.0.1:0/1", host="node2", lock_owner=True)], "gw2"),
        ([watcher("10.0.0.1:0/1")], ""),
        ([watcher("192.0.2.1:0/1"), watcher("192.0.2.2:0/1")], ""),
        ([watcher("192.0.2.1:0/1"), watcher("192.0.2.9:0/1", "hung", lock_owner=True)], ""),
        ([watcher("192.0.2.1:0/1"), watcher("192.0.2.9:0/1", "alive", daemon="rbd-mirror")], "gw1"),
        ([watcher("192.0.2.1:0/1", "hung")], ""),
        ([], ""),
    ],
)
def test_only_the_one_that_serves_is_asked_to_write(watchers: list[dict[str, t.Any]], taker: str) -> None:
    assert lock_path.gateway(image(*watchers), GATEWAYS) == taker


def test_a_single_gateway_needs_no_name() -> None:
    assert lock_path.gateway(image(watcher("10.0.0.1:0/1")), {"gw1": ["node1"]}) == "gw1"


def test_which_gateways_break_the_lock() -> None:
    def lun(mode: str, enabled: bool = True, spec: str = "rbd/a") -> dict[str, t.Any]:
        return {"image": spec, "enabled": enabled, "tcmu": {"mode": mode} if mode else None}

    maps = [
        {"item": "gw1", "hostname": "node1", "luns": [lun("implicit"), lun("implicit", enabled=False)]},
        {"item": "gw2", "hostname": "node2", "luns": [lun("default"), lun(""), lun("implicit", spec="rbd/b")]},
        {"item": "gw3", "msg": "unreachable"},
    ]
    assert lock_path.breakers(maps, ["rbd/a"], {"gw1": "192.0.2.1", "gw2": ""}) == {"rbd/a": {"gw1": ["node1", "192.0.2.1", "gw1"]}}

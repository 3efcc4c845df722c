# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which LUN is probed by whom, from records of lun_map."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _luns
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun

IQN = "iqn.2001-04.com.example:storage"
ADDRESSES = {"gw1": "192.0.2.1", "gw2": "2001:db8::2", "gw3": ""}


def lun(image: str, **told: t.Any) -> dict[str, t.Any]:
    return Lun(**{"stack": "lio", "target": IQN, "lun": 12, "device": "d", "backing": "/dev/rbd0", "image": image, **told}).record()


def found(host: str, *luns: dict[str, t.Any], images: t.Sequence[str] = ("rbd/a",)) -> list[dict[str, t.Any]]:
    return _luns.found([{"item": host, "luns": list(luns)}], images, ADDRESSES)


@pytest.mark.parametrize(
    ("host", "portals", "portal"),
    [
        ("gw1", ["192.0.2.7:3261"], "192.0.2.7:3261"),
        ("gw1", ["0.0.0.0:3260"], "192.0.2.1:3260"),
        ("gw1", ["[::0]:3260"], "192.0.2.1:3260"),
        ("gw2", ["0.0.0.0:3260"], "[2001:db8::2]:3260"),
        ("gw1", ["[2001:db8::7]:3260"], "[2001:db8::7]:3260"),
        ("gw1", ["127.0.0.1:22302,1"], "127.0.0.1:22302"),
        ("gw3", [], "gw3:3260"),
    ],
)
def test_the_portal(host: str, portals: list[str], portal: str) -> None:
    assert found(host, lun("rbd/a", portals=tuple(portals))) == [{"image": "rbd/a", "portal": portal, "target": IQN, "lun": 12}]


def test_a_local_disk_is_probed_on_its_gateway_and_only_where_there_is_no_iscsi() -> None:
    loop = lun("rbd/a", target="naa.5001405aaaaaaaa1", lun=0, disk="/dev/sdb")
    assert found("gw1", loop) == [{"image": "rbd/a", "device": "/dev/sdb", "host": "gw1"}]
    assert [way["lun"] for way in found("gw1", loop, lun("rbd/a"))] == [12]


def test_what_leads_to_no_lun() -> None:
    other = [lun("rbd/b"), lun("rbd/a", stack="krbd", target="", lun=None), lun("rbd/a", snapshot="s"), lun("rbd/a", target="scst_local_tgt")]
    assert found("gw1", *other) == []
    assert _luns.found([{"item": "gw1", "unreachable": True}, {"item": "gw2", "msg": "no root"}], ["rbd/a"], ADDRESSES) == []


def test_one_lun_for_an_image_and_the_first_gateway_counts() -> None:
    maps = [{"item": host, "luns": [lun("rbd/a"), lun("rbd/b", lun=13)]} for host in ("gw1", "gw2")]
    ways = _luns.found(maps, ["rbd/a", "rbd/b"], ADDRESSES)
    assert [(way["image"], way["portal"], way["lun"]) for way in ways] == [("rbd/a", "192.0.2.1:3260", 12), ("rbd/b", "192.0.2.1:3260", 13)]


def test_by_host() -> None:
    luns = [
        {"image": "rbd/a", "portal": "p", "target": IQN, "lun": 1},
        {"image": "rbd/b", "device": "/dev/sdb", "host": "gw1"},
        {"image": "rbd/c", "portal": "p", "target": IQN, "lun": 3, "comment": "not for the module"},
        {"image": "rbd/d", "device": "/dev/sdd"},
    ]
    assert _luns.by_host(luns, ["rbd/a", "rbd/b", "rbd/c"], "probe") == [
        {
            "host": "probe",
            "luns": [{"name": "rbd/a", "portal": "p", "target": IQN, "lun": 1}, {"name": "rbd/c", "portal": "p", "target": IQN, "lun": 3}],
        },
        {"host": "gw1", "luns": [{"name": "rbd/b", "device": "/dev/sdb"}]},
    ]
    assert _luns.by_host(luns, [], "probe") == []


def test_logs() -> None:
    reads = [{"item": {"item": "gw1"}, "gap": "", "events": [1]}, {"item": {"item": "gw2"}, "unreachable": True}]
    assert _luns.logs(reads, "before") == [{"host": "gw1", "phase": "before", "gap": "", "events": [1]}]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import fenced_living
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import FencedLiving

CLIENT: FencedLiving = {
    "address": "192.0.2.7:0/7",
    "host": "gw1",
    "entity": "client.admin",
    "entry": "192.0.2.7:0/7",
    "until": "then",
    "run": "r1",
}


def test_a_client_is_told_with_the_run_that_fenced_it() -> None:
    (one,) = fenced_living.told({"living": [CLIENT]}, {}, [])
    assert fenced_living.in_words(one) == "192.0.2.7:0/7 (client.admin on gw1) is alive and fenced by 192.0.2.7:0/7 until then, by run r1 of this role"
    assert fenced_living.told({"living": [CLIENT]}, {}, ["192.0.2.7:0/7"]) == []


@pytest.mark.parametrize(
    ("listed", "gateways", "entries"),
    [
        ({"after": {"192.0.2.7:0/0": "then"}}, {"gw1": "192.0.2.7"}, ["192.0.2.7:0/0"]),
        ({"ranges": {"192.0.2.0/24": "then"}}, {"gw1": "192.0.2.7", "gw2": "198.51.100.1"}, ["192.0.2.0/24"]),
        ({"ranges": {"2001:db8::/64": "then"}}, {"gw1": "2001:db8::1"}, ["2001:db8::/64"]),
        ({"after": {"192.0.2.7:0/7": "then"}}, {"gw1": "192.0.2.7"}, []),
        ({"ranges": {"192.0.2.0/24": "then"}}, {"gw1": "gw1.example.com", "gw2": ""}, []),
        ({"ranges": {"192.0.2.0/24": "then"}, "living": [CLIENT]}, {"gw1": "192.0.2.7"}, ["192.0.2.7:0/7"]),
    ],
)
def test_a_gateway_whose_whole_host_is_fenced_is_told(listed: dict[str, t.Any], gateways: dict[str, str], entries: list[str]) -> None:
    assert [one["entry"] for one in fenced_living.told(t.cast(t.Any, listed), gateways, [])] == entries

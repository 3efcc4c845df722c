# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hung clients might be a gateway's tcmu-runner, that Ceph's service map does not know any more."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import lun_clients

HUNG = "192.0.2.7:0/7"


def lun(**told: t.Any) -> dict[str, t.Any]:
    plain = {"image": "rbd/a", "tcmu": {"mode": "implicit"}, "enabled": True, "portals": ["0.0.0.0:3260"], "client_address": "", "stack": "lio"}
    return {**plain, **told}


def spared(gateway: dict[str, t.Any], liveness: str = "hung", host: str = "gw1", evict: t.Sequence[str] = ()) -> dict[str, str]:
    image: t.Any = {"spec": "rbd/a", "watchers": [{"address": HUNG, "liveness": liveness, "host": host}]}
    return lun_clients.spared([{"item": "gw", "hostname": "", **gateway}], [image], {"gw": ""}, evict)


@pytest.mark.parametrize(
    "gateway",
    [
        {"hostname": "gw1", "luns": [lun()]},
        {"hostname": "gw1.example.com", "luns": [lun()]},
        {"item": "gw1.example.com", "luns": [lun()]},
        {"luns": [lun(portals=["192.0.2.7:3260"])]},
    ],
    ids=["by its host's name", "by that with a domain", "by its name", "by a portal"],
)
def test_a_hung_client_on_a_gateway_of_the_image_is_spared(gateway: dict[str, t.Any]) -> None:
    assert list(spared(gateway)) == [HUNG]
    assert "serves rbd/a by tcmu-runner, which might be this client" in spared(gateway)[HUNG]
    assert spared(gateway, evict=[HUNG]) == spared(gateway, liveness="orphaned") == {}


@pytest.mark.parametrize(
    "gateway",
    [
        {"hostname": "gw2", "luns": [lun()]},
        {"hostname": "gw1", "luns": [lun(image="rbd/b")]},
        {"hostname": "gw1", "luns": [lun(tcmu=None)]},
        {"luns": [lun(portals=["192.0.2.7:3260"], enabled=False)]},
        {"item": "192.0.2.9", "hostname": "", "luns": [lun()]},
    ],
    ids=["another host", "another image", "no tcmu-runner", "a portal of another gateway", "an address in common up to a dot"],
)
def test_other_clients_are_not(gateway: dict[str, t.Any]) -> None:
    assert spared(gateway, host="gw1" if "item" not in gateway else "192") == {}


def test_a_session_may_name_its_host_with_a_domain_and_an_address_may_be_of_ipv6() -> None:
    assert list(spared({"hostname": "gw1", "luns": [lun()]}, host="gw1.example.com")) == [HUNG]
    image: t.Any = {"spec": "rbd/a", "watchers": [{"address": "[2001:db8::7]:0/7", "liveness": "hung"}]}
    gateway = {"item": "gw", "hostname": "", "luns": [lun()]}
    assert list(lun_clients.spared([gateway], [image], {"gw": "2001:db8::7"}, [])) == ["[2001:db8::7]:0/7"]

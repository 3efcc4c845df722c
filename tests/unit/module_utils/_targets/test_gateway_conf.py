# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ceph's own gateways' configuration, in the form that Config.seed_config, LUN.allocate, GWTarget.manage and GWClient of ceph-iscsi 3.5 write it."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import gateway_conf

IQN = "iqn.2003-01.com.redhat.iscsi-gw:iscsi-igw"
ESX = "iqn.1998-01.com.vmware:esx1"
SECRET = "a-secret-of-it"
WWN = "0c5e56b4-9a4b-4b10-8a16-1bd6f3f6b2a1"
CONF: dict[str, t.Any] = {
    "disks": {
        "rbd/datastore1": {
            "wwn": WWN,
            "image": "datastore1",
            "pool": "rbd",
            "allocating_host": "gw1.example",
            "pool_id": 2,
            "controls": {},
            "backstore": "user:rbd",
            "backstore_object_name": "rbd.datastore1",
            "owner": "gw1.example",
        }
    },
    "gateways": {"gw1.example": {"active_luns": 1}, "gw2.example": {"active_luns": 0}},
    "targets": {
        IQN: {
            "disks": {"rbd/datastore1": {"lun_id": 0}},
            "clients": {ESX: {"auth": {"username": "esx", "password": SECRET}, "luns": {"rbd/datastore1": {"lun_id": 3}}, "group_name": ""}},
            "portals": {
                "gw1.example": {"tpgs": 2, "gateway_ip_list": ["192.0.2.1", "2001:db8::2"], "portal_ip_addresses": ["192.0.2.1"]},
                "gw2.example": {"tpgs": 2, "gateway_ip_list": ["192.0.2.1", "2001:db8::2"], "portal_ip_addresses": ["2001:db8::2"]},
            },
            "groups": {},
            "acl_enabled": True,
            "auth": {"username": "", "password": SECRET},
            "ip_list": ["192.0.2.1", "2001:db8::2"],
            "controls": {},
        }
    },
    "discovery_auth": {"username": "", "password": SECRET},
    "version": 11,
    "epoch": 7,
}


def test_each_gateway_has_the_lun_under_the_number_of_the_initiator() -> None:
    luns = gateway_conf.parse(json.dumps(CONF))
    assert {host: [(lun.target, lun.lun, lun.image, lun.portals, lun.initiators, lun.everybody_but) for lun in found] for host, found in luns.items()} == {
        "gw1.example": [(IQN, 3, "rbd/datastore1", ("192.0.2.1:3260",), (ESX,), None)],
        "gw2.example": [(IQN, 3, "rbd/datastore1", ("[2001:db8::2]:3260",), (ESX,), None)],
    }


def test_names_are_those_that_the_lun_tells() -> None:
    (lun,) = gateway_conf.parse(json.dumps(CONF))["gw1.example"]
    assert (lun.serial, lun.naa, (lun.tcmu or {})["mode"]) == (WWN, "60014050c5e56b49a4b4b108a161bd6f", "implicit")


def test_without_access_lists_everybody_sees_it() -> None:
    conf = copy.deepcopy(CONF)
    conf["targets"][IQN].update(acl_enabled=False, clients={})
    (lun,) = gateway_conf.parse(json.dumps(conf))["gw1.example"]
    assert (lun.lun, lun.initiators, lun.everybody_but) == (0, (), ())


def test_no_secret_is_taken() -> None:
    luns = gateway_conf.parse(json.dumps(CONF))
    assert SECRET in json.dumps(CONF) and SECRET not in repr(luns)


@pytest.mark.parametrize("text", ["", json.dumps({**CONF, "version": 10}), json.dumps({"version": 11, "targets": {}})])
def test_nothing_is_exported(text: str) -> None:
    assert gateway_conf.parse(text) == {}


@pytest.mark.parametrize("text", ['{"disks": {', "[]", json.dumps({"version": 11}), json.dumps({**CONF, "disks": {}}), json.dumps({**CONF, "version": "x"})])
def test_what_is_no_configuration_is_an_error_in_words(text: str) -> None:
    with pytest.raises(ClusterError, match="has an unknown form") as raised:
        gateway_conf.parse(text)
    assert SECRET not in str(raised.value)

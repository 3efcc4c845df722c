# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what Ceph's iSCSI gateways, ceph-iscsi, export: the object ``gateway.conf`` in pool ``rbd``, the common configuration of all gateways.

It also holds the CHAP passwords of initiators, so only the fields named here are read, and the user of ceph_user.yml cannot read it.
Sources: common.py, lun.py, target.py and client.py of ceph-iscsi 3.5, which writes version 11.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded, in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._portal import portal_at
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.lio_backstore import COMPANY_ID, naa
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun

POOL = "rbd"
OBJECT = "gateway.conf"
_CAP = "a cap to read it, which also shows the CHAP passwords of initiators"
# Before version 11, a target's disks had no numbers.
_OLDEST_VERSION = 11
# target.py makes each portal with rtslib's default.
_PORT = 3260
# lun.py puts every disk into groups of implicit ALUA, which make tcmu-runner take the lock by itself.
_TCMU = {"mode": "implicit", "group": "", "state": "", "active": None, "osd_op_timeout": None, "cmd_time_out": None}

Exports = t.Mapping[str, t.Sequence[Lun]]


def read(cluster: Cluster) -> tuple[Exports, str]:
    """Returns gateway -> its LUNs, and why they are unknown. Without ceph-iscsi both are empty. Raises nothing."""
    try:
        return parse(_text(cluster)), ""
    except RecursionError:
        return {}, f"{POOL}/{OBJECT} is not a configuration of ceph-iscsi."
    except Exception as error:
        return {}, in_words(error, f"Reading {POOL}/{OBJECT}")


def _text(cluster: Cluster) -> str:
    """Returns the configuration, empty if there is none."""
    try:
        with cluster.open_pool(POOL) as ioctx:
            size, _time = ioctx.stat(OBJECT)
            return t.cast(bytes, ioctx.read(OBJECT, size)).decode(errors="replace")
    except (InputError, rados.ObjectNotFound):
        return ""
    except rados.Error as error:
        raise explain(error, f"Reading {POOL}/{OBJECT}", _CAP) from error


@guarded(f"read {OBJECT}")
def parse(text: str) -> dict[str, list[Lun]]:
    """Returns gateway -> its LUNs. Raises ClusterError for other content, as while another gateway writes it."""
    conf = json.loads(text) if text else {}
    exports: dict[str, list[Lun]] = {}
    if conf.get("version", 0) < _OLDEST_VERSION:
        return exports
    for iqn, target in conf["targets"].items():
        luns = [replace(lun, target=iqn, **_names(conf["disks"][lun.image])) for lun in _luns(target)]
        for host, portal in target["portals"].items():
            portals = tuple(portal_at(ip, _PORT) for ip in portal["portal_ip_addresses"])
            exports.setdefault(host, []).extend(replace(lun, portals=portals) for lun in luns)
    return exports


def _luns(target: t.Mapping[str, t.Any]) -> list[Lun]:
    """Returns a target's LUNs. With access lists, each initiator can have its own number for a disk."""
    if not target.get("acl_enabled", True):
        return [_lun(disk, int(told["lun_id"]), everybody_but=()) for disk, told in target["disks"].items()]
    seen: dict[tuple[str, int], list[str]] = {}
    for initiator, client in target["clients"].items():
        for disk, told in client["luns"].items():
            seen.setdefault((disk, int(told["lun_id"])), []).append(initiator)
    return [_lun(disk, number, initiators=tuple(who)) for (disk, number), who in seen.items()]


def _lun(disk: str, number: int, **who: t.Any) -> Lun:
    return Lun(stack="lio", target="", lun=number, device="", backing="", image=disk, tcmu=dict(_TCMU), **who)


def _names(disk: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    serial = str(disk.get("wwn", ""))
    return {"serial": serial, "naa": naa(serial, COMPANY_ID)}

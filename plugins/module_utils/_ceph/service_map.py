# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the daemons that registered with the manager: rbd-mirror, and Ceph's iSCSI gateways, tcmu-runner, with the image that each serves.

A daemon that is silent for ``mgr_service_beacon_grace`` (60 s) is dropped from the map (DaemonServer::_prune_pending_service_map of Ceph).
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded, in_words


@dataclass(frozen=True)
class ServiceMap:
    """Holds daemons. ``mirrors``: addresses of rbd-mirror. ``gateways``: (address, image id) of tcmu-runner -> its host. ``gap``: why they are unknown."""

    mirrors: frozenset[str] = frozenset()
    gateways: t.Mapping[tuple[str, str], str] = field(default_factory=dict)
    gap: str = ""


def read(cluster: Cluster) -> ServiceMap:
    """Asks the manager's map of the monitors. Raises nothing."""
    try:
        return parse(cluster.command("service dump"))
    except Exception as error:
        return ServiceMap(gap=in_words(error, "Reading the service map"))


@guarded("service dump")
def parse(dump: t.Mapping[str, t.Any] | None) -> ServiceMap:
    """Parses ``service dump --format json``."""
    services = (dump or {}).get("services", {})
    mirrors, runners = (_daemons(services.get(name, {})) for name in ("rbd-mirror", "tcmu-runner"))
    told = [(address.normal(daemon["addr"]), daemon.get("metadata", {})) for daemon in runners]
    gateways = {(client, str(metadata["image_id"])): str(metadata.get("hostname", "")) for client, metadata in told if metadata.get("image_id")}
    return ServiceMap(frozenset(address.normal(daemon["addr"]) for daemon in mirrors), gateways)


def _daemons(service: t.Mapping[str, t.Any]) -> list[t.Mapping[str, t.Any]]:
    """Returns the daemons, without the text 'summary' beside them."""
    return [daemon for daemon in service.get("daemons", {}).values() if isinstance(daemon, dict)]

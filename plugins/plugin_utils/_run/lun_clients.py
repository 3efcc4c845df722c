# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spares the clients that gateways serve LUNs through: they are fenced only if the operator names them. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import gateway_host, luns, messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, Watcher

_IPV4 = re.compile(r"[0-9.]+")


def spared(maps: t.Sequence[Result], images: t.Sequence[Image], addresses: t.Mapping[str, str], evict: t.Collection[str]) -> dict[str, str]:
    """Returns the clients not to fence, address -> why. ``addresses``: gateway -> its address. ``evict``: clients that the operator wants fenced."""
    found = {**_on_stuck_gateways(maps, images, addresses), **_behind(maps), **_tcmu_runner(maps, images, addresses)}
    return {client: why for client, why in found.items() if client not in evict}


def _behind(maps: t.Sequence[Result]) -> dict[str, str]:
    """Returns them by the address of the kernel's mapping. A mapping that no target exports is no LUN."""
    mapped = [(one, lun) for one in maps for lun in one.get("luns", []) if lun["client_address"]]
    # If a gateway has gaps, a mapping that no target seems to export might still be a LUN.
    exported = [(one["item"], lun) for one, lun in mapped if lun["stack"] != "krbd" or one.get("gaps")]
    return {lun["client_address"]: messages.BEHIND_LUN.format(host=gateway) for gateway, lun in exported}


def _on_stuck_gateways(maps: t.Sequence[Result], images: t.Sequence[Image], addresses: t.Mapping[str, str]) -> dict[str, str]:
    """Returns clients that might be alive on a gateway that responds but did not tell its LUNs: a hung kernel can hold up its configuration."""
    stuck = [one for one in luns.silent(maps) if not one.get("unreachable")] + [one for one in maps if one.get("gaps")]
    hung = [watcher for image in images for watcher in image["watchers"] if watcher["liveness"] == "hung"]
    found = ((one["address"], gateway["item"]) for gateway in stuck for one in hung if _is_on(one, gateway_host.of_gateway(gateway, addresses)))
    return {client: messages.LUNS_UNTOLD.format(host=gateway) for client, gateway in found}


def _tcmu_runner(maps: t.Sequence[Result], images: t.Sequence[Image], addresses: t.Mapping[str, str]) -> dict[str, str]:
    """Returns hung clients on a gateway that serves the image by tcmu-runner. A hung one leaves the service map after a minute (measured)."""
    spared: dict[str, str] = {}
    for gateway in maps:
        served = {lun["image"] for lun in gateway.get("luns", []) if lun["tcmu"]}
        hung = [(image["spec"], one) for image in images if image["spec"] in served for one in image["watchers"] if one["liveness"] == "hung"]
        names = _names(gateway, addresses)
        spared |= {one["address"]: messages.TCMU_RUNNER.format(host=gateway["item"], image=spec) for spec, one in hung if _is_on(one, names)}
    return spared


def _names(gateway: Result, addresses: t.Mapping[str, str]) -> set[str]:
    """Returns the names of the host, and the addresses of its portals."""
    portals = (portal.rpartition(":")[0].strip("[]") for lun in gateway.get("luns", []) for portal in lun["portals"] if lun["enabled"])
    return {*gateway_host.of_gateway(gateway, addresses), *(host for host in portals if not luns.is_any(host))}


def _is_on(watcher: Watcher, names: t.Iterable[str]) -> bool:
    """Returns whether the client is on a host of these names, with or without a domain."""
    return bool(_also_short(gateway_host.of_client(watcher)) & _also_short(name.strip("[]") for name in names))


def _also_short(names: t.Iterable[str]) -> set[str]:
    return {short for name in names for short in (name, name if _IPV4.fullmatch(name) else name.partition(".")[0])}

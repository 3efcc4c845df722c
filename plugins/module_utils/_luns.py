# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a run of the role reaches the LUNs of images: by what the operator gave, or by what the gateways export. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

Data = t.Mapping[str, t.Any]

_ISCSI_PORT = 3260
_PORTAL = re.compile(r"\[?(?P<host>[^\]]*?)\]?:(?P<port>\d+)(?:,\d+)?")
_WHERE = ("name", "portal", "target", "lun", "device")


def found(maps: t.Sequence[Data], images: t.Sequence[str], addresses: t.Mapping[str, str]) -> list[dict[str, t.Any]]:
    """One LUN for each of ``images`` that a gateway exports, as an entry of O(remediate_watchers_luns).

    ``maps``: the results of M(cephops.iscsi_rescue.lun_map) for gateways in a loop, with the gateway as C(item). ``addresses``: gateway -> its address,
    empty where its name is that.
    Only one, since two probes of the same image at once meet each other's reservation.
    """
    told = [(one["item"], lun) for one in maps for lun in one.get("luns", []) if not lun["snapshot"]]
    ways = {image: [_way(lun, host, addresses[host] or host) for host, lun in told if lun["image"] == image] for image in images}
    # One over iSCSI goes the way of other initiators, a local disk only that of this host.
    best = (sorted(filter(None, found), key=lambda way: "device" in way)[:1] for found in ways.values())
    return [way for found in best for way in found]


def _way(lun: Data, host: str, address: str) -> dict[str, t.Any]:
    """Empty for a LUN that cannot be probed from here."""
    if lun["disk"]:
        return {"image": lun["image"], "device": lun["disk"], "host": host}
    if lun["lun"] is None or not (lun["portals"] or lun["target"].startswith("iqn.")):
        return {}
    return {"image": lun["image"], "portal": _portal(lun["portals"], address), "target": lun["target"], "lun": lun["lun"]}


def _portal(portals: t.Sequence[str], address: str) -> str:
    """The first portal, with the gateway's own address where it listens on all."""
    hit = _PORTAL.fullmatch(portals[0]) if portals else None
    host, port = (hit["host"], int(hit["port"])) if hit else ("", _ISCSI_PORT)
    host = address if _is_any(host) else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_any(host: str) -> bool:
    try:
        return ipaddress.ip_address(host or "0.0.0.0").is_unspecified
    except ValueError:
        return False


def by_host(luns: t.Sequence[Data], images: t.Sequence[str], prober: str) -> list[dict[str, t.Any]]:
    """Who probes what: C(host) and, for M(cephops.iscsi_rescue.scsi_reserve_probe), C(luns); of the LUNs of ``images``."""
    wanted = [{"name": lun["image"], **lun} for lun in luns if lun["image"] in images]
    hosts = {lun.get("host") or prober: None for lun in wanted}
    return [{"host": host, "luns": [_plain(lun) for lun in wanted if (lun.get("host") or prober) == host]} for host in hosts]


def _plain(lun: Data) -> dict[str, t.Any]:
    return {key: lun[key] for key in _WHERE if lun.get(key) is not None}


def logs(reads: t.Sequence[Data], phase: str) -> list[dict[str, t.Any]]:
    """What each gateway's kernel said; ``reads`` are the results of M(cephops.iscsi_rescue.kernel_log) in a loop over gateways, C(phase) says when."""
    return [{"host": one["item"]["item"], "phase": phase, "gap": one["gap"], "events": one["events"]} for one in reads if "events" in one]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds how a run reaches the LUNs of images: as the operator gave it, or as the gateways export them. Pure."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._portal import portal_at
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, KernelLog, Lun, Probe, Probing, SilentGateway, When

# What lun_map returned for one gateway, or kernel_log, in a loop.
Result = t.Mapping[str, t.Any]
Exported = t.Mapping[str, t.Any]

_ISCSI_PORT = 3260
_PORTAL = re.compile(r"\[?(?P<host>[^\]]*?)\]?:(?P<port>\d+)(?:,\d+)?")
# libiscsi addresses no higher one, see _scsi/iscsi.py.
_HIGHEST_LUN = 255
# The names that identify a LUN.
_NAMES = ("serial", "eui", "naa")
# Limits of the probe, see scsi_reserve_probe.
_CAUTIONS = ("nv_cache", "breaks_locks")
_PATH = ("portal", "target", "lun", "device")
_WHERE = ("name", *_PATH, "other_paths", *_CAUTIONS, *_NAMES)


def found(maps: t.Sequence[Result], images: t.Sequence[str], addresses: t.Mapping[str, str], initiator: str, prober: str) -> dict[str, list[Lun]]:
    """Returns image -> how its LUN is reached, for each of ``images`` that a gateway exports: an entry of O(remediate_watchers_luns) for each host that probes.

    ``maps``: the results of M(cephops.iscsi_rescue.lun_map) for gateways in a loop, with the gateway as C(item). ``addresses``: gateway -> its address,
    empty if its name is its address. ``initiator``: the initiator that probes over iSCSI; others might see another LUN under the same number.
    ``prober``: the host for that. An entry is tried if the entries before it led to no LUN: probes of one image at once would meet each other's reservation.
    """
    ways = {image: _ways(_exported(maps, image), addresses, initiator) for image in images}
    return {image: _by_prober(found, prober) for image, found in ways.items() if found}


def exported(luns: t.Mapping[str, t.Sequence[Exported]], images: t.Collection[str]) -> list[Result]:
    """Returns what C(exports) of M(cephops.iscsi_rescue.rbd_watchers) tells of ``images``, as ``maps`` for ``found``."""
    wanted = {host: [lun for lun in told if lun["image"] in images] for host, told in luns.items()}
    return [{"item": host, "luns": told} for host, told in wanted.items() if told]


def untold(exports: t.Sequence[Result], maps: t.Sequence[Result]) -> list[Result]:
    """Returns the LUNs of ``exports`` whose image no gateway named: what a gateway says is better evidence."""
    known = {lun["image"] for one in maps for lun in one.get("luns", [])}
    return [{**one, "luns": [lun for lun in one["luns"] if lun["image"] not in known]} for one in exports]


def joined(maps: t.Sequence[Result], images: t.Sequence[Image]) -> list[Result]:
    """Returns ``maps`` with what a gateway's configuration lacks for LUNs of tcmu-runner: the image's id and header, and the client.

    Ceph's service map lists the client for this gateway, and a monitor has its session. The map lists a client that is gone for a minute more.
    """
    known = {image["spec"]: image for image in images}
    return [{**one, "luns": [_joined(lun, one, known) for lun in one["luns"]]} if "luns" in one else one for one in maps]


def _joined(lun: Exported, gateway: Result, images: t.Mapping[str, Image]) -> Exported:
    image = images.get(lun["image"])
    if not lun["tcmu"] or not image:
        return lun
    living = [watcher for watcher in image["watchers"] if watcher.get("gateway") and watcher["liveness"] != "orphaned"]
    own = [watcher["address"] for watcher in living if watcher["gateway"] == gateway.get("hostname")]
    return {**lun, "image_id": image["id"], "header": image["header"], "client_address": own[0] if len(own) == 1 else ""}


def through(entries: t.Sequence[Lun], gateway: str) -> list[Lun]:
    """Returns the entries of ``found`` with the paths of one gateway alone."""
    kept = [[path for path in _all_paths(entry) if path.get("gateway") == gateway] for entry in entries]
    return [_entry([t.cast(Lun, {**entry, **paths[0]}), *paths[1:]]) for entry, paths in zip(entries, kept) if paths]


def _all_paths(entry: Lun) -> list[Lun]:
    return [_path(entry), *entry.get("other_paths", [])]


def pathless(maps: t.Sequence[Result], images: t.Sequence[str], addresses: t.Mapping[str, str], initiator: str) -> dict[str, str]:
    """Returns image -> why its LUN cannot be probed, for each of ``images`` that a gateway exports and that has no path; the rest as for ``found``."""
    told = {image: _exported(maps, image) for image in images}
    bare = {image: exported for image, exported in told.items() if exported and not _ways(exported, addresses, initiator)}
    return {image: "; ".join(_why_no_path(host, lun, initiator) for host, lun in exported) for image, exported in bare.items()}


def _exported(maps: t.Sequence[Result], image: str) -> list[tuple[str, Exported]]:
    """Returns (gateway, LUN) of the image. A mapping of krbd that no target exports is no LUN."""
    told = [(one["item"], lun) for one in maps for lun in one.get("luns", []) if lun["image"] == image]
    return [(host, lun) for host, lun in told if not lun["snapshot"] and lun["stack"] != "krbd"]


def _ways(told: t.Sequence[tuple[str, Exported]], addresses: t.Mapping[str, str], initiator: str) -> list[Lun]:
    """Returns the paths, the best first: over iSCSI, as initiators reach it; on a target that is enabled, and that has sessions."""
    ordered = sorted(told, key=lambda one: (bool(one[1]["disk"]), not one[1]["enabled"], not one[1]["logged_in"]))
    return [way for host, lun in ordered for way in _paths(lun, host, addresses[host] or host, initiator)]


def _by_prober(ways: t.Sequence[Lun], prober: str) -> list[Lun]:
    """Returns one entry for each host, which tries its first path and then the others."""
    hosts: dict[str, list[Lun]] = {}
    for way in ways:
        hosts.setdefault(way.get("host") or prober, []).append(way)
    return [_entry(paths) for paths in hosts.values()]


def _entry(paths: t.Sequence[Lun]) -> Lun:
    first: t.Any = {name: value for name, value in paths[0].items() if name != "other_paths"}
    others: t.Any = {"other_paths": [_path(way) for way in paths[1:]]} if len(paths) > 1 else {}
    # A caution of one path holds for all.
    cautions: t.Any = {name: True for name in _CAUTIONS if any(way.get(name) for way in paths)}
    return t.cast(Lun, {**first, **others, **cautions})


def _path(way: Lun) -> Lun:
    path: t.Any = {name: way[name] for name in (*_PATH, *_NAMES, "gateway") if name in way}  # type: ignore[literal-required]
    return t.cast(Lun, path)


def unasked(maps: t.Sequence[Result]) -> list[SilentGateway]:
    """Returns the gateways that did not tell all their LUNs, and why; ``maps`` as for ``found``."""
    partly: list[SilentGateway] = [{"host": one["item"], "why": "; ".join(one["gaps"])} for one in maps if one.get("gaps")]
    whole: list[SilentGateway] = [{"host": one["item"], "why": one.get("msg", messages.NO_REASON)} for one in silent(maps)]
    return [*whole, *partly]


def silent(maps: t.Sequence[Result]) -> list[Result]:
    """Returns the results of gateways that did not tell their LUNs; ``maps`` as for ``found``."""
    return [one for one in maps if "luns" not in one and not one.get("skipped")]


def _paths(lun: Exported, host: str, address: str, initiator: str) -> list[Lun]:
    """Returns the paths; none for a LUN that cannot be probed from here, or that has no name to identify it."""
    told: t.Any = {**{name: lun[name] for name in (*_NAMES, "nv_cache") if lun[name]}, **({"breaks_locks": True} if breaks_locks(lun) else {})}
    if not any(lun[name] for name in _NAMES):
        return []
    if lun["disk"]:
        return [{"image": lun["image"], "device": lun["disk"], "host": host, "gateway": host, **told}]
    if not _is_iscsi(lun) or lun["lun"] > _HIGHEST_LUN:
        return []
    seen = [portal for portal in _portals(lun["portals"], address) if _sees(lun, _called(lun, initiator, portal[0]))]
    where: t.Any = {"image": lun["image"], "target": lun["target"], "lun": lun["lun"], "gateway": host, **told}
    return [{**where, "portal": portal_at(*portal)} for portal in seen]


def breaks_locks(lun: Exported) -> bool:
    """Returns whether the gateway breaks the image's lock for a command on the write path."""
    return bool(lun["tcmu"]) and lun["tcmu"]["mode"] != "default"


def _is_iscsi(lun: Exported) -> bool:
    return bool(lun["portals"]) or lun["target"].startswith("iqn.")


def _called(lun: Exported, initiator: str, address: str) -> str:
    return f"{initiator}#{address}" if lun["per_portal_acl"] else initiator


def _why_no_path(host: str, lun: Exported, initiator: str) -> str:
    which = f"LUN {lun['lun']} of {lun['target']}"
    if not any(lun[name] for name in _NAMES):
        return messages.NO_NAME.format(gateway=host, lun=which)
    if not _is_iscsi(lun):
        return messages.NOT_ISCSI.format(gateway=host, lun=which)
    if lun["lun"] > _HIGHEST_LUN:
        return messages.LUN_TOO_HIGH.format(highest=_HIGHEST_LUN, gateway=host, lun=which)
    return messages.NO_ACCESS.format(gateway=host, initiator=initiator, lun=which)


def _sees(lun: Exported, initiator: str) -> bool:
    """Returns whether ``initiator`` finds this LUN under its number."""
    named = _is_one_of(lun["initiators"], initiator) and not _is_one_of(lun["unless"], initiator)
    others = lun["everybody_but"]
    return named or (others is not None and not _is_one_of(others, initiator))


def _is_one_of(names: t.Iterable[str], initiator: str) -> bool:
    """Returns whether a name matches as in SCST's groups: in any case, with C(*) and C(?), and inverted by a leading C(!) (SCST's C(wildcmp))."""
    fits = ((name.startswith("!"), re.fullmatch(_pattern(name.removeprefix("!")), initiator, re.IGNORECASE)) for name in names)
    return any(inverted != bool(hit) for inverted, hit in fits)


def _pattern(name: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in name)


def _portals(portals: t.Sequence[str], address: str) -> list[tuple[str, int]]:
    """Returns (host, port), first on the gateway's own address. That address replaces a missing portal, and one that listens on all addresses."""
    heard = [(hit["host"], int(hit["port"])) for hit in map(_PORTAL.fullmatch, portals) if hit] or [("", _ISCSI_PORT)]
    meant = dict.fromkeys((address if is_any(host) else host, port) for host, port in heard)
    return sorted(meant, key=lambda portal: portal[0] != address)


def is_any(host: str) -> bool:
    """Returns whether it stands for all addresses of a host; so does an empty one."""
    try:
        return ipaddress.ip_address(host or "0.0.0.0").is_unspecified
    except ValueError:
        return False


def by_host(luns: t.Sequence[Lun], images: t.Collection[str], prober: str, write_path: str) -> list[Probing]:
    """Returns which host probes which LUNs of ``images``, and how it tests writes; ``prober`` probes LUNs that name no host."""
    wanted = [lun for lun in luns if lun["image"] in images]
    hosts = {lun.get("host") or prober: None for lun in wanted}
    return [{"host": host, "write_path": write_path, "luns": [_plain(lun) for lun in wanted if (lun.get("host") or prober) == host]} for host in hosts]


def _plain(lun: Lun) -> Lun:
    """Returns the LUN as M(cephops.iscsi_rescue.scsi_reserve_probe) takes it."""
    told: t.Mapping[str, t.Any] = {"name": lun["image"], **lun}
    plain: t.Any = {key: told[key] for key in _WHERE if told.get(key) is not None}
    others: t.Any = {"other_paths": [_plain_path(path) for path in plain["other_paths"]]} if "other_paths" in plain else {}
    return t.cast(Lun, {**plain, **others})


def _plain_path(path: Lun) -> dict[str, t.Any]:
    return {name: value for name, value in path.items() if name != "gateway"}


def kernel_logs(reads: t.Sequence[Result], phase: When) -> list[KernelLog]:
    """Returns what each gateway's kernel logged; ``reads`` are the results of M(cephops.iscsi_rescue.kernel_log) in a loop over gateways."""
    return [{"host": one["item"]["item"], "phase": phase, "gap": one["gap"], "events": one["events"]} for one in reads if "events" in one]


def where(probe: Probe) -> str:
    """Returns how the LUN is reached, in words."""
    return probe.get("device") or f"LUN {probe['lun']} of {probe['target']} at {probe['portal']}"

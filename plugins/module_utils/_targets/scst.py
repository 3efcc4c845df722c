# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the LUNs of SCST from its sysfs (SCST's README, section "Sysfs interface"), which does not show the holder of a reservation."""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._portal import portal_at
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import listening
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_TARGETS = "sys/kernel/scst_tgt/targets"
_DEVICES = "sys/kernel/scst_tgt/devices"
# SCST's own initiator for EXTENDED COPY: it sees every device, and no other initiator logs in there.
_COPY_MANAGER = "copy_manager"
_ISCSI, _DAEMON = "iscsi", "iscsi-scstd"
_ISCSI_PORT = "3260"
# Handlers whose devices keep their data in a file or block device.
_WITH_FILENAME = ("vdisk_blockio", "vdisk_fileio")
_EVERYBODY = ""
_EUI_LENGTH = 8


def read(tree: Tree) -> list[Lun]:
    """Returns one LUN for each number in each set of LUNs: the target's, and those of its groups of initiators. Raises TargetError."""
    heard = listening.portals(tree, _DAEMON)
    drivers = [driver for driver in tree.names(_TARGETS) if driver != _COPY_MANAGER]
    targets = [(driver, name) for driver in drivers for name in tree.names(f"{_TARGETS}/{driver}")]
    return [lun for driver, name in targets for lun in _luns(tree, _target(tree, driver, name, heard))]


@dataclass(frozen=True)
class _Session:
    initiator: str
    group: str
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class _Target:
    """Holds a target. ``portals``: first those of sessions, since their addresses work. For the names of initiators see Lun.per_portal_acl."""

    path: str
    name: str
    enabled: bool
    portals: tuple[str, ...]
    per_portal_acl: bool
    sessions: tuple[_Session, ...]


def _target(tree: Tree, driver: str, name: str, heard: tuple[str, ...]) -> _Target:
    path = f"{_TARGETS}/{driver}/{name}"
    sessions = tuple(_sessions(tree, path))
    portals = _portals(sessions, heard) if driver == _ISCSI else ()
    return _Target(path, name, _is_enabled(tree, path), portals, tree.line(f"{path}/per_portal_acl") == "1", sessions)


def _is_enabled(tree: Tree, target: str) -> bool:
    """Returns whether driver and target accept initiators. Drivers such as scst_local have no such switch."""
    return "0" not in (tree.line(f"{target}/enabled"), tree.line(f"{target.rpartition('/')[0]}/enabled"))


def _portals(sessions: t.Iterable[_Session], heard: t.Sequence[str]) -> tuple[str, ...]:
    """Returns the portals. A session has its address, but not its port; the daemon listens on one port, on all or some addresses."""
    port = heard[0].rpartition(":")[2] if heard else _ISCSI_PORT
    used = {portal_at(address, port) for session in sessions for address in session.addresses}
    return tuple(dict.fromkeys([*sorted(used), *heard]))


def _sessions(tree: Tree, target: str) -> t.Iterator[_Session]:
    """Yields the sessions. Each is linked to its LUNs: ``../../luns`` or ``../../ini_groups/GROUP/luns``."""
    for session in tree.names(f"{target}/sessions"):
        path = f"{target}/sessions/{session}"
        link, initiator = tree.link(f"{path}/luns"), tree.line(f"{path}/initiator_name")
        if link and initiator:
            addresses = filter(None, (tree.line(f"{path}/{connection}/target_ip") for connection in tree.names(path)))
            yield _Session(initiator, link[-2] if link[-3:-2] == ["ini_groups"] else _EVERYBODY, tuple(addresses))


class _Set(t.NamedTuple):
    """Holds a directory of LUNs and its initiators, unless an earlier group names them; if all others see it, too, the exceptions."""

    path: str
    initiators: set[str]
    logged_in: set[str]
    unless: set[str]
    everybody_but: t.Optional[set[str]]


def _sets(tree: Tree, target: _Target) -> t.Iterator[_Set]:
    """Yields the sets. The target's own set is for initiators that no group names. A name can hold wildcards, and the oldest group that fits counts.

    SCST's scst_find_acg() in scst/src/scst_targ.c.
    """
    sessions: defaultdict[str, set[str]] = defaultdict(set)
    for session in target.sessions:
        sessions[session.group].add(session.initiator)
    groups = {group: _members(tree, f"{target.path}/ini_groups/{group}") for group in tree.oldest_first(f"{target.path}/ini_groups")}
    earlier: set[str] = set()
    for group, names in groups.items():
        yield _Set(f"{target.path}/ini_groups/{group}/luns", sessions[group] | names, sessions[group], {*earlier}, None)
        earlier |= names
    yield _Set(f"{target.path}/luns", sessions[_EVERYBODY], sessions[_EVERYBODY], set(), earlier)


def _members(tree: Tree, group: str) -> set[str]:
    return {*tree.names(f"{group}/initiators")} - {"mgmt"}


def _luns(tree: Tree, target: _Target) -> t.Iterator[Lun]:
    for found in _sets(tree, target):
        access = _access(target, found)
        for number in filter(str.isdecimal, tree.names(found.path)):
            link = tree.link(f"{found.path}/{number}/device")
            device = _device(tree, link[-1]) if link else {}
            if device:
                yield Lun("scst", target.name, int(number), link[-1], **device, **access)


def _access(target: _Target, found: _Set) -> dict[str, t.Any]:
    """Returns which initiators reach the LUNs of a set, and how, in fields of a Lun."""
    names = {name: tuple(sorted(getattr(found, name))) for name in ("initiators", "unless", "logged_in")}
    others = None if found.everybody_but is None else tuple(sorted(found.everybody_but))
    return {**names, "everybody_but": others, "portals": target.portals, "per_portal_acl": target.per_portal_acl, "enabled": target.enabled}


def _device(tree: Tree, name: str) -> dict[str, t.Any]:
    """Returns what is behind a LUN, in fields of a Lun; {} if that is unknown."""
    device, filename = f"{_DEVICES}/{name}", _filename(tree, name)
    eui, naa = identity(tree.line(f"{device}/eui64_id"), tree.line(f"{device}/naa_id"), tree.data(f"{device}/t10_dev_id"))
    told = {"serial": tree.line(f"{device}/usn"), "eui": eui, "naa": naa, "nv_cache": tree.line(f"{device}/nv_cache") == "1"}
    return {} if filename is None else {"backing": filename, **told}


def _filename(tree: Tree, device: str) -> str | None:
    """Returns the file name, None if the device hides it: SCST removes it first. Without it, the LUN would seem to have no image."""
    found = tree.line(f"{_DEVICES}/{device}/filename")
    if found or tree.link(f"{_DEVICES}/{device}/handler")[-1:] not in ([name] for name in _WITH_FILENAME):
        return found
    tree.note(f"SCST does not show what is behind its device {device}, as during its removal, so its LUNs are unknown")
    return None


def identity(eui64_id: str, naa_id: str, t10_dev_id: bytes) -> tuple[str, str]:
    """Returns (EUI, NAA) in hex, as scst_vdisk.c answers INQUIRY page 83h.

    Ids that are set are printed with 0x before them. With neither set, the EUI-64 is the first eight bytes of ``t10_dev_id``,
    which is a text in a zeroed buffer: a shorter one is filled up with zero bytes.
    """
    eui, naa = _hex(eui64_id), _hex(naa_id)
    text = t10_dev_id.partition(b"\n")[0]
    if text and not eui and not naa:
        eui = text[:_EUI_LENGTH].ljust(_EUI_LENGTH, b"\0").hex()
    return eui, naa


def _hex(value: str) -> str:
    found = re.fullmatch(r"(?:0x)?([0-9a-f]+)", value.lower())
    return found[1] if found else ""

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the LUNs of LIO, the kernel's own target, from its configfs (drivers/target of Linux), but not ``auth``, which holds secrets."""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lio_backstore, tcmu
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_ROOT = "sys/kernel/config/target"
_NO_TARGET = "discovery_auth"
_LUN = re.compile(r"lun_(\d+)")


def read(tree: Tree) -> list[Lun]:
    """Returns one LUN for each number under which a target portal group or one of its initiators has it. Raises TargetError."""
    fabrics = [f"{_ROOT}/{name}" for name in tree.names(_ROOT)]
    targets = [(f"{fabric}/{name}", name) for fabric in fabrics for name in tree.names(fabric) if name != _NO_TARGET]
    groups = [(f"{path}/{name}", target) for path, target in targets for name in tree.names(path)]
    return [lun for path, target in groups for lun in _group(tree, path, target)]


def reservation_holders(root: str = "/") -> dict[str, str]:
    """Returns NAA -> the initiator that holds the LUN by RESERVE, '' for none, of this host's LUNs. Raises TargetError."""
    return {lun.naa: lun.reservation_holder for lun in read(Tree(root)) if lun.naa}


def _group(tree: Tree, path: str, target: str) -> t.Iterator[Lun]:
    portals = tuple(tree.names(f"{path}/np"))
    mapped = _mapped(tree, path)
    guests, is_open = _guests(tree, path), _is_open(tree, path)
    logged_in = guests | {name for name in tree.names(f"{path}/acls") if _has_session(tree, f"{path}/acls/{name}")}
    # The groups of tcm_loop have no such switch. ceph-iscsi keeps the portals of the other gateways in disabled groups.
    enabled = tree.line(f"{path}/enable") != "0"
    for number, directory in _numbered(tree, f"{path}/lun"):
        device = _device(tree, directory)
        if device:
            own = lio_backstore.fill(tree, _ROOT, Lun("lio", target, number, device, "", portals=portals, enabled=enabled))
            own = replace(own, tcmu=tcmu.of_lun(tree, f"{_ROOT}/core/{device}", directory) if tcmu.is_served(device) else None)
            for seen, initiators in _seen(number, mapped[number], guests, is_open).items():
                others = tuple(tree.names(f"{path}/acls")) if is_open and seen == number else None
                known = tuple(sorted(initiators & logged_in))
                yield replace(own, lun=seen, initiators=tuple(sorted(initiators)), logged_in=known, disk=_disk(tree, path, seen), everybody_but=others)


def _seen(number: int, mapped: t.Mapping[int, set[str]], guests: set[str], is_open: bool) -> dict[int, set[str]]:
    """Returns LUN number -> its initiators. The group's own number counts unless all permitted initiators have another one."""
    found = {seen: set(initiators) for seen, initiators in mapped.items()}
    if guests or is_open or not mapped:
        found[number] = found.get(number, set()) | guests
    return found


def _mapped(tree: Tree, group: str) -> defaultdict[int, dict[int, set[str]]]:
    """Returns the group's LUN number -> number for the initiator -> initiators, by the access control lists."""
    found: defaultdict[int, dict[int, set[str]]] = defaultdict(dict)
    for initiator in tree.names(f"{group}/acls"):
        for seen, directory in _numbered(tree, f"{group}/acls/{initiator}"):
            for link in _links(tree, directory):
                number = _LUN.fullmatch(link[-1])
                if number:
                    found[int(number[1])].setdefault(seen, set()).add(initiator)
    return found


def _guests(tree: Tree, group: str) -> set[str]:
    """Returns the initiators without an access control list, one a line with a NUL after it, and the one initiator of tcm_loop."""
    dynamic = tree.text(f"{group}/dynamic_sessions").replace("\0", "\n").split()
    return {*dynamic, tree.line(f"{group}/nexus")} - {""}


def _has_session(tree: Tree, access_list: str) -> bool:
    """Returns whether it has a session, by its ``info``: lio_target_nacl_info_show() in iscsi_target_configfs.c."""
    return tree.line(f"{access_list}/info").startswith("InitiatorName: ")


def _is_open(tree: Tree, group: str) -> bool:
    """Returns whether any initiator can log in. Initiators without an access control list see the group's own numbers."""
    return tree.line(f"{group}/attrib/generate_node_acls") == "1"


def _numbered(tree: Tree, path: str) -> list[tuple[int, str]]:
    """Returns (LUN number, directory) of ``lun_N``."""
    found = [(_LUN.fullmatch(name), f"{path}/{name}") for name in tree.names(path)]
    return [(int(number[1]), directory) for number, directory in found if number]


def _links(tree: Tree, directory: str) -> list[list[str]]:
    """Returns the links in a LUN's directory; their names are arbitrary."""
    return [link for link in (tree.link(f"{directory}/{name}") for name in tree.names(directory)) if link]


def _device(tree: Tree, directory: str) -> str:
    """Returns ``HBA/NAME`` of the backstore that a LUN links to."""
    return next(("/".join(link[-2:]) for link in _links(tree, directory) if link[-3:-2] == ["core"]), "")


def _disk(tree: Tree, group: str, number: int) -> str:
    """Returns the local disk of a LUN of tcm_loop, whose ``address`` is HOST:CHANNEL:TARGET."""
    address = tree.line(f"{group}/address")
    return next((f"/dev/{name}" for name in tree.names(f"sys/class/scsi_device/{address}:{number}/device/block")), "")

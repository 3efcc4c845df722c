# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LUNs of SCST, from its sysfs (SCST's README, section "Sysfs interface").

SCST tells neither who holds a reservation nor on which addresses its iSCSI daemon listens.
"""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_TARGETS = "sys/kernel/scst_tgt/targets"
_DEVICES = "sys/kernel/scst_tgt/devices"
# SCST's own initiator for EXTENDED COPY: it sees every device, and nobody logs in there.
_COPY_MANAGER = "copy_manager"
_EVERYBODY = ""
_EUI_LENGTH = 8


def read(root: str) -> list[Lun]:
    """One LUN for each number in each set of LUNs: the target's, and those of its groups of initiators. Raises TargetError, and InputError for no root."""
    tree = Tree(root)
    drivers = [f"{_TARGETS}/{driver}" for driver in tree.names(_TARGETS) if driver != _COPY_MANAGER]
    targets = [(f"{driver}/{target}", target) for driver in drivers for target in tree.names(driver)]
    return [lun for path, target in targets for found in _sets(tree, path) for lun in _set(tree, target, found)]


def _is_enabled(tree: Tree, target: str) -> bool:
    """Whether driver and target let initiators in. Drivers such as scst_local have no such switch."""
    return "0" not in (tree.line(f"{target}/enabled"), tree.line(f"{target.rpartition('/')[0]}/enabled"))


class _Set(t.NamedTuple):
    """A directory of LUNs; who sees them, and where all others do so as well, those who do not."""

    path: str
    initiators: set[str]
    everybody_but: set[str] | None
    enabled: bool


def _sets(tree: Tree, target: str) -> t.Iterator[_Set]:
    """The target's own set is for whom no group names. Names in a group may hold wildcards."""
    sessions, enabled = _sessions(tree, target), _is_enabled(tree, target)
    groups = {group: _members(tree, f"{target}/ini_groups/{group}") for group in tree.names(f"{target}/ini_groups")}
    yield _Set(f"{target}/luns", sessions[_EVERYBODY], {name for names in groups.values() for name in names}, enabled)
    for group, names in groups.items():
        yield _Set(f"{target}/ini_groups/{group}/luns", sessions[group] | names, None, enabled)


def _members(tree: Tree, group: str) -> set[str]:
    return {*tree.names(f"{group}/initiators")} - {"mgmt"}


def _sessions(tree: Tree, target: str) -> defaultdict[str, set[str]]:
    """Group -> initiators that are logged in, by each session's link to the LUNs it sees: ``../../luns`` or ``../../ini_groups/GROUP/luns``."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for session in tree.names(f"{target}/sessions"):
        link = tree.link(f"{target}/sessions/{session}/luns")
        initiator = tree.line(f"{target}/sessions/{session}/initiator_name")
        if link and initiator:
            found[link[-2] if link[-3:-2] == ["ini_groups"] else _EVERYBODY].add(initiator)
    return found


def _set(tree: Tree, target: str, found: _Set) -> t.Iterator[Lun]:
    others = None if found.everybody_but is None else tuple(sorted(found.everybody_but))
    for number in filter(str.isdecimal, tree.names(found.path)):
        link = tree.link(f"{found.path}/{number}/device")
        if link:
            lun = Lun("scst", target, int(number), link[-1], "", initiators=tuple(sorted(found.initiators)), everybody_but=others)
            yield _lun(tree, replace(lun, enabled=found.enabled))


def _lun(tree: Tree, lun: Lun) -> Lun:
    device = f"{_DEVICES}/{lun.device}"
    eui, naa = identity(tree.line(f"{device}/eui64_id"), tree.line(f"{device}/naa_id"), tree.data(f"{device}/t10_dev_id"))
    return replace(lun, backing=tree.line(f"{device}/filename"), serial=tree.line(f"{device}/usn"), eui=eui, naa=naa)


def identity(eui64_id: str, naa_id: str, t10_dev_id: bytes) -> tuple[str, str]:
    """(EUI, NAA) in hex, as scst_vdisk.c answers INQUIRY page 83h.

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

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins the LUNs of all stacks, each with the RBD image behind it."""

from __future__ import annotations

import os
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import in_flight, krbd, lio, scst, tgt
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image, Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.patient_reads import PatientReads
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

LONGEST_S = 3600
# The part of the deadline that is left for the work after the reads.
_SPARE = 0.25
_WATCHED_S = 1.0


class LunMap(t.NamedTuple):
    """Holds what this host exports or has mapped, sorted, and what could not be read, a sentence each."""

    luns: list[Lun]
    gaps: list[str]


def read_within(seconds: float, root: str, tgt_control_port: int) -> LunMap:
    """Reads as ``read``. Raises TargetError after that time, and InputError for an impossible time.

    SCST and LIO lock their configuration while they wait for hanging storage, as when a LUN is removed. A locked part is a gap.
    """
    if not 1 <= seconds <= LONGEST_S:
        raise InputError(f"timeout is {seconds:g}: give between 1 and {LONGEST_S} seconds.")
    # The process that reads is in another directory.
    whole = Tree(os.path.abspath(root)).root
    told = detached_process.within(seconds, lambda: _tried(whole, tgt_control_port, seconds))
    if told is None:
        raise TargetError(
            f"What this host exports could not be read within {seconds:g} s, so its target might wait with its configuration locked. "
            "Check 'ps -eo stat,wchan:30,args' for processes in state D."
        )
    if isinstance(told, Exception):
        raise told
    return told


def _tried(root: str, tgt_control_port: int, seconds: float) -> LunMap | Exception:
    try:
        return read(root, tgt_control_port, seconds)
    except Exception as error:
        return error


def read(root: str, tgt_control_port: int = 0, seconds: float = 30) -> LunMap:
    """Returns everything that this host exports or has mapped. ``seconds``: for the whole. Raises TargetError, and InputError if root is no directory.

    Each stack is read by itself, so that one with a locked configuration does not hide the others.
    """
    end = time.monotonic() + seconds * (1 - _SPARE)
    trees = [Tree(root, PatientReads(end)) for _stack in range(4)]
    with ThreadPoolExecutor(4) as readers:
        of_krbd, of_scst, of_lio = readers.submit(krbd.read, trees[0]), readers.submit(scst.read, trees[1]), readers.submit(lio.read, trees[2])
        of_tgt = readers.submit(tgt.read, tgt_control_port, seconds / 4, trees[3].note) if trees[3].live else None
        luns = _joined(trees[0], of_krbd.result(), of_scst.result() + of_lio.result() + (of_tgt.result() if of_tgt else []))
    return LunMap(luns, [gap for tree in trees if tree.patience for gap in tree.patience.gaps])


def _joined(tree: Tree, mapped: t.Mapping[str, Image], told: t.Sequence[Lun]) -> list[Lun]:
    exported = merge(told)
    under = [(lun, [disk for disk in krbd.beneath(tree, lun.backing) if disk in mapped]) for lun in exported]
    used = {disk for _lun, disks in under for disk in disks}
    luns = [(one, disk) for lun, disks in under for one, disk in _on(lun, mapped, disks or [krbd.kernel_name(tree, lun.backing)])]
    luns += [(Lun("krbd", "", None, disk, f"/dev/{disk}").on(image), disk) for disk, image in mapped.items() if disk not in used]
    flying = _in_flight(tree, {disk for _lun, disk in luns if disk})
    return sorted((replace(lun, in_flight=flying.get(disk)) for lun, disk in luns), key=_place)


def _on(lun: Lun, mapped: t.Mapping[str, Image], disks: t.Sequence[str]) -> list[tuple[Lun, str]]:
    """Returns the LUN once for each disk, since device mapper can spread it over several; with the image if the disk is of krbd."""
    return [(lun.on(mapped[disk]) if disk in mapped else lun, disk) for disk in disks]


def _in_flight(tree: Tree, disks: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
    """Returns what is in flight. Only disks with requests in flight are watched."""
    began, before = time.monotonic(), _counters(tree, disks)
    busy = [disk for disk, counters in before.items() if not counters.idle]
    if busy and tree.live:
        time.sleep(_WATCHED_S)
    after, seconds = {**before, **_counters(tree, busy)}, time.monotonic() - began if tree.live else 0.0
    return {disk: in_flight.between(counters, after[disk], seconds) for disk, counters in before.items()}


def _counters(tree: Tree, disks: t.Collection[str]) -> dict[str, in_flight.Counters]:
    read = {disk: in_flight.read(tree, disk) for disk in disks}
    return {disk: counters for disk, counters in read.items() if counters}


def merge(luns: t.Iterable[Lun]) -> list[Lun]:
    """Returns one LUN for each number of a target, joined from groups of initiators or portals with the same device."""
    found: dict[tuple[t.Any, ...], Lun] = {}
    for lun in luns:
        # ceph-iscsi keeps the portals of other gateways in disabled groups: they are not portals of this one.
        key = lun.stack, lun.target, lun.lun, lun.device, lun.enabled
        other = found.get(key, lun)
        initiators = _union(other.initiators, lun.initiators)
        found[key] = replace(
            other,
            initiators=initiators,
            unless=lun.unless if other is lun else tuple(sorted({*other.unless, *lun.unless} - {*initiators})),
            logged_in=_union(other.logged_in, lun.logged_in),
            portals=tuple(dict.fromkeys((*other.portals, *lun.portals))),
            everybody_but=_both(other.everybody_but, lun.everybody_but),
        )
    return list(found.values())


def _union(one: t.Iterable[str], other: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Returns the initiators that see it in neither of two sets."""
    return tuple(sorted({*one} & {*other})) if one is not None and other is not None else other if one is None else one


def _place(lun: Lun) -> tuple[t.Any, ...]:
    return lun.stack, lun.target, -1 if lun.lun is None else lun.lun, lun.device, lun.image, not lun.enabled

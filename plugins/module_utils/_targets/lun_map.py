# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The LUNs of all stacks together, each with the RBD image behind it."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import krbd, lio, scst, tgt
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image, Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

LONGEST_S = 3600


def read_within(seconds: float, root: str, tgt_control_port: int) -> list[Lun]:
    """As ``read``, and a TargetError after that time: LIO locks its configuration while it waits for storage that hangs, as when a LUN is taken away.

    Raises InputError for a time that is none.
    """
    if not 1 <= seconds <= LONGEST_S:
        raise InputError(f"timeout is {seconds:g}: give between 1 and {LONGEST_S} seconds.")
    # What reads is in another directory.
    whole = os.path.abspath(root)
    told = detached_process.within(seconds, lambda: _tried(whole, tgt_control_port))
    if told is None:
        raise TargetError(
            f"What this host exports could not be read within {seconds:g} s, so its target waits for something, with its configuration locked: "
            "'ps -eo stat,wchan:30,args' shows who hangs in state D."
        )
    if isinstance(told, Exception):
        raise told
    return told


def _tried(root: str, tgt_control_port: int) -> list[Lun] | Exception:
    try:
        return read(root, tgt_control_port)
    except Exception as error:
        return error


def read(root: str, tgt_control_port: int) -> list[Lun]:
    """Everything that this host exports or has mapped, sorted. Raises TargetError, and InputError for a root that is none."""
    mapped = krbd.read(root)
    exported = merge(scst.read(root) + lio.read(root) + (tgt.read(tgt_control_port) if Tree(root).live else []))
    under = [(lun, [disk for disk in krbd.beneath(root, lun.backing) if disk in mapped]) for lun in exported]
    luns = [one for lun, disks in under for one in _on(lun, [mapped[disk] for disk in disks])]
    used = {disk for _lun, disks in under for disk in disks}
    luns += [Lun("krbd", "", None, disk, f"/dev/{disk}").on(image) for disk, image in mapped.items() if disk not in used]
    return sorted(luns, key=_place)


def merge(luns: t.Iterable[Lun]) -> list[Lun]:
    """One for each number of a target, where groups of initiators or portals have the same device under it."""
    found: dict[tuple[t.Any, ...], Lun] = {}
    for lun in luns:
        key = lun.stack, lun.target, lun.lun, lun.device
        other = found.get(key, lun)
        found[key] = replace(
            other,
            initiators=_union(other.initiators, lun.initiators),
            portals=_union(other.portals, lun.portals),
            everybody_but=_both(other.everybody_but, lun.everybody_but),
        )
    return list(found.values())


def _union(one: t.Iterable[str], other: t.Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other}))


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Who does not see it in either of two sets."""
    return tuple(sorted({*one} & {*other})) if one is not None and other is not None else other if one is None else one


def _on(lun: Lun, images: t.Sequence[Image]) -> list[Lun]:
    """The LUN once for each image, since device mapper may spread it over several; as it is where there is no krbd below it."""
    return [lun.on(image) for image in images] or [lun]


def _place(lun: Lun) -> tuple[t.Any, ...]:
    return lun.stack, lun.target, -1 if lun.lun is None else lun.lun, lun.device, lun.image

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what a target exports: a LUN as its initiators see it, and the RBD image behind it."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, fields, replace

Stack = t.Literal["scst", "lio", "tgt", "krbd"]


@dataclass(frozen=True)
class Image:
    """Holds an RBD image, in the fields that a LUN has for it.

    ``image``: ``pool/[namespace/]name``. ``image_id`` and ``header``: '' if only the cluster knows them. ``client_address``: of the kernel's mapping.
    """

    image: str
    image_id: str = ""
    header: str = ""
    snapshot: str = ""
    client_address: str = ""


@dataclass(frozen=True)
class Lun:
    """Holds a LUN under one number of one target, or a krbd mapping that no target exports: then ``target`` is empty and ``lun`` None.

    ``device``: the stack's name of the device behind it. ``backing``: where that keeps its data. ``initiators``: the initiators that see it under this
    number; SCST's can hold wildcards. ``unless``: of these, the initiators that see another LUN, since SCST takes the first group that fits.
    ``everybody_but``: if all other initiators see it, too, the exceptions. ``per_portal_acl``: whether these names are C(INITIATOR#ADDRESS), with the
    address of the portal. ``logged_in``: initiators with a session. ``disk``: the local disk that tcm_loop makes of it. ``enabled``: whether initiators
    can log in by this target. ``nv_cache``: whether SCST is set up for a cache that survives, so that it answers a flush by itself.
    ``tcmu``: see tcmu.of_lun(), None for a LUN that tcmu-runner does not serve.
    ``in_flight``: see in_flight.between(); None if it is unknown.
    Unknown fields are empty.
    """

    stack: Stack
    target: str
    lun: t.Optional[int]
    device: str
    backing: str
    image: str = ""
    image_id: str = ""
    header: str = ""
    snapshot: str = ""
    client_address: str = ""
    serial: str = ""
    eui: str = ""
    naa: str = ""
    initiators: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    logged_in: tuple[str, ...] = ()
    reservation_holder: str = ""
    portals: tuple[str, ...] = ()
    disk: str = ""
    enabled: bool = True
    everybody_but: t.Optional[tuple[str, ...]] = None
    per_portal_acl: bool = False
    nv_cache: bool = False
    tcmu: t.Optional[dict[str, t.Any]] = None
    in_flight: t.Optional[dict[str, t.Any]] = None

    def on(self, image: Image) -> Lun:
        """Returns the same LUN with the image behind it."""
        return replace(self, **asdict(image))

    def record(self) -> dict[str, t.Any]:
        """Returns the LUN as a module returns it. File names that are not UTF-8 get a mark for each other byte."""
        return {field.name: _readable(getattr(self, field.name)) for field in fields(self)}


def _readable(value: t.Any) -> t.Any:
    if isinstance(value, tuple):
        return [_readable(one) for one in value]
    return value.encode(errors="surrogateescape").decode(errors="replace") if isinstance(value, str) else value

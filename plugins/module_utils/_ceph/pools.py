# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sorts the cluster's pools by whether they are tagged for RBD."""

from __future__ import annotations

import errno
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import guarded
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError

_NOT_FOR_US = (errno.EACCES, errno.EPERM)
# The applications of Ceph's own pools that hold no images. A pool with any other name might hold images.
_OTHER_USES = frozenset(("cephfs", "rgw", "mgr", "mgr_devicehealth"))
# TYPE_ERASURE in Ceph's src/osd/osd_types.h. Such a pool has no omap, which the header of an image of format 2 is made of.
_ERASURE = 3


@dataclass(frozen=True)
class Pools:
    """Holds names. ``others`` might hold images and leases, too. ``numbers``: name -> id, the part of a PG's id before the dot.

    ``undecided``: those of ``others`` that can hold images, by their tags.
    """

    tagged: tuple[str, ...]
    others: tuple[str, ...]
    numbers: t.Mapping[str, int]
    undecided: tuple[str, ...] = ()

    @property
    def every(self) -> tuple[str, ...]:
        """Returns all of them, those for RBD first."""
        return self.tagged + self.others

    @property
    def likely(self) -> tuple[str, ...]:
        """Returns those that hold images, or might: all but the pools tagged for something else."""
        return self.tagged + self.undecided

    def gaps(self, errors: t.Mapping[str, RescueError]) -> list[str]:
        """Returns the errors, pool by pool, that might hide an image. A pool without RBD's tag that is closed to this user holds none."""
        return [str(error) for pool, error in errors.items() if pool in self.tagged or (pool in self.undecided and _might_be_ours(error))]


def _might_be_ours(error: RescueError) -> bool:
    return getattr(error, "code", 0) not in _NOT_FOR_US


@guarded("osd dump")
def parse(dump: t.Mapping[str, t.Any]) -> Pools:
    """Parses ``osd dump --format json``."""
    listed = dump["pools"]
    tagged = tuple(pool["pool_name"] for pool in listed if "rbd" in pool.get("application_metadata", {}))
    others = tuple(pool["pool_name"] for pool in listed if pool["pool_name"] not in tagged)
    undecided = tuple(pool["pool_name"] for pool in listed if pool["pool_name"] in others and _can_hold_images(pool))
    return Pools(tagged, others, {pool["pool_name"]: pool["pool"] for pool in listed}, undecided)


def _can_hold_images(pool: t.Mapping[str, t.Any]) -> bool:
    return pool.get("type") != _ERASURE and not _OTHER_USES & set(pool.get("application_metadata") or ())

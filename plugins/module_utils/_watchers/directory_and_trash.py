# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads which header belongs to which image: the image directories and trashes of pools and their namespaces."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import header_object
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados, rbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, FencedError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import trash
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.trash import Dropped

_CAP = "the osd cap 'allow r class-read' on rbd_directory, rbd_trash and rbd_namespace"


@dataclass(frozen=True)
class Directory:
    """Holds the images of one namespace of one pool. ``names``: image id -> name; ``trash``: image id -> entry.

    ``old``: names of format-1 images, which have no id.
    """

    pool: str
    namespace: str
    names: t.Mapping[str, str] = field(default_factory=dict)
    old: frozenset[str] = frozenset()
    trash: t.Mapping[str, Dropped] = field(default_factory=dict)

    def __len__(self) -> int:
        """Returns the number of images, without the trash."""
        return len(self.names) + len(self.old)

    def images(self) -> t.Iterator[Image]:
        """Yields all of them, without the trash."""
        for found, name in self.names.items():
            yield Image(self.pool, self.namespace, name, found)
        for name in self.old:
            yield Image(self.pool, self.namespace, name, "")

    def dropped(self) -> t.Iterator[Image]:
        """Yields those in the trash."""
        for found in self.trash:
            yield self._dropped(found)

    def find(self, header: str) -> Image | None:
        """Returns the image, perhaps in the trash, that a header object of this name would belong to."""
        found, old_name = header_object.read(header)
        if found in self.names:
            return Image(self.pool, self.namespace, self.names[found], found)
        if found in self.trash:
            return self._dropped(found)
        return Image(self.pool, self.namespace, old_name, "") if old_name in self.old else None

    def _dropped(self, found: str) -> Image:
        entry = self.trash[found]
        return Image(self.pool, self.namespace, entry.name, found, "migration" if entry.migrates else "trash")


def read_pool(cluster: Cluster, pool: str) -> list[Directory]:
    """Returns a directory for each namespace. Raises ClusterError."""
    with cluster.open_pool(pool) as ioctx:
        try:
            return [_read(ioctx, pool, namespace) for namespace in ["", *rbd.RBD().namespace_list(ioctx)]]
        except (rbd.Error, rados.Error) as error:
            raise explain(error, f"Listing the images of pool '{pool}'", _CAP) from error


def _read(ioctx: t.Any, pool: str, namespace: str) -> Directory:
    ioctx.set_namespace(namespace)
    names, old = {}, set()
    for found in rbd.RBD().list2(ioctx):
        if found["id"]:
            names[found["id"]] = found["name"]
        else:
            old.add(found["name"])
    return Directory(pool, namespace, names, frozenset(old), trash.read(ioctx))


def read_pools(cluster: Cluster, pools: t.Iterable[str]) -> list[list[Directory] | ClusterError]:
    """Returns each pool's directories, or why they cannot be read. Raises InputError for a pool that is not there."""

    def read(pool: str) -> list[Directory] | ClusterError:
        try:
            return read_pool(cluster, pool)
        except (InputError, FencedError):
            raise
        except ClusterError as error:
            return error
        except Exception as error:
            # One odd answer of one pool does not stop the look at other pools.
            return ClusterError(f"Listing the images of pool '{pool}' failed: {error!r:.200}")

    return at_once(read, pools)

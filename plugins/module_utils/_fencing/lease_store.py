# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records in the cluster itself what a run will fence, before it fences, so that any node can finish the run.

The leases of a pool are the omap of one object there, one key for each address. They are read and changed under a RADOS lock
that expires. So a killed run blocks the next one only for a limited time.
"""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import asdict, dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_lock import CAP, OBJECT, LeaseLock

_PAGE = 1000


@dataclass(frozen=True)
class Lease:
    """Holds the lease of one address that a run fences.

    ``added``: seconds since the epoch; ``expire``: seconds. ``images``: the images to heal, each as ``pool/[namespace/]image``. ``prior``: the end of an
    earlier entry, '' for none. ``gone_since``: since when no look at the monitors' sessions found the client, in seconds since the epoch; 0 if one did.
    ``until``: the end of the run's own entry, '' before it is known, and while the prior entry is put back.
    """

    address: str
    run: str
    reason: str
    added: float
    expire: int
    images: tuple[str, ...] = ()
    prior: str = ""
    gone_since: float = 0.0
    until: str = ""


class LeaseBook:
    """Reads and changes the leases of one pool; get it from ``opened`` to change them, or from ``looked_at``."""

    def __init__(self, ioctx: t.Any, pool: str, lock: LeaseLock | None = None) -> None:
        self._ioctx = ioctx
        self._lock = lock
        self.pool = pool

    def read(self) -> dict[str, Lease]:
        """Address -> lease. Raises ClusterError."""
        leases: dict[str, Lease] = {}
        try:
            while page := self._page(max(leases, default="")):
                leases.update({key: self._decoded(key, value) for key, value in page})
        except rados.ObjectNotFound:
            return {}
        except rados.Error as error:
            raise explain(error, f"Reading the leases in {self.pool}/{OBJECT}", CAP) from error
        return leases

    def _page(self, after: str) -> list[tuple[str, bytes]]:
        """Returns the entries whose key follows ``after``, as many as the OSD hands out at once (osd_max_omap_entries_per_request, 1024)."""
        with rados.ReadOpCtx() as operation:
            entries, _status = self._ioctx.get_omap_vals(operation, after, "", _PAGE)
            self._ioctx.operate_read_op(operation, OBJECT)
            return list(entries)

    def _decoded(self, key: str, value: bytes) -> Lease:
        try:
            return decoded(key, value)
        except (InputError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ClusterError(
                f"The lease '{key:.60}' in {self.pool}/{OBJECT} cannot be decoded ({error!r:.100}): see 'rados -p {self.pool} listomapvals {OBJECT}'."
            ) from error

    def record(self, leases: t.Sequence[Lease]) -> None:
        """Writes leases, over those of the same address. Raises ClusterError."""
        keys = tuple(lease.address for lease in leases)
        values = tuple(json.dumps(asdict(lease)).encode() for lease in leases)
        with self._writing("Recording leases") as operation:
            self._ioctx.set_omap(operation, keys, values)

    def drop(self, addresses: t.Sequence[str]) -> None:
        """Removes the leases of these addresses. Raises ClusterError."""
        with self._writing("Dropping leases") as operation:
            self._ioctx.remove_omap_keys(operation, tuple(addresses))

    def require_lock(self) -> None:
        """Raises ClusterError if the lock expired, without asking the cluster."""
        if self._lock:
            self._lock.require()

    def remove_if_empty(self) -> None:
        """Removes the object after the last lease, and with it the lock. Raises ClusterError."""
        if not self.read():
            with self._failing("Removing the object of the leases"):
                self._renew()
                self._ioctx.remove_object(OBJECT)

    @contextlib.contextmanager
    def _writing(self, what: str) -> t.Iterator[t.Any]:
        with self._failing(what), rados.WriteOpCtx() as operation:
            yield operation
            self._renew()
            self._ioctx.operate_write_op(operation, OBJECT)

    def _renew(self) -> None:
        if self._lock:
            self._lock.renew()

    @contextlib.contextmanager
    def _failing(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except rados.Error as error:
            raise explain(error, f"{what} in {self.pool}/{OBJECT}", CAP) from error


def decoded(key: str, value: bytes) -> Lease:
    """Returns a lease from its omap entry. Missing fields get their defaults. Raises InputError, or a Python error, for any other content."""
    fields = json.loads(value)
    return Lease(
        address=str(address.parse(key)),
        run=str(fields["run"]),
        reason=str(fields["reason"]),
        added=float(fields["added"]),
        expire=int(fields["expire"]),
        images=tuple(str(image) for image in fields.get("images", ())),
        prior=str(fields.get("prior", "")),
        gone_since=float(fields.get("gone_since", 0)),
        until=str(fields.get("until", "")),
    )


def read(cluster: Cluster, pool: str) -> dict[str, Lease]:
    """Returns the leases of a pool, as ``looked_at``. Raises ClusterError."""
    with looked_at(cluster, pool) as book:
        return book.read()


@contextlib.contextmanager
def looked_at(cluster: Cluster, pool: str) -> t.Iterator[LeaseBook]:
    """Yields the leases of a pool, without the lock: to read, not to change. Raises ClusterError."""
    with cluster.open_pool(pool) as ioctx:
        yield LeaseBook(ioctx, pool)


@contextlib.contextmanager
def opened(cluster: Cluster, pool: str, between_s: int = 0) -> t.Iterator[LeaseBook]:
    """Yields the leases of a pool, under the lock. Raises ClusterError if another run holds it for longer than a killed run could.

    ``between_s``: how long the holder does something else between two changes of the leases.
    """
    with cluster.open_pool(pool) as ioctx:
        lock = LeaseLock(ioctx, pool, cluster.connection.timeout, between_s)
        lock.take()
        book = LeaseBook(ioctx, pool, lock)
        try:
            yield book
        finally:
            # A lock that is not released here expires.
            with contextlib.suppress(rados.Error, ClusterError):
                book.remove_if_empty()
            with contextlib.suppress(rados.Error):
                lock.give_back()

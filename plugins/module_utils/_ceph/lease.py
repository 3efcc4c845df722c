# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run owes the blacklist: recorded in the cluster itself before anything is fenced, so that any node can finish it.

The leases of a pool are the omap of one object there, one key for each address. They are read and changed under a RADOS lock
that expires by itself, so a killed run blocks the next one for a limited time only.
"""

from __future__ import annotations

import contextlib
import json
import time
import typing as t
import uuid
from dataclasses import asdict, dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

OBJECT = "cephops_iscsi_rescue.leases"
_CAP = f"the osd cap 'allow rwx object_prefix {OBJECT}'"
_LOCK = "leases"
_RETRY_S = 0.2
_PAGE = 1000
# A holder does half a dozen operations, usually in milliseconds, each with the connection's timeout.
_LOCK_TIMEOUTS = 6
_LOCK_AT_LEAST_S = 60


@dataclass(frozen=True)
class Lease:
    """One address that a run fences.

    ``added``: seconds since the epoch; ``expire``: seconds. ``images``: whom the fence is for, each as ``pool/[namespace/]image``. ``prior``: until
    when the entry lasted that was there before, '' for none. ``gone_since``: since when no look at the monitors' sessions found the client, in seconds
    since the epoch; 0 when one did. ``until``: the end of the entry that the run made, '' before it is known.
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
    """The leases of one pool; get it from ``opened``."""

    def __init__(self, ioctx: t.Any, pool: str) -> None:
        self._ioctx = ioctx
        self.pool = pool

    def read(self) -> dict[str, Lease]:
        """Address -> lease. Raises ClusterError."""
        leases: dict[str, Lease] = {}
        try:
            while page := self._page(max(leases, default="")):
                leases.update({key: _decoded(value) for key, value in page})
        except rados.ObjectNotFound:
            return {}
        except (rados.Error, ValueError, TypeError) as error:
            raise explain(error, f"Reading the leases in {self.pool}/{OBJECT}", _CAP) from error
        return leases

    def _page(self, after: str) -> list[tuple[str, bytes]]:
        """The entries whose key follows ``after``, as many as the OSD hands out at once (osd_max_omap_entries_per_request, 1024)."""
        with rados.ReadOpCtx() as operation:
            entries, _status = self._ioctx.get_omap_vals(operation, after, "", _PAGE)
            self._ioctx.operate_read_op(operation, OBJECT)
            return list(entries)

    def record(self, leases: t.Sequence[Lease]) -> None:
        """Writes leases, over those of the same address. Raises ClusterError."""
        keys = tuple(lease.address for lease in leases)
        values = tuple(json.dumps(asdict(lease)).encode() for lease in leases)
        with self._failing("Recording leases"), rados.WriteOpCtx() as operation:
            self._ioctx.set_omap(operation, keys, values)
            self._ioctx.operate_write_op(operation, OBJECT)

    def drop(self, addresses: t.Sequence[str]) -> None:
        """Removes the leases of these addresses. Raises ClusterError."""
        with self._failing("Dropping leases"), rados.WriteOpCtx() as operation:
            self._ioctx.remove_omap_keys(operation, tuple(addresses))
            self._ioctx.operate_write_op(operation, OBJECT)

    def close(self, cookie: str) -> None:
        """Gives the lock back, and the object with it when no lease is left. A lock that cannot be given back now ends by itself."""
        with contextlib.suppress(rados.Error, ClusterError):
            if not self.read():
                self._ioctx.remove_object(OBJECT)
        with contextlib.suppress(rados.Error):
            self._ioctx.unlock(OBJECT, _LOCK, cookie)

    @contextlib.contextmanager
    def _failing(self, what: str) -> t.Iterator[None]:
        try:
            yield
        except rados.Error as error:
            raise explain(error, f"{what} in {self.pool}/{OBJECT}", _CAP) from error


def _decoded(value: bytes) -> Lease:
    fields = json.loads(value)
    return Lease(**{**fields, "images": tuple(fields.get("images", ()))})


def read(cluster: Cluster, pool: str) -> dict[str, Lease]:
    """The leases of a pool, as ``looked_at``. Raises ClusterError."""
    with looked_at(cluster, pool) as book:
        return book.read()


@contextlib.contextmanager
def looked_at(cluster: Cluster, pool: str) -> t.Iterator[LeaseBook]:
    """The leases of a pool, without the lock: for looking, not for acting. Raises ClusterError."""
    with cluster.open_pool(pool) as ioctx:
        yield LeaseBook(ioctx, pool)


@contextlib.contextmanager
def opened(cluster: Cluster, pool: str) -> t.Iterator[LeaseBook]:
    """The leases of a pool, under the lock. Raises ClusterError when another run holds it for longer than a killed one could."""
    cookie = uuid.uuid4().hex
    with cluster.open_pool(pool) as ioctx:
        _lock(ioctx, pool, cookie, cluster.connection.timeout)
        book = LeaseBook(ioctx, pool)
        try:
            yield book
        finally:
            book.close(cookie)


def _lock(ioctx: t.Any, pool: str, cookie: str, timeout_s: int) -> None:
    # Longer than a killed holder's lock lasts, so that the run after it goes on by itself.
    expires_after_s = max(_LOCK_AT_LEAST_S, _LOCK_TIMEOUTS * timeout_s)
    give_up = time.monotonic() + expires_after_s + timeout_s
    while True:
        try:
            ioctx.lock_exclusive(OBJECT, _LOCK, cookie, "cephops.iscsi_rescue", expires_after_s)
            return
        except (rados.ObjectBusy, rados.ObjectExists) as error:
            if time.monotonic() > give_up:
                raise ClusterError(
                    f"Another run holds the lock on {pool}/{OBJECT} (see 'rados -p {pool} lock info {OBJECT} {_LOCK}'): "
                    "wait for it to end, then run this again."
                ) from error
            time.sleep(_RETRY_S)
        except rados.Error as error:
            raise explain(error, f"Locking the leases in {pool}/{OBJECT}", _CAP) from error

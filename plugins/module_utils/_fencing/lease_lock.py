# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the RADOS lock under which leases are read and changed. The lock is on the object that holds them."""

from __future__ import annotations

import time
import typing as t
import uuid

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import explain, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

OBJECT = "cephops_iscsi_rescue.leases"
CAP = f"the osd cap 'allow rwx object_prefix {OBJECT}'"
NAME = "leases"
_RETRY_S = 0.2
# Between two renewals, a holder does at most five operations, usually in milliseconds, each with the connection's timeout.
_LOCK_TIMEOUTS = 6
_LOCK_AT_LEAST_S = 60
# How long a holder is allowed to do something else between two changes of the leases.
LONGEST_BETWEEN_S = 120
# LIBRADOS_LOCK_FLAG_MUST_RENEW in Ceph's rados/librados.h.
_MUST_RENEW = 2


class LeaseLock:
    """Holds the RADOS lock on the object. After each renewal it lasts longer than the operations until the next renewal can take."""

    def __init__(self, ioctx: t.Any, pool: str, timeout_s: int, between_s: int = 0) -> None:
        self._ioctx, self._pool, self._timeout_s = ioctx, pool, timeout_s
        self._cookie = uuid.uuid4().hex
        self._renewed = 0.0
        self._lasts_s = max(_LOCK_AT_LEAST_S, _LOCK_TIMEOUTS * timeout_s) + between_s

    def take(self) -> None:
        """Waits longer than the lock of a killed holder lasts, so that the next run proceeds. Raises ClusterError."""
        give_up = time.monotonic() + self._lasts_s + LONGEST_BETWEEN_S + self._timeout_s
        while True:
            try:
                return self._locked(0)
            except (rados.ObjectBusy, rados.ObjectExists) as error:
                if time.monotonic() > give_up:
                    raise ClusterError(
                        f"Another run holds the lock on {self._pool}/{OBJECT} (see 'rados -p {self._pool} lock info {OBJECT} {NAME}'): "
                        "wait for its end, then rerun."
                    ) from error
                time.sleep(_RETRY_S)
            except rados.Error as error:
                raise explain(error, f"Locking the leases in {self._pool}/{OBJECT}", CAP) from error

    def renew(self) -> None:
        """Raises ClusterError if the lock expired meanwhile: what was read under it might be out of date."""
        try:
            self._locked(_MUST_RENEW)
        except (rados.ObjectBusy, rados.ObjectExists, rados.ObjectNotFound) as error:
            raise ClusterError(f"The lock on {self._pool}/{OBJECT} expired before this run finished, since the cluster is slow: rerun.") from error

    def require(self) -> None:
        """Raises ClusterError if the lock expired, as on a slow cluster."""
        if time.monotonic() - self._renewed >= self._lasts_s:
            raise ClusterError(f"The lock on {self._pool}/{OBJECT} expired before this run finished, since the cluster is slow: rerun.")

    def give_back(self) -> None:
        """Releases the lock. Raises rados.Error."""
        self._ioctx.unlock(OBJECT, NAME, self._cookie)

    def _locked(self, flags: int) -> None:
        asked = time.monotonic()
        self._ioctx.lock_exclusive(OBJECT, NAME, self._cookie, "cephops.iscsi_rescue", self._lasts_s, flags)
        self._renewed = asked

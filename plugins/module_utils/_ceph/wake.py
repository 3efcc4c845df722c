# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes OSDs load objects into memory: they list the watches of an object only while they have it there."""

from __future__ import annotations

import errno
import os
import threading
import typing as t
from collections import Counter, defaultdict

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count

# Measured: 20,000 objects took 0.7 s with so many pending, and 1.0 s with 200.
_UNDER_WAY = 2000
# After so many timeouts the rest of the pool is given up.
_MISSES = 8


def headers(cluster: Cluster, asleep: t.Iterable[HeaderObject]) -> tuple[int, list[str]]:
    """Asks for the size of each header. Returns how many could not be read, and why; a missing header counts as read.

    An OSD that loads a header gives its watchers ``osd_client_watch_timeout`` (30 s) to come back, as when any client opens the image; then it drops them.
    """
    pools: dict[tuple[str, str], list[str]] = defaultdict(list)
    for header in asleep:
        pools[header.pool, header.namespace].append(header.name)
    failed: Counter[int] = Counter()
    for (pool, namespace), names in pools.items():
        with cluster.open_pool(pool, namespace) as ioctx:
            failed.update(_stat(ioctx, names))
    failed.pop(errno.ENOENT, None)
    return sum(failed.values()), [reasons.HEADERS_UNREAD.format(what=count(number, "header"), reason=os.strerror(code)) for code, number in failed.items()]


def _stat(ioctx: t.Any, names: t.Sequence[str]) -> Counter[int]:
    """Returns how many failed with each errno. Each read ends by the deadline of OSD operations."""
    failed: Counter[int] = Counter()
    room = threading.Semaphore(_UNDER_WAY)

    def ended(completion: t.Any, size: int | None, _modified: t.Any) -> None:
        if size is None:
            failed[-completion.get_return_value()] += 1
        room.release()

    under_way: list[t.Any] = []
    for name in names:
        room.acquire()
        if failed[errno.ETIMEDOUT] >= _MISSES:
            failed[errno.ETIMEDOUT] += len(names) - len(under_way)
            break
        under_way.append(ioctx.aio_stat(name, ended))
    for completion in under_way:
        completion.wait_for_complete_and_cb()
    return failed

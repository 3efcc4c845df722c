# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads RBD images and their watchers, one by one, without becoming a watcher."""

from __future__ import annotations

import errno
import re
import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, explain, rbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, FencedError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage, Watcher

_CAP = "the osd cap 'allow r class-read' on rbd_id., rbd_header. and rbd_info"
# How librbd names the lock of the exclusive-lock feature (WATCHER_LOCK_COOKIE_PREFIX in Ceph's src/librbd/managed_lock/Utils.cc).
_AUTOMATIC_LOCK = re.compile(r"auto (\d+)")
_CLIENT = re.compile(r"client\.(\d+)")

# Measured: 2.2 ms an image with 8 threads, and the same with 32.
_THREADS = 8
# Each costs the connection's timeout, and so would most other images of the pool.
_MISSES_A_POOL = 8


def find(cluster: Cluster, spec: str) -> Image:
    """Returns the image that ``pool/[namespace/]image`` names. Raises InputError when there is none."""
    pool, namespace, name = split_spec(spec)
    with cluster.open_pool(pool, namespace) as ioctx:
        try:
            with rbd.Image(ioctx, name=name, read_only=True) as image:
                return Image(pool, namespace, name, "" if image.old_format() else image.id())
        except rbd.ImageNotFound as error:
            raise InputError(f"There is no image '{spec}': see 'rbd ls {pool}'.") from error
        except rbd.Error as error:
            raise explain(error, f"Opening image '{spec}'", _CAP) from error


def split_spec(spec: str) -> tuple[str, str, str]:
    """Returns pool, namespace (can be empty) and image name. Raises InputError."""
    parts = spec.split("/")
    if len(parts) not in (2, 3) or not all(parts):
        raise InputError(f"'{spec}' does not name an image: give pool/image or pool/namespace/image.")
    return parts[0], parts[1] if len(parts) == 3 else "", parts[-1]


def of(cluster: Cluster, image: Image, with_lock: bool = False) -> WatchedImage | None:
    """Returns the image with its watchers; None if it was removed meanwhile. Raises ClusterError.

    ``with_lock``: whether to read the owner of the exclusive lock even if the image has only one watcher.
    """
    with cluster.open_pool(image.pool, image.namespace) as ioctx:
        try:
            selector = {"image_id": image.id} if image.id else {"name": image.name}
            with rbd.Image(ioctx, read_only=True, **selector) as opened:
                watchers = tuple(Watcher(address.normal(found["addr"]), found["id"], found["cookie"]) for found in opened.watchers_list())
                owner = _lock_owner(opened.list_lockers()) if with_lock or len(watchers) > 1 else None
        except rbd.ImageNotFound:
            return None
        except rbd.Error as error:
            raise explain(error, f"Reading the watchers of image '{image.spec}'", _CAP) from error
    return WatchedImage(image, watchers, owner)


def of_all(cluster: Cluster, selected: t.Iterable[Image], with_lock: bool = False) -> list[WatchedImage]:
    """Returns the same for many images, in their order; removed images are left out, unreadable ones are ``unseen``."""
    return _all(lambda image: of(cluster, image, with_lock), selected, lambda image: image)


def of_named(cluster: Cluster, specs: t.Iterable[str], missing_ok: bool = False) -> list[WatchedImage]:
    """Returns the same for the images that specs name, with their locks. A missing image raises InputError, or is left out."""

    def read(spec: str) -> WatchedImage | None:
        try:
            return of(cluster, find(cluster, spec), with_lock=True)
        except InputError:
            if missing_ok:
                return None
            raise

    return _all(read, dict.fromkeys(specs), lambda spec: Image(*split_spec(spec), id=""))


def _all(read: t.Callable[[t.Any], WatchedImage | None], wanted: t.Iterable[t.Any], image_of: t.Callable[[t.Any], Image]) -> list[WatchedImage]:
    """Reads with threads. A pool with several timeouts is given up, so that the look ends."""
    misses: Counter[str] = Counter()

    def patiently(one: t.Any) -> WatchedImage | None:
        image = image_of(one)
        if misses[image.pool] >= _MISSES_A_POOL:
            return WatchedImage(image, (), unseen=reasons.SKIPPED.format(n=_MISSES_A_POOL, pool=image.pool))
        try:
            return read(one)
        except ClusterError as error:
            misses[image.pool] += error.code == errno.ETIMEDOUT
            return WatchedImage(image, (), unseen=str(error))
        except (InputError, FencedError):
            raise
        except Exception as error:
            # One odd image does not stop the look at other images.
            return WatchedImage(image, (), unseen=reasons.READ_FAILED.format(reason=f"{error!r:.200}"))

    return [watched for watched in at_once(patiently, wanted, _THREADS) if watched is not None]


def _lock_owner(lockers: t.Any) -> Watcher | None:
    """Returns the automatic exclusive lock's owner; ``lockers`` is what ``rbd.Image.list_lockers()`` gives. A lock by ``rbd lock add`` has another cookie."""
    for client, cookie, where in lockers["lockers"] if lockers else []:
        automatic, owner = _AUTOMATIC_LOCK.fullmatch(cookie), _CLIENT.fullmatch(client)
        if automatic and owner:
            return Watcher(address.normal(where), int(owner[1]), int(automatic[1]))
    return None

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who watches which image: the images to look at, and their watchers."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import pools as pool_list
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import images
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage

# Measured: 2.2 ms an image with 8 threads, and no better with 32.
_THREADS = 8


def select(cluster: Cluster, pools: t.Sequence[str], specs: t.Sequence[str]) -> list[Image]:
    """The images named by ``specs`` and those in ``pools``; with neither, all images of all RBD pools. Raises RescueError."""
    named = [images.find(cluster, spec) for spec in specs]
    if not pools and not specs:
        pools = pool_list.read(cluster).tagged
    listed = [image for pool in pools for image in images.list_pool(cluster, pool)]
    return list(dict.fromkeys([*named, *listed]))


def watch_all(cluster: Cluster, selected: t.Sequence[Image]) -> list[WatchedImage]:
    """The watchers of each image, in the same order; images that went away meanwhile are left out. Raises ClusterError at the first that does not answer."""
    with ThreadPoolExecutor(_THREADS) as readers:
        seen = readers.map(lambda image: images.watch(cluster, image), selected)
        try:
            return [watched for watched in seen if watched is not None]
        except RescueError:
            readers.shutdown(wait=False, cancel_futures=True)
            raise


def elsewhere(cluster: Cluster, known: t.Sequence[WatchedImage]) -> tuple[list[WatchedImage], list[str]]:
    """The watched images of all pools that are not ``known`` yet, and why any RBD pool could not be looked at.

    A pool that is not tagged for RBD may hold images, too; one of those that cannot be read most likely holds none.
    """
    found: list[WatchedImage] = []
    gaps: list[str] = []
    seen = {watched.image for watched in known}
    there = pool_list.read(cluster)
    for pool in there.every:
        try:
            rest = [image for image in images.list_pool(cluster, pool) if image not in seen]
            found += watch_all(cluster, rest)
        except RescueError as error:
            gaps += [str(error)] if pool in there.tagged else []
    return found, gaps

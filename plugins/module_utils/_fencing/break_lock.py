# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Breaks the exclusive lock that a fenced client left on an image which it does not watch any more."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, exclusive_lock, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection, explain, rbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import image_watchers
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import WatchedImage, Watcher


@dataclass(frozen=True)
class Broken:
    """Says which locks were broken. ``broken``: images; ``kept``: image -> why its lock stays. An image with a new lock owner is in neither."""

    broken: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)


def apply(options: t.Mapping[str, t.Any], dry_run: bool) -> Broken:
    """Does what the options of rbd_lock ask for; with ``dry_run`` only says what it would do. Raises RescueError."""
    wanted = {one["image"]: str(address.parse(one["owner"])) for one in options["locks"]}
    with Cluster(Connection.from_options(options)) as cluster:
        there = image_watchers.of_named(cluster, wanted, missing_ok=True)
        held = [one for one in there if one.unseen or (one.lock_owner and one.lock_owner.address == wanted[one.image.spec])]
        seen, listed = sessions.read(cluster), blocklist.read(cluster).entries
        kept = {one.image.spec: why for one in held if (why := why_kept(one, seen, None if dry_run else listed))}
        refused = {} if dry_run else {one.image.spec: why for one in held if one.image.spec not in kept and (why := _refused(cluster, one))}
    kept = {**kept, **refused}
    return Broken([one.image.spec for one in held if one.image.spec not in kept], kept)


def _refused(cluster: Cluster, one: WatchedImage) -> str:
    """Breaks the lock; returns why that failed, '' if it is broken. Locks that were broken before stay broken."""
    try:
        _break(cluster, one)
    except ClusterError as error:
        return str(error)
    return ""


def why_kept(one: WatchedImage, seen: Sessions, listed: t.Collection[str] | None) -> str:
    """Returns why a lock must stay, '' if it can go. ``listed``: the addresses on the blocklist, None if that does not matter yet."""
    if one.unseen or not one.lock_owner:
        return reasons.LOCK_UNREAD.format(reason=one.unseen)
    owner = one.lock_owner
    if owner.client_id in [watcher.client_id for watcher in one.watchers]:
        return reasons.OWNER_WATCHES.format(address=owner.address)
    if not seen.missing(owner.address, owner.client_id):
        return reasons.OWNER_LIVES.format(address=owner.address, reason=seen.gap or reasons.OWNER_HAS_SESSION)
    if listed is not None and owner.address not in listed:
        return reasons.OWNER_NOT_FENCED.format(address=owner.address)
    return ""


def _break(cluster: Cluster, one: WatchedImage) -> None:
    """Breaks the lock of a fenced owner. If the owner is not fenced, Ceph fences it for an hour (``librbd::break_lock``, measured on 16.2.15)."""
    image, owner = one.image, t.cast(Watcher, one.lock_owner)
    with cluster.open_pool(image.pool, image.namespace) as ioctx:
        try:
            # To open an image read-only takes no lock and leaves no watch.
            with rbd.Image(ioctx, image_id=image.id, read_only=True) as opened:
                opened.break_lock(f"client.{owner.client_id}", f"auto {owner.cookie}")
        except rbd.ImageNotFound:
            return
        except rbd.Error as error:
            raise explain(error, f"Breaking the lock of {image.spec}", exclusive_lock.CAP) from error

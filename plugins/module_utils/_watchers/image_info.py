# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what an image is, and what Ceph itself does with it, without becoming a watcher. Reports what this user is not allowed to read."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection, explain, rados, rbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import name_of
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import trash
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.image_watchers import split_spec

# RBD_FEATURE_* in Ceph's src/include/rbd/features.h.
_FEATURES = {
    1 << 0: "layering",
    1 << 1: "striping",
    1 << 2: "exclusive-lock",
    1 << 3: "object-map",
    1 << 4: "fast-diff",
    1 << 5: "deep-flatten",
    1 << 6: "journaling",
    1 << 7: "data-pool",
    1 << 8: "operations",
    1 << 9: "migrating",
    1 << 10: "non-primary",
    1 << 11: "dirty-cache",
}
_ENABLED, _IN_TRASH = 1, 2
_ABSENT: dict[str, t.Any] = {
    "exists": False,
    "id": "",
    "header": "",
    "size": 0,
    "features": [],
    "snapshots": [],
    "children": [],
    "group": "",
    "lockers": [],
    "mirroring": {},
    "migration": {},
    "hidden": [],
}


def read(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns the values that RETURN of rbd_image_info describes. Raises RescueError."""
    pool, namespace, name = split_spec(options["image"])
    with Cluster(Connection.from_options(options)) as cluster, cluster.open_pool(pool, namespace) as ioctx:
        found = _image(ioctx, options["image"], name)
        return {**found, **_dropped(ioctx, options["image"], name, found)}


def _image(ioctx: t.Any, spec: str, name: str) -> dict[str, t.Any]:
    try:
        with rbd.Image(ioctx, name=name, read_only=True) as image:
            return {**_ABSENT, **_facts(image, ioctx, name)}
    except rbd.ImageNotFound:
        return dict(_ABSENT)
    except rbd.Error as error:
        raise explain(error, f"Opening image '{spec}'", "the osd cap 'allow r class-read' on rbd_id., rbd_header. and rbd_info") from error


def _facts(image: t.Any, ioctx: t.Any, name: str) -> dict[str, t.Any]:
    hidden: list[str] = []
    image_id, features = "" if image.old_format() else image.id(), image.features()

    def visible(what: str, look: t.Callable[[], t.Any], otherwise: t.Any) -> t.Any:
        try:
            return look()
        except rbd.Error as error:
            hidden.append(f"{what} could not be read: {explain(error, 'That', 'a cap that the image tier of ceph_user.yml lacks')}")
            return otherwise

    migrating = bool(features & 1 << 9)
    return {
        "exists": True,
        "id": image_id,
        "header": name_of(image_id, name),
        "size": image.size(),
        "features": [word for bit, word in _FEATURES.items() if features & bit],
        "snapshots": visible("snapshots", lambda: [_snapshot(image, one) for one in image.list_snaps()], []),
        "children": visible("clones", lambda: [_child(one) for one in image.list_descendants()], []),
        "group": visible("the group", lambda: image.group()["name"], ""),
        "lockers": visible("the lock", lambda: _lockers(image.list_lockers()), []),
        "mirroring": visible("mirroring", lambda: _mirroring(image.mirror_image_get_info()), {}),
        "migration": visible("the migration", lambda: _migration(rbd.RBD().migration_status(ioctx, name)), {}) if migrating else {},
        "hidden": hidden,
    }


def _snapshot(image: t.Any, one: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns a snapshot. One in the trash of snapshots is pending until its clones are gone."""
    pending = one.get("namespace", 0) == _IN_TRASH
    name = one["trash"]["original_name"] if pending else one["name"]
    return {"name": name, "pending": pending, "protected": False if one.get("namespace", 0) else bool(image.is_protected_snap(one["name"]))}


def _child(one: t.Mapping[str, t.Any]) -> str:
    return "/".join(filter(None, (one["pool"], one["pool_namespace"], one["image"]))) + (" in the trash" if one["trash"] else "")


def _lockers(found: t.Any) -> list[dict[str, str]]:
    return [{"client": client, "cookie": cookie, "address": address.normal(where)} for client, cookie, where in (found["lockers"] if found else [])]


def _mirroring(info: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {"primary": bool(info["primary"])} if info["state"] == _ENABLED else {}


def _migration(status: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {"source": status["source_image_name"], "destination": status["dest_image_name"]}


def _dropped(ioctx: t.Any, spec: str, name: str, found: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns the entries of the trash that have the image's name."""
    try:
        entries = [(image_id, one) for image_id, one in trash.read(ioctx).items() if one.name == name]
    except rados.Error as error:
        return {"trash": [], "hidden": [*found["hidden"], str(explain(error, f"Reading the trash of {spec}'s pool", "the osd cap for rbd_trash"))]}
    return {"trash": [{"id": image_id, "migrates": one.migrates} for image_id, one in entries]}

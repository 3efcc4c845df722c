# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of RBD images, made fast: librbd makes the first, librados copies its header for all others.

The images are true ones (format 2, layering and exclusive-lock, 64 MiB) without data.
"""

from __future__ import annotations

import struct
import typing as t
from collections import deque
from contextlib import contextmanager

import rados
import rbd

SIZE = 64 << 20
FEATURES = rbd.RBD_FEATURE_LAYERING | rbd.RBD_FEATURE_EXCLUSIVE_LOCK
_IN_FLIGHT = 512
_PAGE = 1000

Omap = dict[str, bytes]


def name_of(number: int) -> str:
    return f"img-{number:06d}"


def make(cluster_conf: str, pool: str, first: int, count: int, namespace: str = "") -> None:
    """Makes images number ``first`` to ``first + count - 1`` (at least one) in a pool that is there; makes the namespace, too."""
    with rados.Rados(conffile=cluster_conf) as cluster, cluster.open_ioctx(pool) as ioctx:
        if namespace and not rbd.RBD().namespace_exists(ioctx, namespace):
            rbd.RBD().namespace_create(ioctx, namespace)
        ioctx.set_namespace(namespace)
        header = _template(ioctx, name_of(first))
        # As librbd makes an id: the client's own id, and a number that this client gives once.
        ids = {name_of(number): f"{cluster.get_instance_id():x}{number:08x}" for number in range(first + 1, first + count)}
        _wait_for(_writes(ioctx, header, ids))
        _list(ioctx, ids)


def read_ids(ioctx: t.Any) -> dict[str, str]:
    """Image name -> id of a pool's namespace, by name, read from ``rbd_directory`` itself."""
    prefix, found, last = "name_", {}, ""
    while page := _read_omap(ioctx, "rbd_directory", last, prefix):
        found.update({key[len(prefix) :]: value[4:].decode() for key, value in page.items()})
        last = max(page)
    return dict(sorted(found.items()))


def _template(ioctx: t.Any, name: str) -> Omap:
    rbd.RBD().create(ioctx, name, SIZE, old_format=False, features=FEATURES)
    with rbd.Image(ioctx, name, read_only=True) as image:
        return _read_omap(ioctx, f"rbd_header.{image.id()}")


def _read_omap(ioctx: t.Any, name: str, after: str = "", prefix: str = "") -> Omap:
    with rados.ReadOpCtx() as operation:
        entries, _code = ioctx.get_omap_vals(operation, after, prefix, _PAGE)
        ioctx.operate_read_op(operation, name)
        return dict(entries)


def _writes(ioctx: t.Any, header: Omap, ids: t.Mapping[str, str]) -> t.Iterator[t.Any]:
    for name, image_id in ids.items():
        with _new_object() as operation:
            operation.write_full(_string(image_id))
            yield ioctx.operate_aio_write_op(operation, f"rbd_id.{name}")
        with _new_object() as operation:
            _set(ioctx, operation, {**header, "object_prefix": _string(f"rbd_data.{image_id}")})
            yield ioctx.operate_aio_write_op(operation, f"rbd_header.{image_id}")


@contextmanager
def _new_object() -> t.Iterator[t.Any]:
    with rados.WriteOpCtx() as operation:
        operation.new(rados.LIBRADOS_CREATE_EXCLUSIVE)
        yield operation


def _list(ioctx: t.Any, ids: t.Mapping[str, str]) -> None:
    """Enters the images into the directory; this comes last, so that every listing finds them whole."""
    pairs = list(ids.items())
    for start in range(0, len(pairs), _PAGE):
        page = pairs[start : start + _PAGE]
        with rados.WriteOpCtx() as operation:
            _set(ioctx, operation, {f"name_{name}": _string(image_id) for name, image_id in page})
            _set(ioctx, operation, {f"id_{image_id}": _string(name) for name, image_id in page})
            ioctx.operate_write_op(operation, "rbd_directory")


def _set(ioctx: t.Any, operation: t.Any, entries: Omap) -> None:
    ioctx.set_omap(operation, tuple(entries), tuple(entries.values()))


def _string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


def _wait_for(completions: t.Iterable[t.Any]) -> None:
    """Takes the next write only when one of ``_IN_FLIGHT`` is done. Raises for one that failed."""
    under_way: deque[t.Any] = deque()
    for completion in completions:
        under_way.append(completion)
        if len(under_way) >= _IN_FLIGHT:
            _check(under_way.popleft())
    for completion in under_way:
        _check(completion)


def _check(completion: t.Any) -> None:
    completion.wait_for_complete_and_cb()
    code = completion.get_return_value()
    if code < 0:
        raise OSError(-code, "a write to the fleet failed")

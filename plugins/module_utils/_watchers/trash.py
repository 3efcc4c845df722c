# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the trash of a pool, by the class method that librbd itself calls: ``trash_list`` of cls_rbd in Ceph's src/cls/rbd.

python3-rbd's own iterator raises IndexError at an entry that ``rbd migration prepare`` made (measured with 16.2.15).
"""

from __future__ import annotations

import struct
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

_OBJECT = "rbd_trash"
_PAGE = 64
_PAGE_BYTES = 1 << 20
# cls::rbd::TrashImageSource.
_MIGRATION = 2


class Dropped(t.NamedTuple):
    """Holds an entry: the image's name, and whether it is the source of a migration."""

    name: str
    migrates: bool


def read(ioctx: t.Any) -> dict[str, Dropped]:
    """Returns image id -> entry, of the namespace that is set. Raises rados.Error and ClusterError."""
    found: dict[str, Dropped] = {}
    while True:
        page = _page(ioctx, max(found, default=""))
        found.update(page)
        if len(page) < _PAGE:
            return found


def _page(ioctx: t.Any, after: str) -> dict[str, Dropped]:
    text = after.encode()
    asked = struct.pack("<I", len(text)) + text + struct.pack("<Q", _PAGE)
    try:
        _code, answer = ioctx.execute(_OBJECT, "rbd", "trash_list", asked, _PAGE_BYTES)
    except rados.ObjectNotFound:
        return {}
    return decode(answer)


def decode(answer: bytes) -> dict[str, Dropped]:
    """Decodes the answer of ``trash_list``: u32 n; n x (string id, TrashImageSpec), little-endian. Raises ClusterError when cut short."""
    try:
        return _entries(answer)
    except (struct.error, IndexError) as error:
        raise ClusterError(f"The list of a trash, of {len(answer)} bytes, is cut short: rerun.") from error


def _entries(answer: bytes) -> dict[str, Dropped]:
    (count,) = struct.unpack_from("<I", answer, 0)
    found, offset = {}, 4
    for _number in range(count):
        image_id, offset = _text(answer, offset)
        # A version, the oldest that can read it, and the length of what follows: source, name, and more that is not needed.
        _version, _compat, length = struct.unpack_from("<BBI", answer, offset)
        name, _end = _text(answer, offset + 7)
        found[image_id] = Dropped(name, answer[offset + 6] == _MIGRATION)
        offset += 6 + length
    return found


def _text(data: bytes, offset: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, offset)
    end = offset + 4 + length
    if end > len(data):
        raise IndexError(end)
    return data[offset + 4 : end].decode(errors="replace"), end

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names the header objects of RBD images, which every client that has the image open watches, and reads such names.

Format 2: ``rbd_header.ID``. Format 1, which has no id: ``NAME.rbd`` (``header_name`` and ``old_header_name`` in Ceph's src/librbd/Utils.cc).
"""

from __future__ import annotations

import typing as t

_PREFIX = "rbd_header."
_OLD_SUFFIX = ".rbd"


class HeaderObject(t.NamedTuple):
    """Says where an image's header lives."""

    pool: str
    namespace: str
    name: str


def name_of(image_id: str, image_name: str) -> str:
    """Returns the name of the image's header; ``image_id`` is empty for format 1."""
    return f"{_PREFIX}{image_id}" if image_id else f"{image_name}{_OLD_SUFFIX}"


def is_header(name: str) -> bool:
    """Returns whether an object of this name can be a header."""
    return name.startswith(_PREFIX) or name.endswith(_OLD_SUFFIX)


def read(name: str) -> tuple[str, str]:
    """Returns the id of a format-2 image and the name of a format-1 image that the header can belong to, '' for none.

    A name can be of both: the image ``rbd_header.1`` of format 1 has the header ``rbd_header.1.rbd``.
    """
    image_id = name[len(_PREFIX) :] if name.startswith(_PREFIX) else ""
    return image_id, name[: -len(_OLD_SUFFIX)] if name.endswith(_OLD_SUFFIX) else ""

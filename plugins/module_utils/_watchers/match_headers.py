# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins what OSDs and image directories say into watched images. Pure."""

from __future__ import annotations

import typing as t
from collections import defaultdict
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import header_object
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory_and_trash import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.osd_sweep import Sweep
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import some


@dataclass(frozen=True)
class Matched:
    """Holds a sweep's headers by their images. ``ambiguous``: all images that one header might belong to."""

    certain: list[WatchedImage] = field(default_factory=list)
    ambiguous: list[Image] = field(default_factory=list)
    strays: list[WatchedImage] = field(default_factory=list)


def to_images(swept: Sweep, directories: t.Iterable[Directory], clients: t.Collection[str] | None = None) -> Matched:
    """Finds the image of each header, or only of those that one of ``clients`` watches."""
    places: dict[str, list[Directory]] = defaultdict(list)
    for place in directories:
        places[place.namespace].append(place)
    matched = Matched()
    for (namespace, header), watchers in swept.headers.items():
        if clients is not None and not any(watcher.address in clients for watcher in watchers):
            continue
        found = [image for place in places[namespace] if (image := place.find(header))]
        if len(found) == 1:
            matched.certain.append(WatchedImage(found[0], tuple(watchers)))
        elif found:
            matched.ambiguous.extend(found)
        else:
            matched.strays.append(WatchedImage(stray(namespace, header), tuple(watchers)))
    return matched


def stray(namespace: str, header: str, pool: str = "") -> Image:
    """Returns what stands for a header that no directory knows."""
    found, old_name = header_object.read(header)
    return Image(pool, namespace, "" if found else old_name, found, "stray")


def in_words(unseen: t.Iterable[WatchedImage]) -> list[str]:
    """Returns one line for each reason, with the images that could not be read."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in unseen:
        found[one.unseen.replace(f" of image '{one.image.spec}'", "")].append(one.image.spec)
    return [reasons.IMAGES_UNREAD.format(image=some(specs), reason=reason) for reason, specs in found.items()]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who watches what: the selected images, and where else in the cluster a client watches."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import pools as pool_list
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import directory, images, sweep
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.expected import Expected
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.join import in_words, join, stray
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.sweep import Sweep


@dataclass(frozen=True)
class Seen:
    """``watched``: the images that are watched, named or could not be read. ``total``: how many images were selected.

    ``unseen``: how many of them nothing is known of, and ``incomplete`` why. ``strays``: watched headers of no image.
    """

    watched: list[WatchedImage]
    total: int
    unseen: int = 0
    incomplete: tuple[str, ...] = ()
    strays: tuple[WatchedImage, ...] = ()


class Survey:
    """One look at a cluster. ``way``: ``sweep`` or ``image``; ``why``: what decided it."""

    def __init__(self, cluster: Cluster, wanted: str, whole: bool) -> None:
        """``wanted``: ``sweep``, ``image`` or ``auto``; ``whole``: whether whole pools are looked at. Raises ClusterError when a wanted sweep is refused."""
        self._cluster = cluster
        self._map = cluster.command("osd dump")
        self._read_pools: dict[str, tuple[list[Directory], str]] = {}
        self._inactive: placement.Inactive | None = None
        self.pools = pool_list.parse(self._map)
        self.swept: Sweep | None = None
        self.way, self.why = "image", "asked for"
        if wanted == "auto" and not whole:
            self.why = "only named images are looked at"
        elif wanted != "image":
            self._sweep(wanted == "sweep")

    def _sweep(self, insist: bool) -> None:
        up = [osd["osd"] for osd in self._map["osds"] if osd["up"]]
        try:
            self.swept = sweep.ask(self._cluster, up)
            self.way, self.why = "sweep", f"{len(up)} OSDs could be asked for all their watchers at once"
        except sweep.Refused as error:
            if insist:
                raise
            self.why = f"the OSDs do not list their watchers to this user: {error}"

    def inactive(self) -> placement.Inactive:
        """The placement groups that are not active; asked for once."""
        if self._inactive is None:
            self._inactive = placement.inactive(self._cluster)
        return self._inactive

    def look(self, specs: t.Sequence[str], pools: t.Sequence[str], expected: Expected) -> Seen:
        """The images that ``specs`` name and those in ``pools``. Raises RescueError for one that is not there."""
        named = images.watch_named(self._cluster, specs)
        seen = self._look_at_pools(pools, expected) if pools else Seen([], 0)
        known = {watched.image for watched in named}
        rest = [watched for watched in seen.watched if watched.image not in known]
        unseen = [watched for watched in named if watched.unseen]
        total = seen.total + sum(image.image.pool not in pools for image in named)
        return Seen([*named, *rest], total, seen.unseen + len(unseen), (*in_words(unseen), *seen.incomplete), seen.strays)

    def _look_at_pools(self, pools: t.Sequence[str], expected: Expected) -> Seen:
        directories, gaps = self._read(pools)
        if self.swept is None:
            watched = images.watch_all(self._cluster, (image for place in directories for image in place.images()))
            unseen = [one for one in watched if one.unseen]
            seen = [one for one in watched if one.watchers]
            return Seen(seen, len(watched), len(unseen), (*gaps, *in_words(unseen)))
        joined = join(self.swept, directories)
        doubtful = [one.image for one in joined.certain if one.image.place == "image" and len(one.watchers) > expected.of(one.image.spec)]
        doubtful += [image for image in joined.ambiguous if image.place == "image"]
        watched = images.watch_all(self._cluster, doubtful)
        doubted = set(doubtful)
        watched += [one for one in joined.certain if one.image.place == "image" and one.image not in doubted]
        unseen, total = [one for one in watched if one.unseen], sum(map(len, directories))
        gaps = [*gaps, *self.swept.gaps, *self._sick_groups(pools)]
        blind = total - len(watched) if self.swept.gaps or self._sick_groups(pools) else 0
        whole = set(self.pools.tagged) <= set(pools)
        strays = tuple(self._strays(joined.strays)) if whole else ()
        return Seen([one for one in watched if one.watchers], total, len(unseen) + blind, (*gaps, *in_words(unseen)), strays)

    def _read(self, pools: t.Sequence[str]) -> tuple[list[Directory], list[str]]:
        """Directories, each pool read once; and why those that cannot be read cannot."""
        missing = [pool for pool in pools if pool not in self._read_pools]
        self._read_pools.update(zip(missing, directory.read_pools(self._cluster, missing)))
        found = [self._read_pools[pool] for pool in pools]
        return [place for places, _gap in found for place in places], [gap for _places, gap in found if gap]

    def _sick_groups(self, pools: t.Sequence[str]) -> list[str]:
        """Why headers in these pools may be out of sight although every OSD that is up answered."""
        sick = self.inactive()
        numbers = {self.pools.numbers[pool]: pool for pool in pools if pool in self.pools.numbers}
        groups = [f"{group} is {state}" for group, state in sorted(sick.states.items()) if int(group.split(".")[0]) in numbers]
        if groups:
            return [f"what is watched in {len(groups)} inactive placement groups cannot be seen ({', '.join(groups[:3])}): see 'ceph health detail'"]
        down = [str(osd["osd"]) for osd in self._map["osds"] if osd["in"] and not osd["up"]]
        return [f"OSDs {', '.join(down)} are down, and {sick.gap}"] if down and sick.gap else []

    def _strays(self, unmatched: t.Sequence[WatchedImage]) -> list[WatchedImage]:
        """Those that no other pool's directory knows either, with the pool that holds them, where one was found."""
        if not unmatched:
            return []
        others, _gaps = self._read(self.pools.others)
        return [located for one in unmatched if not any(place.find(one.image.header) for place in others) for located in self._located(one)]

    def _located(self, found: WatchedImage) -> list[WatchedImage]:
        holds = at_once(lambda pool: self._holds(pool, found.image), self.pools.every)
        holders = [pool for pool, there in zip(self.pools.every, holds) if there] or [""]
        return [WatchedImage(stray(found.image.namespace, found.image.header, pool), found.watchers) for pool in holders]

    def _holds(self, pool: str, image: Image) -> bool:
        try:
            with self._cluster.open_pool(pool, image.namespace) as ioctx:
                ioctx.stat(image.header)
        except (rados.Error, ClusterError):
            return False
        return True

    def elsewhere(self, clients: t.Collection[str], known: t.Collection[Image]) -> tuple[list[WatchedImage], list[str]]:
        """What these clients watch in the whole cluster besides the ``known`` images, and why any of it could not be seen."""
        if self.swept is None and self.why == "only named images are looked at":
            self._sweep(False)
        directories, gaps = self._read(self.pools.tagged)
        # A pool that is not tagged for RBD may hold images, too; one of those that cannot be read most likely holds none.
        directories += self._read(self.pools.others)[0]
        if self.swept is None:
            everything = images.watch_all(self._cluster, (image for place in directories for image in place.images() if image not in known))
            gaps += in_words([one for one in everything if one.unseen])
            return [one for one in everything if _watches(one, clients)], gaps
        joined = join(self.swept, directories, clients)
        confirmed = images.watch_all(self._cluster, [image for image in joined.ambiguous if image not in known])
        gaps += [*self.swept.gaps, *in_words([one for one in confirmed if one.unseen])]
        found = [one for one in joined.certain if one.image not in known] + [one for one in confirmed if _watches(one, clients)]
        return found + [located for one in joined.strays for located in self._located(one)], gaps


def _watches(one: WatchedImage, clients: t.Collection[str]) -> bool:
    return any(watcher.address in clients for watcher in one.watchers)

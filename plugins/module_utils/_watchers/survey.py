# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Surveys the watchers of the selected images, and what else in the cluster a client watches."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement, wake
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import pools as pool_list
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import directory_and_trash, image_watchers, match_headers, osd_sweep, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.directory_and_trash import Directory
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.expected import Expected
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.match_headers import in_words, stray
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.osd_sweep import Sweep
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import some

Way = t.Literal["sweep", "image"]


@dataclass(frozen=True)
class Seen:
    """Holds what was seen. ``watched``: images with more watchers than expected, named images, and images that could not be read yet.

    ``quiet``: images with no more watchers than expected, by the OSDs. ``total``: how many images were selected.
    ``unseen``: how many of them are unknown, and ``incomplete`` why. ``strays``: watched headers of no image.
    """

    watched: list[WatchedImage]
    total: int
    quiet: t.Sequence[WatchedImage] = ()
    unseen: int = 0
    incomplete: tuple[str, ...] = ()
    strays: tuple[WatchedImage, ...] = ()

    def then(self, later: t.Mapping[Image, WatchedImage]) -> Seen:
        """Returns the same with what a later look saw of some images. An image that it could not read counts as unseen."""
        lost = [one for one in later.values() if one.unseen]
        watched = [later.get(one.image, one) for one in self.watched]
        return replace(self, watched=watched, unseen=self.unseen + len(lost), incomplete=(*self.incomplete, *in_words(lost)))

    def with_locks(self, later: t.Sequence[WatchedImage]) -> Seen:
        """Returns the same with the current owners of some images' locks."""
        owners = {one.image: one.lock_owner for one in later if not one.unseen}
        return replace(self, watched=[replace(one, lock_owner=owners.get(one.image, one.lock_owner)) for one in self.watched])


class Survey:
    """Looks once at a cluster. ``way``: ``sweep`` or ``image``; ``why``: what decided it."""

    def __init__(self, cluster: Cluster, wanted: str, pools: t.Sequence[str] | None, deep: bool = False) -> None:
        """Reads the map. ``wanted``: ``sweep``, ``image`` or ``auto``. ``pools``: pools to look at, empty for all, None if only named images are looked at.

        ``deep``: whether a sweep also wakes the headers that no OSD has in memory.
        Raises ClusterError if a wanted sweep is refused, and InputError for a missing pool.
        """
        whole = pools is not None
        self._cluster, self._deep = cluster, deep
        self._map = cluster.command("osd dump")
        self._read_pools: dict[str, list[Directory] | ClusterError] = {}
        self._inactive: placement.Inactive | None = None
        self.pools = pool_list.parse(self._map)
        self.swept: Sweep | None = None
        self.way: Way = "image"
        self.why = reasons.BY_REQUEST if whole else reasons.ONLY_NAMED
        # Named images need no sweep; it is for what else a culprit watches.
        self._may_sweep = wanted == "auto" and not whole
        if wanted == "sweep" or (wanted == "auto" and whole):
            self.way, self.why = self._sweep_and_list(pools or self.pools.every, insist=wanted == "sweep")

    def _sweep_and_list(self, pools: t.Sequence[str], insist: bool) -> tuple[Way, str]:
        """Sweeps and lists at the same time: neither needs the other, and both mostly wait."""
        with ThreadPoolExecutor(1) as other:
            listing = other.submit(self._read, pools)
            decided = self._sweep(insist)
            listing.result()
        return decided

    def _sweep(self, insist: bool) -> tuple[Way, str]:
        up = [osd["osd"] for osd in self._map["osds"] if osd["up"]]
        try:
            self.swept = osd_sweep.ask(self._cluster, up)
        except osd_sweep.Refused as error:
            if insist:
                raise
            return "image", reasons.NO_SWEEP.format(reason=error)
        return "sweep", reasons.SWEPT.format(n=len(up))

    def inactive(self) -> placement.Inactive:
        """Returns the placement groups that are not active; asked for once."""
        if self._inactive is None:
            self._inactive = placement.inactive(self._cluster)
        return self._inactive

    def look(self, specs: t.Sequence[str], pools: t.Sequence[str], expected: Expected, missing_ok: bool = False) -> Seen:
        """Returns the images that ``specs`` name and those in ``pools``. Raises RescueError for a missing one."""
        named = image_watchers.of_named(self._cluster, specs, missing_ok)
        seen = self._look_at_pools(pools, expected) if pools else Seen([], 0)
        known = {watched.image.spec for watched in named}
        rest = [watched for watched in seen.watched if watched.image.spec not in known]
        quiet = [watched for watched in seen.quiet if watched.image.spec not in known] if known else seen.quiet
        unseen = [watched for watched in named if watched.unseen]
        total = seen.total + sum(watched.image.pool not in pools for watched in named)
        gaps = tuple(dict.fromkeys([*in_words(unseen), *seen.incomplete]))
        return Seen([*named, *rest], total, quiet, min(total, seen.unseen + len(unseen)), gaps, seen.strays)

    def selected(self, pools: t.Sequence[str]) -> tuple[str, ...]:
        """Returns the pools to look at: these, or every pool that is tagged for RBD or holds images. Raises InputError if there is none."""
        if pools:
            return tuple(pools)
        with_images = {place.pool for place in self._read(self.pools.every)[0] if len(place)}
        found = (*self.pools.tagged, *(pool for pool in self.pools.others if pool in with_images))
        if not found:
            raise InputError("The cluster has no pool that is tagged for RBD or holds images: see 'ceph osd pool ls detail'.")
        return found

    def _look_at_pools(self, pools: t.Sequence[str], expected: Expected) -> Seen:
        return self._by_image(pools) if self.swept is None else self._by_sweep(self.swept, pools, expected)

    def _by_image(self, pools: t.Sequence[str]) -> Seen:
        directories, gaps = self._read(pools)
        watched = image_watchers.of_all(self._cluster, (image for place in directories for image in place.images()))
        unseen = [one for one in watched if one.unseen]
        return Seen([one for one in watched if one.watchers], len(watched), (), len(unseen), (*gaps, *in_words(unseen)))

    def _wake(self, swept: Sweep, directories: t.Iterable[Directory]) -> tuple[Sweep, int, list[str]]:
        """Sweeps again after the headers that no OSD listed are in memory. Also returns how many could not be read, and why."""
        every = (image.header_object for place in directories for image in place.images())
        asleep = [header for header in every if (header.namespace, header.name) not in swept.headers]
        unread, gaps = wake.headers(self._cluster, asleep)
        # An OSD might have come up meanwhile.
        self._map = self._cluster.command("osd dump")
        self._sweep(insist=True)
        return t.cast(Sweep, self.swept), unread, gaps

    def _by_sweep(self, swept: Sweep, pools: t.Sequence[str], expected: Expected) -> Seen:
        """Returns what was seen. Images with too many watchers, or with a header in several pools, are read again."""
        directories, unlisted = self._read(pools)
        swept, unread, asleep = self._wake(swept, directories) if self._deep else (swept, 0, [])
        hidden = [*swept.gaps, *self._sick_groups(pools)]
        matched = match_headers.to_images(swept, directories)
        there = [one for one in matched.certain if one.image.place == "image"]
        quiet = [one for one in there if len(one.watchers) <= expected.least or len(one.watchers) <= expected.of(one)]
        known = {id(one) for one in quiet}
        doubtful = [one.image for one in there if id(one) not in known] + [image for image in matched.ambiguous if image.place == "image"]
        watched = image_watchers.of_all(self._cluster, doubtful)
        unseen, total = [one for one in watched if one.unseen], sum(map(len, directories))
        # An image that no OSD listed is unknown as long as one OSD could not list its watches.
        blind = total - len(watched) - len(quiet) if hidden else min(unread, total - len(watched) - len(quiet))
        strays = tuple(self._strays(matched.strays)) if set(self.pools.tagged) <= set(pools) and not unlisted else ()
        return Seen([one for one in watched if one.watchers], total, quiet, len(unseen) + blind, (*unlisted, *hidden, *asleep, *in_words(unseen)), strays)

    def _read(self, pools: t.Sequence[str]) -> tuple[list[Directory], list[str]]:
        """Reads each pool once. Returns the directories, and why pools that might hold images cannot be read."""
        missing = [pool for pool in pools if pool not in self._read_pools]
        self._read_pools.update(zip(missing, directory_and_trash.read_pools(self._cluster, missing)))
        found = {pool: self._read_pools[pool] for pool in pools}
        errors = {pool: answer for pool, answer in found.items() if isinstance(answer, ClusterError)}
        return [place for answer in found.values() if not isinstance(answer, ClusterError) for place in answer], self.pools.gaps(errors)

    def _sick_groups(self, pools: t.Sequence[str]) -> list[str]:
        """Returns why headers in these pools might be missing although every OSD that is up answered."""
        sick = self.inactive()
        numbers = {self.pools.numbers[pool]: pool for pool in pools if pool in self.pools.numbers}
        groups = [f"{group} is {state}" for group, state in sorted(sick.states.items()) if int(group.split(".")[0]) in numbers]
        if groups:
            return [reasons.IN_INACTIVE_GROUPS.format(n=len(groups), pg=some(groups))]
        down = [str(osd["osd"]) for osd in self._map["osds"] if osd["in"] and not osd["up"]]
        return [reasons.OSDS_DOWN.format(osd=", ".join(down), gap=sick.gap)] if down and sick.gap else []

    def _strays(self, unmatched: t.Sequence[WatchedImage]) -> list[WatchedImage]:
        """Returns those that no pool's directory knows, with the pool that holds them, if one was found."""
        others, gaps = self._read(self.pools.others) if unmatched else ([], [])
        alone = [one for one in unmatched if not any(_knows(place, one.image) for place in others)]
        return [] if gaps else [located for found in at_once(self._located, alone) for located in found]

    def _located(self, found: WatchedImage) -> list[WatchedImage]:
        holders = [pool for pool in self.pools.every if self._holds(pool, found.image)] or [""]
        return [WatchedImage(stray(found.image.namespace, found.image.header, pool), found.watchers) for pool in holders]

    def _holds(self, pool: str, image: Image) -> bool:
        try:
            with self._cluster.open_pool(pool, image.namespace) as ioctx:
                ioctx.stat(image.header)
        except (rados.Error, RescueError):
            return False
        return True

    def elsewhere(self, clients: t.Collection[str], known: t.Collection[Image]) -> tuple[list[WatchedImage], list[str]]:
        """Returns what these clients watch in the whole cluster besides the ``known`` images, and why any of it could not be seen."""
        if self.swept is None and self._may_sweep:
            self._sweep(insist=False)
        directories, gaps = self._read(self.pools.every)
        used = {place.pool for place in directories if len(place)} - {*self.pools.likely}
        if self.swept is None:
            wanted = (image for place in directories for image in (*place.images(), *place.dropped()) if image not in known)
            everything = image_watchers.of_all(self._cluster, wanted)
            gaps += in_words([one for one in everything if one.unseen])
            return [one for one in everything if _watches(one, clients)], gaps
        matched = match_headers.to_images(self.swept, directories, clients)
        confirmed = image_watchers.of_all(self._cluster, [image for image in matched.ambiguous if image not in known])
        gaps += [*self.swept.gaps, *self._sick_groups([*self.pools.likely, *used]), *in_words([one for one in confirmed if one.unseen])]
        found = [one for one in matched.certain if one.image not in known] + [one for one in confirmed if _watches(one, clients)]
        return found + [located for places in at_once(self._located, matched.strays) for located in places], gaps


def _knows(place: Directory, image: Image) -> bool:
    return place.namespace == image.namespace and place.find(image.header) is not None


def _watches(one: WatchedImage, clients: t.Collection[str]) -> bool:
    return any(watcher.address in clients for watcher in one.watchers)

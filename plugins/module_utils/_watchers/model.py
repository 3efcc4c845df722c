# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what a look is about: images, watchers, and what was found out about each."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject, name_of

Liveness = t.Literal["alive", "hung", "orphaned", "unknown"]
State = t.Literal["normal", "stale_duplicate", "contested", "headless", "degraded", "locked", "undetermined"]
Place = t.Literal["image", "trash", "migration", "stray"]

STATES: tuple[State, ...] = t.get_args(State)
# When a notify began and ended, in seconds since the epoch.
Span = tuple[float, float]

# Asked, without an answer.
STALE: tuple[Liveness, ...] = ("hung", "orphaned")


@dataclass(frozen=True)
class Image:
    """Holds an RBD image, or what is left of one. ``id`` is empty for format 1.

    ``place``: ``image`` in a pool's directory, ``trash`` in the trash, ``migration`` for the source of a migration, ``stray`` for a header that
    no directory knows; a stray's ``pool`` is empty if no pool was found that holds it.
    """

    pool: str
    namespace: str
    name: str
    id: str
    place: Place = "image"

    @property
    def spec(self) -> str:
        """Returns ``pool/[namespace/]name``, as the rbd command takes it; for other places, words that say so."""
        if self.place == "stray":
            return f"the header {'/'.join(filter(None, (self.pool, self.namespace, self.header)))} of no known image"
        spec = "/".join(part for part in (self.pool, self.namespace, self.name) if part)
        if self.place == "image":
            return spec
        return f"{spec}, the source of a migration (id {self.id})" if self.place == "migration" else f"{spec} in the trash (id {self.id})"

    @property
    def header(self) -> str:
        """Returns the name of the header object, which every client that has the image open watches."""
        return name_of(self.id, self.name)

    @property
    def header_object(self) -> HeaderObject:
        """Returns the same with the place where it lives."""
        return HeaderObject(self.pool, self.namespace, self.header)


@dataclass(frozen=True)
class Watcher:
    """Holds one watch on a header. The address names the client instance, the cookie one of its watches."""

    address: str
    client_id: int
    cookie: int

    @property
    def key(self) -> tuple[int, int]:
        """Returns how notify replies and lock cookies name this watch."""
        return self.client_id, self.cookie


@dataclass(frozen=True)
class WatchedImage:
    """Holds an image, its watchers, and the watch by which a client took the exclusive lock. That watch can be gone.

    ``lock_owner``: read if the image has several watchers or is named. ``unseen``: why the watchers could not be read, '' if they could.
    """

    image: Image
    watchers: tuple[Watcher, ...]
    lock_owner: Watcher | None = None
    unseen: str = ""


@dataclass(frozen=True)
class Finding:
    """Holds what is known of one watcher, and why. ``entity`` and ``host``: of its session on a monitor, '' if it has none.

    ``daemon``: what it is if it belongs to Ceph itself, such as rbd-mirror; it serves the image to no initiator. '' for a client.
    ``gateway``: the host of the tcmu-runner that it is, by the service map. ``missed``: the notifies that it let time out. ``dead_host``: whether the
    operator gave its host as dead.
    """

    watcher: Watcher
    liveness: Liveness
    reason: str
    entity: str = ""
    host: str = ""
    daemon: str = ""
    gateway: str = ""
    missed: tuple[Span, ...] = ()
    dead_host: bool = False

    @property
    def serves(self) -> bool:
        """Returns whether it responds, and is no daemon of Ceph itself."""
        return self.liveness == "alive" and not self.daemon

    @property
    def stale(self) -> bool:
        """Returns whether it was asked and did not answer."""
        return self.liveness in STALE


@dataclass(frozen=True)
class Judgement:
    """Holds an image's state by the findings on its watchers. ``surplus``: the findings on watchers to fence, empty if no client is to be fenced.

    ``freeing``: whether no client serves the image, and none is to, so that all its watchers go. ``owner``: the client that holds the exclusive lock without
    watching the image; its lock is broken if it is in the surplus.
    """

    watched: WatchedImage
    findings: tuple[Finding, ...]
    state: State
    reasons: tuple[str, ...]
    expected: int = 1
    surplus: tuple[Finding, ...] = ()
    freeing: bool = False
    owner: Finding | None = None


@dataclass(frozen=True)
class Culprit:
    """Holds a client that is the surplus watcher of images. ``vetoes``: why it must not be fenced. ``named``: by the operator, although it is alive.

    ``gone``: no look at the sessions found it. ``missed``: the notifies that it let time out. ``watches``: all images that it watches.
    """

    address: str
    client_id: int
    images: tuple[str, ...]
    reasons: tuple[str, ...]
    named: bool = False
    gone: bool = False
    missed: tuple[Span, ...] = ()
    vetoes: tuple[str, ...] = ()
    watches: tuple[str, ...] = ()


Watch = tuple[Judgement, Finding]


@dataclass(frozen=True)
class Surroundings:
    """Holds everything else that matters for a fence.

    ``watches``: client address -> everything it watches in the whole cluster. ``gaps``: why parts of the cluster could not be read.
    ``protected``: client address -> what it is, for clients that Ceph itself depends on. ``inactive``: image -> its inactive placement group
    and that group's state. ``named``: the addresses of all clients that the operator names, which might be fenced together.
    """

    watches: t.Mapping[str, t.Sequence[Watch]]
    gaps: t.Sequence[str] = ()
    protected: t.Mapping[str, str] = field(default_factory=dict)
    inactive: t.Mapping[str, str] = field(default_factory=dict)
    named: t.Collection[str] = ()

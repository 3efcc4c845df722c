# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at the watchers is about: images, watchers, and what was found out of each."""

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

# Asked, and no answer.
STALE: tuple[Liveness, ...] = ("hung", "orphaned")


@dataclass(frozen=True)
class Image:
    """An RBD image, or what is left of one. ``id`` is empty for format 1.

    ``place``: ``image`` for one in a pool's directory, ``trash`` for one in the trash, ``migration`` for the source of one,
    ``stray`` for a header that no directory knows; a stray's ``pool`` is empty when no pool was found that holds it.
    """

    pool: str
    namespace: str
    name: str
    id: str
    place: Place = "image"

    @property
    def spec(self) -> str:
        """``pool/[namespace/]name``, as the rbd command takes it; for what is no image, words that say so."""
        if self.place == "stray":
            return f"the header {'/'.join(filter(None, (self.pool, self.namespace, self.header)))} of no known image"
        spec = "/".join(part for part in (self.pool, self.namespace, self.name) if part)
        if self.place == "image":
            return spec
        return f"{spec}, the source of a migration (id {self.id})" if self.place == "migration" else f"{spec} in the trash (id {self.id})"

    @property
    def header(self) -> str:
        """Name of the header object, which every client that has the image open watches."""
        return name_of(self.id, self.name)

    @property
    def header_object(self) -> HeaderObject:
        """Returns the same with the place where it lives."""
        return HeaderObject(self.pool, self.namespace, self.header)


@dataclass(frozen=True)
class Watcher:
    """One watch on a header. The address names the client instance, the cookie one of its watches."""

    address: str
    client_id: int
    cookie: int

    @property
    def key(self) -> tuple[int, int]:
        """Returns how notify replies and lock cookies name this watch."""
        return self.client_id, self.cookie


@dataclass(frozen=True)
class WatchedImage:
    """An image, its watchers, and the watch by which a client took the exclusive lock; that client need not watch any more.

    ``lock_owner``: read where the image has several watchers or is named. ``unseen``: why the watchers could not be read, '' when they could.
    """

    image: Image
    watchers: tuple[Watcher, ...]
    lock_owner: Watcher | None = None
    unseen: str = ""


@dataclass(frozen=True)
class Finding:
    """What is known of one watcher, and why. ``entity`` and ``host``: of its session on a monitor, '' when it has none.

    ``daemon``: what it is where it belongs to Ceph itself, such as rbd-mirror. A daemon serves the image to no initiator. '' for a client.
    ``gateway``: the host of the tcmu-runner that it is, by the service map. ``missed``: the notifies that it let time out. ``dead_host``: whether the
    operator says that its host is dead.
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
        """It answers, and is no daemon of Ceph itself."""
        return self.liveness == "alive" and not self.daemon

    @property
    def stale(self) -> bool:
        """It was asked and did not answer."""
        return self.liveness in STALE


@dataclass(frozen=True)
class Judgement:
    """An image's state by the findings on its watchers. ``surplus``: those findings whose watchers are to go, none where nobody may be fenced.

    ``freeing``: whether nobody serves the image and nobody is to, so that all its watchers go. ``owner``: the client that holds the exclusive lock, where it
    does not watch the image; its lock is broken where it is of the surplus.
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
    """A client that is the surplus watcher of images. ``vetoes``: why it must not be fenced all the same. ``named``: by the operator, although it is alive.

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
    """What else bears on fencing.

    ``watches``: client address -> everything it watches in the whole cluster. ``gaps``: why parts of the cluster could not be looked at.
    ``protected``: client address -> what it is, for clients that Ceph itself depends on. ``inactive``: image -> its placement group, which
    does not serve anybody, and that one's state. ``named``: the addresses of all whom the operator names, who may be fenced together.
    """

    watches: t.Mapping[str, t.Sequence[Watch]]
    gaps: t.Sequence[str] = ()
    protected: t.Mapping[str, str] = field(default_factory=dict)
    inactive: t.Mapping[str, str] = field(default_factory=dict)
    named: t.Collection[str] = ()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look at the watchers is about: images, watchers, and what was found out of each."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

Liveness = t.Literal["alive", "hung", "orphaned", "unknown"]
State = t.Literal["normal", "stale_duplicate", "contested", "headless", "degraded", "undetermined"]


@dataclass(frozen=True)
class Image:
    """An RBD image. ``id`` is empty for format 1."""

    pool: str
    namespace: str
    name: str
    id: str

    @property
    def spec(self) -> str:
        """``pool/[namespace/]name``, as the rbd command takes it."""
        return "/".join(part for part in (self.pool, self.namespace, self.name) if part)

    @property
    def header(self) -> str:
        """Name of the header object, which every client that has the image open watches."""
        return f"rbd_header.{self.id}" if self.id else f"{self.name}.rbd"


@dataclass(frozen=True)
class Watcher:
    """One watch on a header. The address names the client instance, the cookie one of its watches."""

    address: str
    client_id: int
    cookie: int

    @property
    def key(self) -> tuple[int, int]:
        """How notify replies and lock cookies name this watch."""
        return self.client_id, self.cookie


@dataclass(frozen=True)
class WatchedImage:
    """An image, its watchers, and the watch (client id, cookie) whose client holds the exclusive lock."""

    image: Image
    watchers: tuple[Watcher, ...]
    lock_owner: tuple[int, int] | None = None


@dataclass(frozen=True)
class Finding:
    """What is known of one watcher, and why."""

    watcher: Watcher
    liveness: Liveness
    reason: str

    @property
    def stale(self) -> bool:
        """It was asked and did not answer."""
        return self.liveness in ("hung", "orphaned")


@dataclass(frozen=True)
class Judgement:
    """An image's state by the findings on its watchers."""

    watched: WatchedImage
    findings: tuple[Finding, ...]
    state: State
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Culprit:
    """A client that is stale on images with a stale duplicate. ``vetoes``: why it must not be fenced all the same."""

    address: str
    client_id: int
    images: tuple[str, ...]
    reasons: tuple[str, ...]
    vetoes: tuple[str, ...] = ()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one would do otherwise: each way timed on a sample, one after another."""

from __future__ import annotations

import statistics
import subprocess
import time
import typing as t
from dataclasses import dataclass

import rados
import rbd


@dataclass(frozen=True)
class Seconds:
    """For one image or address."""

    sample: int
    median: float
    mean: float


def rbd_status(conf: str, pool: str, names: t.Sequence[str]) -> Seconds:
    return _time(lambda name: _run("rbd", "--conf", conf, "status", f"{pool}/{name}"), names)


def rados_listwatchers(conf: str, pool: str, ids: t.Sequence[str]) -> Seconds:
    return _time(lambda image_id: _run("rados", "--conf", conf, "-p", pool, "listwatchers", f"rbd_header.{image_id}"), ids)


def librbd_loop(conf: str, pool: str, ids: t.Sequence[str]) -> Seconds:
    """A program that stays connected; connecting is not counted."""
    with rados.Rados(conffile=conf) as cluster, cluster.open_ioctx(pool) as ioctx:

        def look(image_id: str) -> None:
            with rbd.Image(ioctx, image_id=image_id, read_only=True) as image:
                list(image.watchers_list())

        return _time(look, ids)


def blocklist_loop(conf: str, addresses: t.Sequence[str]) -> Seconds:
    """Adds and removes each address."""

    def add_and_remove(address: str) -> None:
        _run("ceph", "--conf", conf, "osd", "blocklist", "add", address, "600")
        _run("ceph", "--conf", conf, "osd", "blocklist", "rm", address)

    return _time(add_and_remove, addresses)


def spread(whole: t.Sequence[str], count: int) -> list[str]:
    """``count`` of them, evenly spread."""
    return [whole[number * len(whole) // count] for number in range(count)]


def nobodys(count: int) -> list[str]:
    """Client addresses in 192.0.2.0/24, which is for documentation only."""
    return [f"192.0.2.1:0/{number}" for number in range(1, count + 1)]


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def _time(look: t.Callable[[str], None], sample: t.Sequence[str]) -> Seconds:
    taken = []
    for one in sample:
        start = time.perf_counter()
        look(one)
        taken.append(time.perf_counter() - start)
    return Seconds(len(taken), statistics.median(taken), statistics.mean(taken))

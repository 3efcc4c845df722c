# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches the headers of many images, as their clients would, until it is killed.

usage: watchers.py CONF POOL READY_FILE COUNT [--every N] [--offset N] [--clients N] [--namespace NS] [--silent]

READY_FILE gets its pid and its clients' addresses as JSON once all watches are set. Its watches outlive it by the lab's watch timeout.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fleet
import rados

_THREADS = 64
_CONNECTORS = 16


class Silence(Exception):
    """Raised by a watch's callback so that the notify is not acknowledged."""


class Client(t.NamedTuple):
    """One client instance, thus one client address."""

    cluster: t.Any
    ioctx: t.Any


def connect(conf: str, pool: str, namespace: str) -> Client:
    cluster = rados.Rados(conffile=conf)
    cluster.connect()
    ioctx = cluster.open_ioctx(pool)
    ioctx.set_namespace(namespace)
    return Client(cluster, ioctx)


def acknowledge(_notify: int, _notifier: int, _watch: int, _data: bytes) -> None:
    """Python's librados acknowledges a notify when the callback returns."""


def keep_silent(_notify: int, _notifier: int, _watch: int, _data: bytes) -> None:
    raise Silence


def hide_silence() -> None:
    """Cython hands what a callback raised to both hooks, which print it."""

    def show(kind: type[BaseException], error: BaseException, trace: t.Any) -> None:
        if kind is not Silence:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = show
    sys.unraisablehook = lambda _raised: None


def watch_all(clients: t.Sequence[Client], headers: t.Sequence[str], callback: t.Callable[[int, int, int, bytes], None]) -> list[t.Any]:
    """The watches, spread evenly over the clients; each lives as long as its object."""

    def watch(number: int) -> t.Any:
        return clients[number % len(clients)].ioctx.watch(headers[number], callback)

    with ThreadPoolExecutor(_THREADS) as setters:
        return list(setters.map(watch, range(len(headers))))


def headers_of(client: Client, options: argparse.Namespace) -> list[str]:
    chosen = list(fleet.read_ids(client.ioctx).values())[options.offset :: options.every][: options.count]
    if len(chosen) < options.count:
        raise SystemExit(f"{options.pool} has only {len(chosen)} such images, not {options.count}.")
    return [f"rbd_header.{image_id}" for image_id in chosen]


def write_ready(file: str, clients: t.Sequence[Client]) -> None:
    said = {"pid": os.getpid(), "addresses": [client.cluster.get_addrs() for client in clients]}
    Path(file + ".new").write_text(json.dumps(said))
    Path(file + ".new").rename(file)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Watch the headers of many images until killed.")
    for name in ("conf", "pool", "ready_file"):
        parser.add_argument(name)
    parser.add_argument("count", type=int, help="how many images to watch")
    parser.add_argument("--every", type=int, default=1, help="watch every N-th image only")
    parser.add_argument("--offset", type=int, default=0, help="how many images to pass over first")
    parser.add_argument("--clients", type=int, default=1, help="spread the watches over so many client instances")
    parser.add_argument("--namespace", default="")
    parser.add_argument("--silent", action="store_true", help="never acknowledge a notify")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    hide_silence()
    with ThreadPoolExecutor(_CONNECTORS) as connectors:
        clients = list(connectors.map(lambda _number: connect(options.conf, options.pool, options.namespace), range(options.clients)))
    watches = watch_all(clients, headers_of(clients[0], options), keep_silent if options.silent else acknowledge)
    write_ready(options.ready_file, clients)
    while watches:
        signal.pause()


if __name__ == "__main__":
    main()

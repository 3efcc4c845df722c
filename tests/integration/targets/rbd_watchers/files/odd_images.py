# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes headers of every odd kind and watches them with two clients, which answer, until it is killed.

usage: odd_images.py CONF READY_FILE, where the pools rbd and second and the namespace rbd/tenant are there, and the images rbd/twin,
rbd/dropped and rbd/tenant/shared
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import typing as t
from pathlib import Path

import rados
import rbd

FORMAT_1 = "of-format-1"
STRAY = "rbd_header.5717a7"


def string(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode()


def make_format_1(ioctx: t.Any) -> None:
    """By hand, since librbd makes none any more: rbd_obj_header_ondisk, and the directory's tmap (src/include/rbd_types.h in Ceph)."""
    head = struct.pack("<40s24s4s8s4B", b"<<< Rados Block Device Image >>>\n", b"rb.0.1.57", b"RBD", b"001.005", 22, 0, 0, 0)
    ioctx.write_full(f"{FORMAT_1}.rbd", head + struct.pack("<QQIIQ", 8 << 20, 0, 0, 0, 0))
    ioctx.write_full("rbd_directory", struct.pack("<II", 0, 1) + string(FORMAT_1) + struct.pack("<I", 0))


def make_twin(one: t.Any, other: t.Any) -> str:
    """An image with the same id in another pool, as copying a pool leaves."""
    with rbd.Image(one, "twin", read_only=True) as image:
        found: str = image.id()
    with rados.ReadOpCtx() as operation:
        entries, _code = one.get_omap_vals(operation, "", "", 1000)
        one.operate_read_op(operation, f"rbd_header.{found}")
        header = dict(entries)
    for name, omap in ((f"rbd_header.{found}", header), ("rbd_directory", {"name_twin": string(found), f"id_{found}": string("twin")})):
        with rados.WriteOpCtx() as operation:
            other.set_omap(operation, tuple(omap), tuple(omap.values()))
            other.operate_write_op(operation, name)
    other.write_full("rbd_id.twin", string(found))
    return f"rbd_header.{found}"


def header_of(ioctx: t.Any, name: str) -> str:
    with rbd.Image(ioctx, name, read_only=True) as image:
        return f"rbd_header.{image.id()}"


def main() -> None:
    conf, ready = sys.argv[1:]
    clients = [rados.Rados(conffile=conf) for _number in range(2)]
    for client in clients:
        client.connect()
    pools = [{name: client.open_ioctx(name.partition("/")[0]) for name in ("rbd", "second", "rbd/tenant")} for client in clients]
    for pool in pools:
        pool["rbd/tenant"].set_namespace("tenant")
    rbd_pool, second, tenant = pools[0].values()
    make_format_1(rbd_pool)
    rbd_pool.write_full(STRAY, b"")
    dropped = header_of(rbd_pool, "dropped")
    rbd.RBD().trash_move(rbd_pool, "dropped")
    twin, shared = make_twin(rbd_pool, second), header_of(tenant, "shared")
    both = (0, 1)
    wanted = [("rbd", twin, (0,)), ("second", twin, (1,)), ("rbd", dropped, both), ("rbd", STRAY, (0,))]
    wanted += [("rbd", f"{FORMAT_1}.rbd", both), ("rbd/tenant", shared, both)]
    watches = [pools[number][pool].watch(name, lambda *_notify: None) for pool, name, numbers in wanted for number in numbers]
    Path(ready + ".new").write_text(json.dumps({"pid": os.getpid(), "twin": twin, "dropped": dropped, "addresses": [client.get_addrs() for client in clients]}))
    Path(ready + ".new").rename(ready)
    while watches:
        signal.pause()


if __name__ == "__main__":
    main()

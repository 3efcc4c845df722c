# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy client: holds an image's exclusive lock and writes to it five times a second, until it is killed or a write fails.

usage: writer.py CONF POOL IMAGE LOG

LOG gets the client's address first, then the time of each successful write, in seconds since the epoch. The last line is 'failed' with the reason.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import rados
import rbd

PAUSE_S = 0.2
BLOCK = b"\0" * 4096


def main() -> None:
    conf, pool, name, log = sys.argv[1:]
    with rados.Rados(conffile=conf) as cluster, cluster.open_ioctx(pool) as ioctx, rbd.Image(ioctx, name) as image, Path(log).open("w") as told:
        image.write(BLOCK, 0)
        print(cluster.get_addrs(), file=told, flush=True)
        while True:
            try:
                image.write(BLOCK, 0)
            except rbd.Error as error:
                print(f"failed {error}", file=told, flush=True)
                return
            print(f"{time.time():.2f}", file=told, flush=True)
            time.sleep(PAUSE_S)


if __name__ == "__main__":
    main()

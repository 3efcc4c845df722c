# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens an image as a Ceph user of its own, as rbd-mirror does, and stays until it is killed.

usage: named_client.py CONF KEYRING USER POOL IMAGE READY_FILE
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import rados
import rbd


def main() -> None:
    conf, keyring, user, pool, name, ready = sys.argv[1:]
    with rados.Rados(conffile=conf, name=user, conf={"keyring": keyring}) as cluster, cluster.open_ioctx(pool) as ioctx, rbd.Image(ioctx, name):
        Path(ready).write_text(cluster.get_addrs())
        signal.pause()


if __name__ == "__main__":
    main()

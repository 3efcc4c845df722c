# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the lab's cluster: opens images, writes to the first, and stays until it is ended.

usage: python3 lab_client.py CONF READY_FILE POOL IMAGE [IMAGE ...]

The write takes the exclusive lock the automatic way, where the image has that feature. READY_FILE then gets the client's address as JSON.
"""

import ctypes
import json
import os
import signal
import sys

import rados
import rbd

_PR_SET_NAME = 15  # prctl(2)


def main() -> None:
    # By this name, start-stop-daemon tells this process from a later one with its pid.
    ctypes.CDLL(None).prctl(_PR_SET_NAME, b"lab_client", 0, 0, 0)
    # SIGTERM lets it close its images; SIGKILL does not. SIGTERM is blocked in all threads: right after a SIGCONT, the kernel can give it to any thread.
    # This one would then not wake, since wants_signal in kernel/signal.c skips a thread that is still stopped.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    conf, ready, pool, *names = sys.argv[1:]
    cluster = rados.Rados(conffile=conf, conf={"client_mount_timeout": "30"})
    cluster.connect()
    ioctx = cluster.open_ioctx(pool)
    images = [rbd.Image(ioctx, name) for name in names]
    images[0].write(b"written by a client of the lab".ljust(512), 0)
    own = [watcher["addr"] for watcher in images[0].watchers_list() if watcher["id"] == cluster.get_instance_id()]
    with open(ready + ".new", "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "address": own[0], "client": f"client.{cluster.get_instance_id()}", "images": names}, file)
    os.rename(ready + ".new", ready)
    signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    main()

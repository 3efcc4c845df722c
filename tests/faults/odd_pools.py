# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sick pool does not prevent a fence, unless the pool can hold images of the client.

usage: odd_pools.py LAB PORT, of a lab that is up

Each pool is made with more copies than the lab has OSDs, so that none of its placement groups is active. Prints a line for each check, and exits with 1 if
one failed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from aftermath import blacklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from dead_end import DeadEnd
from lab import Lab

QUICK = {"ceph_timeout": 5}


class SickPool:
    """A pool that is sick, and there while this is open."""

    def __init__(self, lab: Lab, name: str, *application: str) -> None:
        self.lab, self.name, self.application = lab, name, application

    def __enter__(self) -> None:
        self.ceph("osd", "pool", "create", self.name, "1")
        for word in ("size", "min_size"):
            self.ceph("osd", "pool", "set", self.name, word, "5")
        for application in self.application:
            self.ceph("osd", "pool", "application", "enable", self.name, application)
        give_up = time.monotonic() + 60
        while not self.lab.json("ceph", "pg", "dump_stuck", "inactive", "--threshold", "0")["stuck_pg_stats"]:
            assert time.monotonic() < give_up, "the pool is well"
            time.sleep(0.5)

    def __exit__(self, *_error: object) -> None:
        self.ceph("osd", "pool", "rm", self.name, self.name, "--yes-i-really-really-mean-it")

    def ceph(self, *words: str) -> None:
        self.lab.run("ceph", "--conf", self.lab.conf, "--cluster", "ceph", *words)


def of_another_use(tried: DeadEnd) -> None:
    stopped = tried.lab.inject("beside-cephfs", "zombie")
    with SickPool(tried.lab, "cephfs_data2", "cephfs"):
        tried.ends("a sick pool of CephFS, a stopped client", tried.play(images=["rbd/beside-cephfs"], **QUICK), "healed_restore_pending")
    os.kill(stopped["pid"], signal.SIGKILL)


def of_no_known_use(tried: DeadEnd) -> None:
    """Spares the stopped client, since the pool might hold an image that it serves. A client that is gone serves nothing."""
    stopped = tried.lab.inject("beside-untagged", "zombie")
    tried.lab.inject("beside-untagged-too")
    with SickPool(tried.lab, "untagged"):
        done = tried.play(images=["rbd/beside-untagged"], **QUICK)
        tried.ends("a sick pool without a tag, a stopped client", done, "refused", reasons.UNSEEN.format(gap=""))
        gone = tried.play(images=["rbd/beside-untagged-too"], **QUICK)
        tried.ends("a sick pool without a tag, a dead client", gone, "partly_healed", "rbd/beside-untagged-too: watchers 2 -> 1")
    tried.check("a sick pool without a tag: the stopped client is not fenced", stopped["address"] not in blacklist(tried.lab)["entries"], stopped)
    os.kill(stopped["pid"], signal.SIGKILL)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    tried.lab.run("ceph", "--conf", tried.lab.conf, "config", "set", "mon", "mon_allow_pool_delete", "true")
    of_another_use(tried)
    of_no_known_use(tried)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Healthy clients are not called stale while the OSD of an image's header is marked down and comes back.

usage: osd_down.py LAB PORT COUNT [SEED], of a lab that is up

Three clients have an image open. COUNT times the header's OSD is marked down, and a look at the image begins at a random moment around that. Prints a line
for each look, and exits with 1 as soon as one of them called a client stale. In one look of sixteen it has to ask again.

Seen to fail: without the guard on a young interval, clients are called stale; guards_out.py shows that anew.
"""

from __future__ import annotations

import random
import sys
import threading
import time
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import notify
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from lab import LOOK, Lab, LabError

IMAGE, CLIENTS = "shaken", 3
# Seconds after the OSD is marked down, at which the look begins.
EARLIEST_S, LATEST_S = -1.0, 3.0


class Looked(t.NamedTuple):
    """``notifies``: how many the look sent."""

    stale: list[str]
    notifies: int
    took_s: float


def wait_until_up(lab: Lab) -> None:
    give_up = time.monotonic() + 60
    while any(not osd["up"] for osd in lab.json("ceph", "osd", "dump")["osds"]):
        if time.monotonic() > give_up:
            raise LabError("An OSD did not come up again within 60 s.")
        time.sleep(0.2)


def look(lab: Lab, timeout_s: int) -> Looked:
    began, before = time.monotonic(), len(notify.SENT)
    found = detect.look({**LOOK, **lab.connection, "images": [f"rbd/{IMAGE}"], "liveness": "all", "notify_timeout": timeout_s})
    stale = [watcher["reasons"][0] for watcher in found["images"][0]["watchers"] if watcher["liveness"] in ("hung", "orphaned")]
    return Looked(stale, len(notify.SENT) - before, time.monotonic() - began)


def shaken(lab: Lab, offset_s: float, timeout_s: int) -> Looked:
    """Returns a look that begins ``offset_s`` after the header's OSD is marked down."""
    down = threading.Timer(max(-offset_s, 0), lab.run, ["ceph", "--conf", lab.conf, "osd", "down", str(lab.placed(IMAGE)["acting_primary"])])
    down.start()
    time.sleep(max(offset_s, 0))
    try:
        return look(lab, timeout_s)
    finally:
        down.join()
        wait_until_up(lab)


def main() -> None:
    lab, count = Lab(Path(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3])
    seed = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(2**32)
    chance, called, asked_again = random.Random(seed), 0, 0
    print(f"seed {seed}", flush=True)
    # An OSD that is marked down more often than this ends.
    lab.run("ceph", "--conf", lab.conf, "config", "set", "osd", "osd_max_markdown_count", "10000")
    lab.create(IMAGE)
    for number in range(CLIENTS):
        lab.client(IMAGE, f"{IMAGE}-{number}")
    for number in range(count):
        offset_s, timeout_s = chance.uniform(EARLIEST_S, LATEST_S), chance.choice((1, 1, 3, 5))
        looked = shaken(lab, offset_s, timeout_s)
        called, asked_again = called + bool(looked.stale), asked_again + (looked.notifies > 1)
        words = f"look {offset_s:+.1f} s after the OSD, notify timeout {timeout_s} s: {looked.notifies} notifies, {looked.took_s:.0f} s"
        print(f"{'FAILED' if looked.stale else 'well':<7}{number + 1} {words}", *looked.stale, sep="; ", flush=True)
        if looked.stale:
            break
    for client in range(CLIENTS):
        lab.run(*lab.daemon(f"{IMAGE}-{client}"), "--stop", "--retry", "TERM/10/KILL/5")
    print(f"{number + 1} looks, in {asked_again} of them clients were asked again, in {called} one was called stale")
    sys.exit(1 if called else 0)


if __name__ == "__main__":
    main()

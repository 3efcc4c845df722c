# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a restart, no OSD has an image in memory that only dead clients watch: a plain sweep misses it, a deep sweep finds it.

usage: asleep.py LAB PORT, of a lab that is up

Prints a line for each check, and exits with 1 if one failed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from dead_end import DeadEnd
from lab import LOOK, Lab, lives

SPEC = "rbd/asleep"


def look(lab: Lab, **more: t.Any) -> dict[str, t.Any]:
    return detect.look({**lab.connection, **LOOK, "pools": ["rbd"], "liveness": "all", "notify_timeout": 2, "survey": "sweep", **more})


def states(found: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {image["spec"]: image["state"] for image in found["images"]}


def osd(lab: Lab, number: int) -> int:
    """Returns the process ID of an OSD."""
    return int((lab.directory / f"osd.{number}.pid").read_text())


def restart(lab: Lab) -> None:
    """Restarts all OSDs at once, since a recovery would load what was written meanwhile. Ends them by SIGTERM: only then is a store in memory kept."""
    osds = lab.json("ceph", "osd", "ls")
    pids = [osd(lab, number) for number in osds]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    while any(map(lives, pids)):
        time.sleep(0.2)
    lab.run("ceph", "--conf", lab.conf, "osd", "down", *map(str, osds))
    for number in osds:
        lab.run("ceph-osd", "--conf", lab.conf, "--id", str(number))
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with contextlib.suppress(RescueError):
            if not look(lab, timeout=5)["incomplete"]:
                return
        time.sleep(1)
    raise TimeoutError("the cluster did not come back")


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    lab = tried.lab
    lab.create("asleep")
    lab.create("idle-beside")
    lab.orphan("asleep", "asleep")
    tried.check("before the restart a sweep finds it", states(look(lab)).get(SPEC) == "headless", states(look(lab)))
    restart(lab)
    plain, deep = look(lab), look(lab, deep=True)
    tried.check("a plain sweep misses it", SPEC not in states(plain), states(plain))
    tried.check("a deep sweep finds it", states(deep).get(SPEC) == "headless" and deep["counts"]["unseen"] == 0, deep)
    restart(lab)
    dead = look(lab, dead_hosts=["127.0.0.1"])
    tried.check("dead hosts imply a deep sweep", states(dead).get(SPEC) == "headless", states(dead))
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

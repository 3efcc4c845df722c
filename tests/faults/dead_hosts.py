# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of hosts that are given as dead: silent ones are fenced, and their images freed. A client that responds is left, and reported.

usage: dead_hosts.py LAB PORT, of a lab that is up

Every client of the lab is on 127.0.0.1, also the gateway's. Prints a line for each check, and exits with 1 if one failed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from aftermath import blacklist
from dead_end import DeadEnd, watchers
from lab import Lab

DEAD = ["127.0.0.1"]


def other_hosts(tried: DeadEnd) -> None:
    before = blacklist(tried.lab)
    tried.lab.create("alone")
    tried.lab.orphan("alone", "alone")
    for hosts in (["192.0.2.7"], ["192.0.2.0/24", "2001:db8::/32"]):
        tried.ends(f"dead hosts without a client: {hosts}", tried.play(dead_hosts=hosts), "nothing_to_do")
    for wrong in ("no-such-host.invalid", "192.0.2.0/99", ""):
        done = tried.play(dead_hosts=[wrong])
        tried.check(f"'{wrong}' is refused", done.returncode == 2 and "dead_hosts" in done.stdout + done.stderr, done.stdout[-1500:])
    tried.check("other hosts: no client is fenced", blacklist(tried.lab) == before, blacklist(tried.lab))


def a_dead_host(tried: DeadEnd) -> None:
    """Uses the image that other_hosts() left, a duplicate, an image with two expected watchers, and a client that is only stopped."""
    before = blacklist(tried.lab)
    tried.lab.inject("beside")
    tried.lab.create("pair")
    living = tried.lab.client("pair", "pair-living")
    tried.lab.orphan("pair", "pair-dead")
    tried.lab.create("still")
    stopped = tried.lab.client("still", "still")
    os.kill(stopped["pid"], signal.SIGSTOP)
    told = {"dead_hosts": ["localhost"], "expected_for": [{"pattern": "rbd/pair", "watchers": 2}]}
    tried.ends("a dead host, only looked at", tried.play(**told, look_only=True), "would_heal")
    tried.check("a look changes nothing", blacklist(tried.lab) == before, blacklist(tried.lab))
    done = tried.play(**told)
    tried.ends("a dead host", done, "healed_restore_pending", "rbd/alone: free", "rbd/still: free", "remediate_watchers_dead_hosts names its host")
    listed = blacklist(tried.lab)["entries"]
    tried.check("the client that is stopped is fenced", [*listed] == [stopped["address"]], listed)
    left = {image: watchers(tried.lab, image) for image in ("alone", "beside", "pair", "still", "datastore1")}
    tried.check("a client that responds is left", [len(found) for found in left.values()] == [0, 1, 1, 0, 1] and left["pair"] == [living["address"]], left)
    os.kill(stopped["pid"], signal.SIGKILL)
    os.kill(living["pid"], signal.SIGKILL)


def protected(tried: DeadEnd) -> None:
    tried.lab.create("mine")
    owner = tried.lab.orphan("mine", "mine")
    tried.ends("a dead host that is protected", tried.play(dead_hosts=DEAD, images=["rbd/mine"], protect=["127.0.0.0/8"]), "refused", "it is protected by")
    tried.check("the protected client stays", watchers(tried.lab, "mine") == [owner["address"]], owner)
    tried.lab.orphan("mine", "mine-too")
    tried.ends("two clients, and max_fence is 1", tried.play(dead_hosts=DEAD, images=["rbd/mine"], max_fence=1), "refused", "so many rarely die at once")
    tried.ends("two clients, without max_fence", tried.play(dead_hosts=DEAD, images=["rbd/mine"]), "healed", "rbd/mine: free")


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    other_hosts(tried)
    a_dead_host(tried)
    protected(tried)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

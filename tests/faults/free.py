# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that only dead clients have open are freed, so that they can be deleted. An image that a living or paused client has open never is.

usage: free.py LAB PORT, of a lab that is up

Each case has an image of its own, that no target exports. Prints a line for each check, and exits with 1 if one failed.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from aftermath import blacklist
from dead_end import DeadEnd
from lab import Lab


def dead_clients(tried: DeadEnd, count: int) -> None:
    image, before = f"left{count}", blacklist(tried.lab)
    tried.dead(image, count)
    tried.ends(f"{count} dead, only looked at", tried.free(f"rbd/{image}", look_only=True), "would_heal", "it is to be freed")
    tried.check(f"{count} dead: a look changes nothing", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends(f"{count} dead, not to be freed", tried.play(images=[f"rbd/{image}"]), "refused", "headless")
    tried.check(f"{count} dead: the image cannot be deleted", not tried.removes(image), "it was")
    tried.ends(f"{count} dead", tried.free(f"rbd/{image}"), "healed", f"rbd/{image}: free: map or delete it")
    tried.check(f"{count} dead: nothing is left on the blocklist", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.check(f"{count} dead: the image can be deleted", tried.removes(image), "it could not")


def by_pattern(tried: DeadEnd) -> None:
    """Frees one of the images that a pattern names. The other one has a living client."""
    tried.dead("pattern-1", 1)
    tried.lab.create("pattern-2")
    living = tried.lab.client("pattern-2", "pattern-2")
    tried.ends("by a pattern", tried.free("rbd/pattern-*", images=["rbd/pattern-1", "rbd/pattern-2"]), "healed", "rbd/pattern-1: free")
    tried.check("by a pattern: the living client is not fenced", living["address"] not in blacklist(tried.lab)["entries"], living)
    os.kill(living["pid"], signal.SIGKILL)
    tried.removes("pattern-1")


def a_paused_client(tried: DeadEnd) -> None:
    before = blacklist(tried.lab)
    tried.lab.create("paused")
    paused = tried.lab.client("paused", "paused")
    os.kill(paused["pid"], signal.SIGSTOP)
    tried.ends("a paused client and no other", tried.free("rbd/paused"), "refused", f"{paused['address']} might be alive")
    tried.check("a paused client is not fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("a paused client that is named", tried.free("rbd/paused", evict=[paused["address"]]), "healed_restore_pending", "rbd/paused: free")
    os.kill(paused["pid"], signal.SIGKILL)
    time.sleep(1)
    tried.ends("the paused client was ended", tried.free("rbd/paused"), "healed")
    tried.check("the paused client was ended: nothing is left on the blocklist", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.check("the paused client was ended: the image can be deleted", tried.removes("paused"), "it could not")


def a_living_client(tried: DeadEnd) -> None:
    tried.lab.create("living")
    living = tried.lab.client("living", "living")
    before = blacklist(tried.lab)
    tried.ends(
        "a living client",
        tried.free("rbd/living"),
        "nothing_to_do",
        f"rbd/living: not freed; still responding: {living['address']}",
        "End that client on its host",
    )
    tried.check("a living client is not fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    os.kill(living["pid"], signal.SIGKILL)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    dead_clients(tried, 1)
    dead_clients(tried, 2)
    by_pattern(tried)
    a_paused_client(tried)
    a_living_client(tried)
    left = [name for name in tried.lab.run("rados", "--conf", tried.lab.conf, "--pool", "rbd", "ls").split() if ".leases.control" in name]
    tried.check("no object of the control watch is left", not left, left)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that nobody serves and dead clients keep from being deleted are freed; one that a client has open, also one that only pauses, never is.

usage: free.py LAB PORT, of a lab that is up

Each case has an image of its own, that no target exports. Prints a line for each check and ends with 1 when one did not hold.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

from aftermath import blacklist, outcome
from lab import Lab

QUICK = {
    "remediate_watchers_notify_timeout": 3,
    "remediate_watchers_patience": 3,
    "remediate_watchers_report_dir": "",
    "remediate_watchers_look_only": False,
}


class Freed:
    def __init__(self, lab: Lab) -> None:
        self.lab, self.faults = lab, 0

    def check(self, what: str, holds: bool, why: object) -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else f': {why}'}", flush=True)
        self.faults += not holds

    def play(self, *free: str, **settings: t.Any) -> subprocess.CompletedProcess[str]:
        told = {f"remediate_watchers_{name}": value for name, value in settings.items()}
        return self.lab.play("playbooks/remediate_watchers.yml", {**QUICK, "remediate_watchers_free": free, **told})

    def ends(self, what: str, done: subprocess.CompletedProcess[str], end: str, *words: str) -> None:
        missing = [word for word in words if word not in done.stdout]
        self.check(f"{what}: {end}", outcome(done) == end and not missing, f"{outcome(done)}, not said: {missing}: {done.stdout[-3000:]}{done.stderr[-800:]}")

    def removes(self, image: str) -> bool:
        """Whether the image can be deleted."""
        self.lab.run("rbd", "--conf", self.lab.conf, "rm", "--no-progress", f"rbd/{image}", check=False)
        return image not in self.lab.json("rbd", "ls", "rbd")

    def dead(self, image: str, count: int) -> None:
        """Clients that were killed one after the other, the first with the lock."""
        self.lab.create(image, "layering,exclusive-lock" if count == 1 else "layering")
        for number in range(count):
            self.lab.orphan(image, f"{image}-{number}")


def dead_clients(tried: Freed, count: int) -> None:
    image, before = f"left{count}", blacklist(tried.lab)
    tried.dead(image, count)
    tried.ends(f"{count} dead, only looked at", tried.play(f"rbd/{image}", look_only=True), "would_heal", "it is to be freed")
    tried.check(f"{count} dead: a look changes nothing", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends(f"{count} dead, not to be freed", tried.play(images=[f"rbd/{image}"]), "refused", "headless")
    tried.check(f"{count} dead: the image cannot be deleted", not tried.removes(image), "it was")
    tried.ends(f"{count} dead", tried.play(f"rbd/{image}"), "healed", f"rbd/{image} is free: map or delete it")
    tried.check(f"{count} dead: nothing is left on the blocklist", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.check(f"{count} dead: the image can be deleted", tried.removes(image), "it could not")


def by_pattern(tried: Freed) -> None:
    """Beside an image that is served."""
    tried.dead("pattern-1", 1)
    tried.lab.create("pattern-2")
    living = tried.lab.client("pattern-2", "pattern-2")
    tried.ends("by a pattern", tried.play("rbd/pattern-*", images=["rbd/pattern-1", "rbd/pattern-2"]), "healed", "rbd/pattern-1 is free")
    tried.check("by a pattern: the living client is not fenced", living["address"] not in blacklist(tried.lab)["entries"], living)
    os.kill(living["pid"], signal.SIGKILL)
    tried.removes("pattern-1")


def a_paused_client(tried: Freed) -> None:
    before = blacklist(tried.lab)
    tried.lab.create("paused")
    paused = tried.lab.client("paused", "paused")
    os.kill(paused["pid"], signal.SIGSTOP)
    tried.ends("a paused client and nobody else", tried.play("rbd/paused"), "refused", f"{paused['address']} might be alive")
    tried.check("a paused client is not fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("a paused client that is named", tried.play("rbd/paused", evict=[paused["address"]]), "healed_restore_pending", "rbd/paused is free")
    os.kill(paused["pid"], signal.SIGKILL)
    tried.lab.orphan("paused", "paused-too")
    tried.removes("paused")


def a_living_client(tried: Freed) -> None:
    tried.lab.create("living")
    living = tried.lab.client("living", "living")
    before = blacklist(tried.lab)
    tried.ends(
        "a living client",
        tried.play("rbd/living"),
        "nothing_to_do",
        f"rbd/living: not freed, since {living['address']} responds",
        "End that client on its host",
    )
    tried.check("a living client is not fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    os.kill(living["pid"], signal.SIGKILL)


def main() -> None:
    tried = Freed(Lab(Path(sys.argv[1]), int(sys.argv[2])))
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

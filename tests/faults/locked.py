# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock is broken if its owner is gone and does not watch the image. The lock of a living owner, or one that an operator made, never is.

usage: locked.py LAB PORT, of a lab that is up

Each case has an image of its own, that no target exports. Prints a line for each check, and exits with 1 if one failed.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import rados
import rbd
from aftermath import blacklist
from dead_end import DeadEnd, holder, locked, watchers
from lab import Lab

WORDS = "it holds the exclusive lock without watching the image"


class Plain:
    """A client that is allowed to write, but not to fence, as many clients are. It keeps the image open."""

    def __init__(self, lab: Lab, image: str) -> None:
        caps = ["mon", "allow r", "osd", "allow rwx pool=rbd"]
        key = lab.run("ceph", "--conf", lab.conf, "auth", "get-or-create-key", "client.plain", *caps).strip()
        self.cluster = rados.Rados(name="client.plain", conffile=lab.conf, conf={"key": key, "rados_osd_op_timeout": "10"})
        self.cluster.connect()
        self.ioctx = self.cluster.open_ioctx("rbd")
        self.image = rbd.Image(self.ioctx, image)

    def writes(self) -> str:
        """Returns '' if a write succeeds, else the error's kind."""
        try:
            self.image.write(b"x" * 512, 0)
            self.image.flush()
        except rbd.Error as error:
            return type(error).__name__
        return ""

    def end(self) -> None:
        self.image.close()
        self.ioctx.close()
        self.cluster.shutdown()


def locked_by_the_dead(tried: DeadEnd, image: str) -> str:
    owner = locked(tried.lab, image)
    tried.check(f"{image}: its owner does not watch it", holder(tried.lab, image) == owner and not watchers(tried.lab, image), owner)
    return owner


def no_other_client(tried: DeadEnd) -> None:
    owner, before = locked_by_the_dead(tried, "locked-bare"), blacklist(tried.lab)
    look = tried.play(images=["rbd/locked-bare"], look_only=True)
    tried.ends("no other client, only looked at", look, "would_heal", owner, WORDS)
    tried.check("a look breaks no lock", holder(tried.lab, "locked-bare") == owner and blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("no other client", tried.play(images=["rbd/locked-bare"]), "healed", "rbd/locked-bare: free: map or delete it")
    tried.check("no other client: the lock is gone", holder(tried.lab, "locked-bare") == "", holder(tried.lab, "locked-bare"))
    tried.check("no other client: the blocklist is as before", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("no other client, again", tried.play(images=["rbd/locked-bare"]), "nothing_to_do")


def one_living(tried: DeadEnd) -> None:
    """Checks that the client's writes fail before, and succeed afterwards."""
    locked_by_the_dead(tried, "locked-one")
    before, plain = blacklist(tried.lab), Plain(tried.lab, "locked-one")
    tried.check("one living: its writes fail", plain.writes() != "", "they did not")
    tried.ends("one living", tried.play(images=["rbd/locked-one"]), "healed")
    tried.check("one living: it writes", plain.writes() == "", "it does not")
    tried.check("one living: the blocklist is as before", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("one living, again", tried.play(images=["rbd/locked-one"]), "nothing_to_do")
    plain.end()


def two_living(tried: DeadEnd) -> None:
    """Checks that the image stays contested, and that neither client is fenced."""
    owner = locked_by_the_dead(tried, "locked-two")
    before, plain = blacklist(tried.lab), Plain(tried.lab, "locked-two")
    other = Plain(tried.lab, "locked-two")
    tried.ends("two living", tried.play(images=["rbd/locked-two"]), "partly_healed", "contested", WORDS)
    tried.check("two living: the lock is not the dead one's", holder(tried.lab, "locked-two") != owner, owner)
    tried.check("two living: neither is fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.check("two living: the first one writes", plain.writes() == "", "it does not")
    plain.end()
    other.end()


def on_the_blacklist(tried: DeadEnd) -> None:
    """Fences the owner as another operator would, without breaking its lock."""
    owner = locked_by_the_dead(tried, "locked-listed")
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "blocklist", "add", owner, "7200")
    before = blacklist(tried.lab)
    tried.ends("fenced by another operator", tried.play(images=["rbd/locked-listed"]), "healed", f"broke the lock of {owner}")
    tried.check("fenced by another operator: the lock is gone", holder(tried.lab, "locked-listed") == "", owner)
    tried.check("fenced by another operator: the entry stays", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "blocklist", "rm", owner)


def owner_that_lives(tried: DeadEnd) -> None:
    """Uses an owner that has a session and the lock, but lost its watch."""
    lab, name = tried.lab, b"rbd_lock"
    lab.create("locked-living", "layering,exclusive-lock")
    living = rados.Rados(conffile=lab.conf)
    living.connect()
    header = f"rbd_header.{lab.json('rbd', 'info', 'rbd/locked-living')['id']}"
    with living.open_ioctx("rbd") as ioctx:
        ioctx.lock_exclusive(header, name.decode(), "auto 4711")
        before, owner = blacklist(lab), holder(lab, "locked-living")
        tried.ends("an owner that lives", tried.play(images=["rbd/locked-living"]), "nothing_to_do")
        tried.check("an owner that lives keeps its lock", bool(owner) and holder(lab, "locked-living") == owner, holder(lab, "locked-living"))
        tried.check("an owner that lives is not fenced", blacklist(lab) == before, blacklist(lab))
        ioctx.unlock(header, name.decode(), "auto 4711")
    living.shutdown()


def made_by_hand(tried: DeadEnd) -> None:
    lab = tried.lab
    lab.create("locked-by-hand", "layering,exclusive-lock")
    lab.run("rbd", "--conf", lab.conf, "lock", "add", "rbd/locked-by-hand", "mine")
    tried.ends("a lock that an operator made", tried.play(images=["rbd/locked-by-hand"]), "nothing_to_do")
    tried.check("a lock that an operator made stays", holder(lab, "locked-by-hand") != "", "it is gone")


CASES: tuple[t.Callable[[DeadEnd], None], ...] = (no_other_client, one_living, two_living, on_the_blacklist, owner_that_lives, made_by_hand)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    for case in CASES:
        case(tried)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

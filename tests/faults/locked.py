# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks whose owner is gone and does not watch the image are broken; those of owners that live, or that an operator made, never are.

usage: locked.py LAB PORT, of a lab that is up

Each case has an image of its own, that no target exports. Prints a line for each check and ends with 1 when one did not hold.
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
    """A client that may write and may not blacklist, as many have been given it; it keeps the image open."""

    def __init__(self, lab: Lab, image: str) -> None:
        caps = ["mon", "allow r", "osd", "allow rwx pool=rbd"]
        key = lab.run("ceph", "--conf", lab.conf, "auth", "get-or-create-key", "client.plain", *caps).strip()
        self.cluster = rados.Rados(name="client.plain", conffile=lab.conf, conf={"key": key, "rados_osd_op_timeout": "10"})
        self.cluster.connect()
        self.ioctx = self.cluster.open_ioctx("rbd")
        self.image = rbd.Image(self.ioctx, image)

    def writes(self) -> str:
        """'' where a write ends well, else the error's kind."""
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


def nobody_else(tried: DeadEnd) -> None:
    owner, before = locked_by_the_dead(tried, "locked-bare"), blacklist(tried.lab)
    look = tried.play(images=["rbd/locked-bare"], look_only=True)
    tried.ends("nobody else, only looked at", look, "would_heal", owner, WORDS)
    tried.check("a look breaks no lock", holder(tried.lab, "locked-bare") == owner and blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("nobody else", tried.play(images=["rbd/locked-bare"]), "healed", "rbd/locked-bare: free: map or delete it")
    tried.check("nobody else: the lock is gone", holder(tried.lab, "locked-bare") == "", holder(tried.lab, "locked-bare"))
    tried.check("nobody else: the blocklist is as before", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("nobody else, again", tried.play(images=["rbd/locked-bare"]), "nothing_to_do")


def one_living(tried: DeadEnd) -> None:
    """Its writes fail before, and do not after."""
    locked_by_the_dead(tried, "locked-one")
    before, plain = blacklist(tried.lab), Plain(tried.lab, "locked-one")
    tried.check("one living: its writes fail", plain.writes() != "", "they did not")
    tried.ends("one living", tried.play(images=["rbd/locked-one"]), "healed")
    tried.check("one living: it writes", plain.writes() == "", "it does not")
    tried.check("one living: the blocklist is as before", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.ends("one living, again", tried.play(images=["rbd/locked-one"]), "nothing_to_do")
    plain.end()


def two_living(tried: DeadEnd) -> None:
    """What they contest is left, and each of them."""
    owner = locked_by_the_dead(tried, "locked-two")
    before, plain = blacklist(tried.lab), Plain(tried.lab, "locked-two")
    other = Plain(tried.lab, "locked-two")
    tried.ends("two living", tried.play(images=["rbd/locked-two"]), "partly_healed", "contested", WORDS)
    tried.check("two living: the lock is not the dead one's", holder(tried.lab, "locked-two") != owner, owner)
    tried.check("two living: neither is fenced", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.check("two living: the one writes", plain.writes() == "", "it does not")
    plain.end()
    other.end()


def on_the_blacklist(tried: DeadEnd) -> None:
    """Somebody else fenced the owner already, and broke no lock."""
    owner = locked_by_the_dead(tried, "locked-listed")
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "blocklist", "add", owner, "7200")
    before = blacklist(tried.lab)
    tried.ends("fenced by somebody else", tried.play(images=["rbd/locked-listed"]), "healed", f"broke the lock of {owner}")
    tried.check("fenced by somebody else: the lock is gone", holder(tried.lab, "locked-listed") == "", owner)
    tried.check("fenced by somebody else: the entry stays", blacklist(tried.lab) == before, blacklist(tried.lab))
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "blocklist", "rm", owner)


def owner_that_lives(tried: DeadEnd) -> None:
    """It has a session, and the lock, and lost its watch."""
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
    tried.ends("a lock that somebody made", tried.play(images=["rbd/locked-by-hand"]), "nothing_to_do")
    tried.check("a lock that somebody made stays", holder(lab, "locked-by-hand") != "", "it is gone")


CASES: tuple[t.Callable[[DeadEnd], None], ...] = (nobody_else, one_living, two_living, on_the_blacklist, owner_that_lives, made_by_hand)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    for case in CASES:
        case(tried)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

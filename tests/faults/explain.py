# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook explain says why an image cannot be used, and what to do next. Tried in all kinds of trouble, as an admin and as the user of ceph_user.yml.

usage: explain.py LAB PORT, of a lab that is up

Prints a line for each check, and exits with 1 if one failed. The explanations themselves are printed, too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import typing as t
from pathlib import Path

from aftermath import blacklist
from dead_end import DeadEnd, locked
from lab import Lab

USER = "client.explainer"


class Explained:
    def __init__(self, tried: DeadEnd) -> None:
        self.tried, self.lab, self.file = tried, tried.lab, tried.lab.directory / "explained.json"

    def rbd(self, *words: str) -> None:
        self.lab.run("rbd", "--conf", self.lab.conf, *words)

    def of(self, asked: t.Mapping[str, str], **settings: t.Any) -> dict[str, t.Any]:
        self.file.unlink(missing_ok=True)
        told = {"remediate_watchers_notify_timeout": 3, "explain_json": str(self.file), **settings}
        done = self.lab.play("playbooks/explain.yml", {**told, **asked})
        if done.returncode or not self.file.exists():
            return {"lines": [], "next": (done.stdout + done.stderr)[-1500:], "mapped": [], "written": [], "deleted": []}
        return t.cast(dict[str, t.Any], json.loads(self.file.read_text()))

    def says(self, image: str, step: str, asked: t.Mapping[str, str] | None = None, settings: t.Mapping[str, t.Any] | None = None, **why: str) -> None:
        """``step``: how the next step begins; ``why``: a part of the reasons why it cannot be ``mapped``, ``written`` or ``deleted``, '' if it can."""
        found = self.of(asked or {"image": f"rbd/{image}"}, **(settings or {}))
        print(*(f"        {line}" for line in found["lines"]), sep="\n")
        wrong = [f"{what}: {found[what]}" for what, words in why.items() if (words not in "; ".join(found[what]) if words else found[what])]
        wrong += [] if found["next"].startswith(step) else [f"next: {found['next']}"]
        self.tried.check(f"{image} {asked or ''}: {step}", not wrong, wrong)


def of_clients(one: Explained) -> None:
    lab = one.lab
    lab.inject("stale")
    stopped = lab.inject("stopped", "zombie")
    lab.inject("two", "contested")
    lab.create("left", "layering,exclusive-lock")
    lab.orphan("left", "left")
    lab.create("paused", "layering,exclusive-lock")
    paused = lab.client("paused", "paused")
    os.kill(paused["pid"], signal.SIGSTOP)
    locked(lab, "locked")
    one.says("datastore1", "Nothing is wrong with it.", written="", deleted="has it open")
    one.says("stale", "To heal it, ", written="writes of all other clients wait", deleted="does not respond")
    one.says("stopped", "To heal it, ", written="writes of all other clients wait")
    one.says("two", "More clients have it open than expected", mapped="two clients would write")
    one.says("left", "If it is no longer served, ", deleted="still watches it")
    one.says("paused", "End the silent client on its host.", deleted="still watches it")
    one.says("locked", "To heal it, ", written="is gone and does not watch it", deleted="exclusive lock belongs to")
    for pid in (stopped["pid"], paused["pid"]):
        os.kill(pid, signal.SIGKILL)


def of_the_blocklist(one: Explained) -> None:
    one.lab.create("fenced")
    client = one.lab.client("fenced", "fenced")
    one.lab.run("ceph", "--conf", one.lab.conf, "osd", "blocklist", "add", client["address"], "600")
    one.rbd("lock", "add", "rbd/fenced", "mine")
    one.says(
        "fenced", "Find out which operator took that lock. If it is not needed: rbd lock rm rbd/fenced mine client.", deleted="took its lock by 'rbd lock add'"
    )
    one.lab.run("ceph", "--conf", one.lab.conf, "osd", "blocklist", "rm", client["address"])
    os.kill(client["pid"], signal.SIGKILL)


def of_ceph_itself(one: Explained) -> None:
    one.rbd("create", "rbd/parent", "--size", "8M")
    one.rbd("snap", "create", "--no-progress", "rbd/parent@protected")
    one.rbd("snap", "protect", "rbd/parent@protected")
    one.rbd("clone", "rbd/parent@protected", "rbd/child")
    one.rbd("create", "rbd/shots", "--size", "8M")
    one.rbd("snap", "create", "--no-progress", "rbd/shots@first")
    one.rbd("create", "rbd/member", "--size", "8M")
    one.rbd("group", "create", "rbd/crowd")
    one.rbd("group", "image", "add", "rbd/crowd", "rbd/member")
    one.rbd("create", "rbd/moving", "--size", "8M")
    one.rbd("migration", "prepare", "rbd/moving", "rbd/moved")
    one.rbd("create", "rbd/dropped", "--size", "8M")
    one.rbd("trash", "mv", "rbd/dropped")
    one.rbd("create", "rbd/idle", "--size", "8M")
    one.says("parent", "Nothing prevents writes. To delete it, first flatten its clones", mapped="", deleted="it has clones: rbd/child")
    one.says("shots", "Nothing prevents writes. To delete it, first remove its snapshots: rbd snap purge rbd/shots", deleted="it has snapshots: first")
    one.says("member", "Nothing prevents writes. To delete it, first take it out of its group", deleted="it belongs to the group crowd")
    one.says("moving", "Use the destination of that migration: ", mapped="source of a migration")
    one.says("moved", "When no client has the source open: rbd migration execute rbd/moved", mapped="does not support its features: migrating", written="")
    one.says("dropped", "Restore it: rbd trash restore rbd/", deleted="it is in the trash")
    one.says("none", "Check the name with: rbd ls rbd", mapped="there is no image of this name")
    one.says("idle", "Nothing prevents mapping, writing or deleting it.", mapped="", written="", deleted="")


def of_a_lun(one: Explained) -> None:
    serial_of = one.lab.lun("datastore1")["lun"]
    one.says("by its LUN", "Nothing is wrong with it.", {"lun": str(serial_of)}, written="")
    one.says("by no LUN", "", {"lun": "99"})
    for wrong in ({"lun": "99"}, {"device": "eui.0000000000000001"}, {"imagee": "rbd/stale"}):
        found = one.of(wrong)
        one.tried.check(f"{wrong} is refused", "Give image, device or lun" in found["next"], found["next"])


def as_the_least(one: Explained) -> None:
    """Checks that the explanation says what the user could not read."""
    keyring = one.lab.directory / "explainer.keyring"
    made = one.lab.play("playbooks/ceph_user.yml", {"ceph_user_name": USER, "ceph_user_keyring": str(keyring), "remediate_watchers_ceph_conf": one.lab.conf})
    one.tried.check("the user is made", made.returncode == 0, made.stdout[-2000:])
    mine = {"remediate_watchers_ceph_client": USER, "remediate_watchers_ceph_keyring": str(keyring)}
    one.says("stale", "To heal it, ", settings=mine, written="writes of all other clients wait")
    found = one.of({"image": "rbd/parent"}, **mine)
    one.tried.check("what the user cannot read is reported", any("clones could not be read" in gap for gap in found.get("gaps", [])), found)


def ours(lab: Lab) -> list[str]:
    """Returns the objects that this collection made."""
    return sorted(name for name in lab.run("rados", "--conf", lab.conf, "--pool", "rbd", "ls").split() if "cephops" in name)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    one, before = Explained(tried), (blacklist(tried.lab), ours(tried.lab))
    for cases in (of_clients, of_the_blocklist, of_ceph_itself, of_a_lun, as_the_least):
        cases(one)
    after = (blacklist(tried.lab), ours(tried.lab))
    tried.check("nothing was changed", after == before, after)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run reports living clients that are fenced, each with its entry and, if known, the run that added it. It touches no such entry. On a fenced host, a run
names the entry, and ends.

usage: fenced.py LAB PORT, of a lab that is up; its target is unusable afterwards

Prints a line for each check, and exits with 1 if one failed.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from aftermath import blacklist
from dead_end import DeadEnd
from lab import Lab


def blocklist(tried: DeadEnd, *words: str) -> None:
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "blocklist", *words)


def by_another_operator(tried: DeadEnd) -> None:
    tried.lab.create("shut-out")
    client = tried.lab.client("shut-out", "shut-out")
    blocklist(tried, "add", client["address"], "600")
    before = blacklist(tried.lab)
    words = f"{client['address']} (client.admin on ", "is alive and fenced by", "Then restart the client."
    tried.ends("fenced by another operator", tried.play(images=["rbd/shut-out"]), "nothing_to_do", *words)
    tried.check("fenced by another operator: the entry stays", blacklist(tried.lab) == before, blacklist(tried.lab))
    blocklist(tried, "rm", client["address"])
    os.kill(client["pid"], signal.SIGKILL)


def by_a_run(tried: DeadEnd) -> None:
    """Checks that a run on another image names the run that fenced."""
    stopped = tried.lab.inject("zombie", "zombie")
    tried.ends("a stopped client", tried.play(images=["rbd/zombie"]), "healed_restore_pending")
    tried.lab.create("other")
    done = tried.play(images=["rbd/other"])
    tried.ends("fenced by a run", done, "nothing_to_do", f"fenced by {stopped['address']} until", "by run", "of this role")
    os.kill(stopped["pid"], signal.SIGKILL)


def this_host(tried: DeadEnd) -> None:
    """Fences 127.0.0.1, where every client of the lab is."""
    for entry, add, remove in (
        ("127.0.0.1:0/0", ("add", "127.0.0.1", "600"), ("rm", "127.0.0.1")),
        ("127.0.0.0/30", ("range", "add", "127.0.0.0/30", "600"), ("range", "rm", "127.0.0.0/30")),
    ):
        blocklist(tried, *add)
        for playbook, settings in (("remediate_watchers", {"remediate_watchers_images": ["rbd/other"]}), ("remediate_watchers", {}), ("restore_blacklist", {})):
            done = tried.lab.play(f"playbooks/{playbook}.yml", {"remediate_watchers_report_dir": "", **settings})
            said, words = " ".join((done.stdout + done.stderr).split()), f"This host is itself on the blocklist: {entry}, until "
            tried.check(f"{playbook} {settings} on a host that is fenced by {entry}", done.returncode == 2 and words in said, said[-2000:])
        blocklist(tried, *remove)


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    by_another_operator(tried)
    by_a_run(tried)
    this_host(tried)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as the user that ceph_user.yml makes: it heals, each cap that is missing is named before anything is fenced, and the key can do nothing else.

usage: least_privilege.py LAB PORT, of a lab that is up

Prints a line for each try and ends with 1 when one did not go as it should.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import fencing
from lab import BLACKLIST, Lab

NAME = "client.iscsi-rescue"
QUICK = {"remediate_watchers_notify_timeout": 1, "remediate_watchers_probe_deadline": 3}
# The Ceph side needs no root; the modules run as this user.
NOBODY = {"ansible_become": True, "ansible_become_method": "su", "ansible_become_user": "nobody", "ansible_become_flags": "-s /bin/sh"}
# What each removed cap is called in the sentence that asks for it.
WORDS = {
    "profile rbd": "profile rbd",
    'allow command "osd blocklist" with blocklistop=rm': "with blocklistop=rm",
    "allow command sessions": "allow command sessions",
    "allow rwx object_prefix cephops_iscsi_rescue.leases": "cephops_iscsi_rescue.leases",
}
# Of the other word for the list, on this release.
UNUSED = ('allow command "osd blacklist" with blacklistop=rm',)


class Privilege:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        # Only root may enter the lab's own directory.
        self.home = Path(tempfile.mkdtemp(prefix="iscsi_rescue_nobody."))
        self.home.chmod(0o755)
        self.keyring, self.conf = self.home / "keyring", self.home / "ceph.conf"
        self.conf.write_text(Path(lab.conf).read_text())
        self.conf.chmod(0o644)
        self.reports = self.home / "reports"
        self.reports.mkdir()
        shutil.chown(self.reports, "nobody")
        self.faults: list[str] = []
        self.said = ""

    def check(self, what: str, holds: bool, why: str = "") -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else ': ' + why}", flush=True)
        if not holds:
            self.faults.append(what)

    def ceph(self, *words: str) -> str:
        command = ["ceph", "--conf", self.lab.conf, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def make(self, tier: str) -> str:
        """How often the playbook changed something."""
        done = self.lab.play("playbooks/ceph_user.yml", {"ceph_user_keyring": str(self.keyring), "ceph_user_owner": "nobody", "ceph_user_tier": tier})
        self.said += done.stdout + done.stderr
        return next((word for word in done.stdout.split() if word.startswith("changed=")), done.stdout)

    def heal(self, **settings: t.Any) -> str:
        # The controller is here, and so runs as that user, too.
        user = {
            "remediate_watchers_report_dir": str(self.reports),
            "remediate_watchers_ceph_client": NAME,
            "remediate_watchers_ceph_keyring": str(self.keyring),
            "remediate_watchers_ceph_conf": str(self.conf),
        }
        done = self.lab.play("playbooks/remediate_watchers.yml", {**QUICK, **user, **NOBODY, **settings}, ANSIBLE_CALLBACK_RESULT_FORMAT="json")
        self.said += done.stdout + done.stderr
        return done.stdout + done.stderr

    def blacklist(self) -> dict[str, t.Any]:
        found = fencing.apply({**self.lab.connection, **BLACKLIST}, dry_run=False)
        return {"entries": found.after, "leases": found.leases}

    def caps(self) -> dict[str, list[str]]:
        (user,) = json.loads(self.ceph("auth", "get", NAME, "--format", "json"))
        return {kind: words.split(", ") for kind, words in user["caps"].items()}

    def give(self, caps: dict[str, list[str]]) -> None:
        self.ceph("auth", "caps", NAME, *(word for kind, words in caps.items() for word in (kind, ", ".join(words))))


def heals(tried: Privilege, tier: str, survey: str) -> None:
    changed = [tried.make(tier), tried.make(tier)]
    tried.check(f"{tier}: the playbook makes the user once", changed[1] == "changed=0" and changed[0] != "changed=0", str(changed))
    tried.lab.inject(f"tier-{tier}")
    before = tried.blacklist()
    said = tried.heal(remediate_watchers_survey=survey)
    tried.check(f"{tier}: heals", "healed, looked at" in said and "-> healthy" in said, said[-3000:])
    tried.check(f"{tier}: leaves nothing", tried.blacklist() == before, str(tried.blacklist()))


def lacks(tried: Privilege) -> None:
    """With one cap less each time: nobody is fenced, and the cap is named."""
    tried.make("image")
    whole, before = tried.caps(), tried.blacklist()
    tried.lab.inject("lacking")
    for kind, words in whole.items():
        for word in words:
            if word not in UNUSED:
                tried.give({**whole, kind: [other for other in words if other != word]})
                # Only who names an image has it looked up by its name.
                named = {"remediate_watchers_images": ["rbd/lacking"]} if "rbd_id." in word else {}
                said = tried.heal(remediate_watchers_survey="image", **named)
                wanted = WORDS.get(word, word.rpartition(" ")[2])
                tried.check(f"without {kind} '{word}': it is named", wanted in said, said[-3000:])
                tried.check(f"without {kind} '{word}': nobody is fenced", tried.blacklist() == before, str(tried.blacklist()))
    tried.give(whole)
    said = tried.heal(remediate_watchers_survey="image")
    tried.check("with all of them again: heals", "healed, looked at" in said, said[-3000:])


def can_do_nothing_else(tried: Privilege) -> None:
    tried.make("image")
    run = ["--conf", tried.lab.conf, "--name", NAME, "--keyring", str(tried.keyring)]
    tried.ceph("osd", "pool", "create", "other", "8")
    for pool in ("rbd", "other"):
        subprocess.run(["rados", "--conf", tried.lab.conf, "--pool", pool, "put", "rbd_data.secret", "/dev/null"], check=True, timeout=60)
    header = json.loads(subprocess.run(["rbd", "--conf", tried.lab.conf, "info", "rbd/lacking", "--format", "json"], check=True, capture_output=True).stdout)[
        "id"
    ]
    forbidden = {
        "read an image's data": ["rados", *run, "--pool", "rbd", "get", "rbd_data.secret", "/dev/null"],
        "read another pool": ["rados", *run, "--pool", "other", "get", "rbd_data.secret", "/dev/null"],
        "delete data": ["rados", *run, "--pool", "rbd", "rm", "rbd_data.secret"],
        "delete a header": ["rados", *run, "--pool", "rbd", "rm", f"rbd_header.{header}"],
        "delete an image": ["rbd", *run, "rm", "rbd/lacking"],
        "change an image": ["rbd", *run, "resize", "rbd/lacking", "--size", "1G"],
        "export an image": ["rbd", *run, "export", "rbd/lacking", "-"],
        "break a lock": ["rbd", *run, "lock", "rm", "rbd/lacking", "auto 1", "client.1"],
        "clear the blacklist": ["ceph", *run, "osd", "blocklist", "clear"],
        "make a pool": ["ceph", *run, "osd", "pool", "create", "mine", "8"],
        "read keys": ["ceph", *run, "auth", "get", "client.admin"],
        "change the configuration": ["ceph", *run, "config", "set", "global", "debug_ms", "1"],
        "ask an OSD for all its watchers": ["ceph", *run, "tell", "osd.0", "dump_watchers"],
    }
    for what, command in forbidden.items():
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        refused = done.returncode != 0 and any(
            word in done.stderr for word in ("EACCES", "EPERM", "Operation not permitted", "Permission denied", "access denied")
        )
        tried.check(f"the key cannot {what}", refused, f"{done.returncode} {done.stdout[-300:]} {done.stderr[-500:]}")


def main() -> None:
    tried = Privilege(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    for tier, survey in (("image", "image"), ("fleet", "sweep")):
        heals(tried, tier, survey)
    lacks(tried)
    can_do_nothing_else(tried)
    key = tried.ceph("auth", "print-key", NAME).strip()
    reports = "".join(path.read_text() for path in tried.reports.iterdir())
    tried.check("the key is in no output and no report", key not in tried.said + reports)
    shutil.rmtree(tried.home)
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

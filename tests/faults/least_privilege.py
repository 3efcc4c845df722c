# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as the user that ceph_user.yml makes. It heals, also with a key that only the controller has. Each missing cap is named before anything is
fenced, and the key can do nothing else.

usage: least_privilege.py LAB PORT, of a lab that is up

In both tiers an orphan is healed, and a stopped client is fenced. When that client is ended, its entry is removed. All runs are at -vvv with --diff. Their
output, their reports and the command lines of all processes meanwhile hold neither the key nor the CHAP password. What the key cannot do, an admin's key
can, so it is the key that is refused. Prints a line for each try, and exits with 1 if one failed.

Seen to fail: without ``no_log`` on the option chap_password of scsi_reserve_probe the CHAP password is in the output.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from aftermath import outcome
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from dead_end import holder, locked
from lab import BLACKLIST, Lab

NAME = "client.iscsi-rescue"
QUICK = {"remediate_watchers_notify_timeout": 1, "remediate_watchers_probe_deadline": 3, "remediate_watchers_patience": 3}
# The Ceph side needs no root; the modules run as this user.
NOBODY = {
    "ansible_become": True,
    "ansible_become_method": "su",
    "ansible_become_user": "nobody",
    "ansible_become_flags": "-s /bin/sh",
    # The checkout's own Python might be below the home of root, which this user cannot enter.
    "ansible_python_interpreter": "/usr/bin/python3",
}
SECRET = "chap-secret-0123456789"
# Makes Ansible print all that it can.
LOUD = {"ANSIBLE_VERBOSITY": "3", "ANSIBLE_DIFF_ALWAYS": "true", "CHAP_SECRET": SECRET}
SAMPLE_S, LOOKS = 0.02, 10
# What each removed cap is called in the sentence that asks for it. Ceph's refusal says only what was tried; that needs all of these prefixes.
LISTING = "the osd cap 'allow r class-read' on rbd_directory, rbd_trash and rbd_namespace"
OPENING = "the osd cap 'allow r class-read' on rbd_id., rbd_header. and rbd_info"
SENTENCES = {
    "profile rbd": "the mon cap 'profile rbd'",
    'allow command "osd blocklist" with blocklistop=rm': "the mon cap 'allow command \"osd blocklist\" with blocklistop=rm'",
    "allow command sessions": "the mon cap 'allow command sessions'",
    "allow rwx object_prefix cephops_iscsi_rescue.leases": "the osd cap 'allow rwx object_prefix cephops_iscsi_rescue.leases'",
    **{f"allow r class-read object_prefix {prefix}": LISTING for prefix in ("rbd_directory", "rbd_trash", "rbd_namespace")},
    **{f"allow r class-read object_prefix {prefix}": OPENING for prefix in ("rbd_id.", "rbd_header.", "rbd_info")},
    # Without this cap, the run names the first osd cap that it misses.
    "allow *": "the osd cap '",
}
# It tells which clients are rbd-mirrors. That matters only for clients that might be alive.
SERVICE_MAP = 'allow command "service dump"'
# Only for a lock whose owner is gone.
BREAKING = "allow class lock break_lock object_prefix rbd_header."
# These, and the list's other name, which this release does not know.
UNUSED = (SERVICE_MAP, BREAKING, 'allow command "osd blacklist" with blacklistop=rm')
REFUSALS = ("EACCES", "EPERM", "Operation not permitted", "Permission denied", "access denied")


class CommandLines:
    """All command lines that processes had while this was open."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> CommandLines:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        self.thread.join()

    def watch(self) -> None:
        looks: collections.Counter[str] = collections.Counter()
        while not self.over.wait(SAMPLE_S):
            for process in filter(str.isdigit, os.listdir("/proc")):
                looks[process] += 1
                # A process might end meanwhile. It has its parent's line at first, and its own from then on.
                with contextlib.suppress(OSError):
                    if looks[process] <= LOOKS:
                        self.seen.add(Path(f"/proc/{process}/cmdline").read_bytes())


class Privilege:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        # Only root can enter the lab's own directory.
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
        return self.lab.run("ceph", "--conf", self.lab.conf, *words)

    def make(self, tier: str) -> str:
        """Makes the user. Returns how often the playbook changed something."""
        settings = {"ceph_user_keyring": str(self.keyring), "ceph_user_owner": "nobody", "ceph_user_tier": tier}
        done = self.lab.play("playbooks/ceph_user.yml", settings, **LOUD)
        self.said += done.stdout + done.stderr
        return next((word for word in done.stdout.split() if word.startswith("changed=")), done.stdout)

    def heal(self, image: str, playbook: str = "remediate_watchers", **settings: t.Any) -> subprocess.CompletedProcess[str]:
        # The controller is here, and so runs as that user, too.
        user = {
            "remediate_watchers_report_dir": str(self.reports),
            "remediate_watchers_ceph_client": NAME,
            "remediate_watchers_ceph_keyring": str(self.keyring),
            "remediate_watchers_ceph_conf": str(self.conf),
            "remediate_watchers_luns": [self.lab.lun(image)],
            "remediate_watchers_probe_chap_user": "probe",
            "remediate_watchers_probe_chap_password": "{{ lookup('ansible.builtin.env', 'CHAP_SECRET') }}",
        }
        done = self.lab.play(f"playbooks/{playbook}.yml", {**QUICK, **user, **NOBODY, **settings}, ANSIBLE_CALLBACK_RESULT_FORMAT="json", **LOUD)
        self.said += done.stdout + done.stderr
        return done

    def ended(self, what: str, done: subprocess.CompletedProcess[str], *ends: str) -> None:
        self.check(what, outcome(done) in ends, f"{outcome(done)}: {done.stdout[-3000:]}{done.stderr[-1000:]}")

    def blacklist(self) -> dict[str, t.Any]:
        found = fence.apply({**self.lab.connection, **BLACKLIST}, dry_run=False)
        return {"entries": found.after, "leases": found.leases}

    def caps(self) -> dict[str, list[str]]:
        (user,) = json.loads(self.ceph("auth", "get", NAME, "--format", "json"))
        return {kind: words.split(", ") for kind, words in user["caps"].items()}

    def give(self, caps: dict[str, list[str]]) -> None:
        self.ceph("auth", "caps", NAME, *(word for kind, words in caps.items() if words for word in (kind, ", ".join(words))))


def heals(tried: Privilege, tier: str, survey: str) -> None:
    changed = [tried.make(tier), tried.make(tier)]
    tried.check(f"{tier}: the playbook makes the user once", changed[1] == "changed=0" and changed[0] != "changed=0", str(changed))
    before = tried.blacklist()
    tried.lab.inject(f"orphan-{tier}")
    done = tried.heal(f"orphan-{tier}", remediate_watchers_survey=survey)
    tried.ended(f"{tier}: heals an orphan", done, "healed")
    tried.check(f"{tier}: proves it", "-> healthy" in done.stdout, done.stdout[-3000:])
    stopped = tried.lab.inject(f"zombie-{tier}", "zombie")
    tried.ended(f"{tier}: fences a stopped client", tried.heal(f"zombie-{tier}", remediate_watchers_survey=survey), "healed_restore_pending")
    tried.check(f"{tier}: and keeps its entry", stopped["address"] in tried.blacklist()["entries"], str(tried.blacklist()))
    os.kill(stopped["pid"], signal.SIGKILL)
    time.sleep(1)
    tried.ended(f"{tier}: removes the entry when the client is ended", tried.heal(f"zombie-{tier}", remediate_watchers_survey=survey), "healed")
    tried.lab.create(f"left-{tier}", "layering,exclusive-lock")
    tried.lab.orphan(f"left-{tier}", f"left-{tier}")
    freed = tried.heal(f"orphan-{tier}", remediate_watchers_survey=survey, remediate_watchers_free=[f"rbd/left-{tier}"])
    tried.ended(f"{tier}: frees an image", freed, "healed")
    breaks(tried, tier, survey)
    tried.check(f"{tier}: leaves nothing", tried.blacklist() == before, str(tried.blacklist()))


def breaks(tried: Privilege, tier: str, survey: str) -> None:
    """Breaks the lock of a client that is gone. Without the cap for that, no client is fenced."""
    image, before, whole = f"locked-{tier}", tried.blacklist(), tried.caps()
    owner, settings = locked(tried.lab, image), {"remediate_watchers_survey": survey, "remediate_watchers_images": [f"rbd/{image}"]}
    if BREAKING in whole["osd"]:
        tried.give({**whole, "osd": [word for word in whole["osd"] if word != BREAKING]})
        done = tried.heal(f"orphan-{tier}", **settings)
        tried.check(f"{tier}, without '{BREAKING}': it is named", BREAKING in words(done), words(done)[-3000:])
        tried.check(f"{tier}, without '{BREAKING}': no client is fenced", tried.blacklist() == before, str(tried.blacklist()))
        tried.check(f"{tier}, without '{BREAKING}': the lock stays", holder(tried.lab, image) == owner, owner)
        tried.give(whole)
    tried.ended(f"{tier}: breaks the lock of a dead client", tried.heal(f"orphan-{tier}", **settings), "healed")
    tried.check(f"{tier}: the lock is gone", holder(tried.lab, image) == "", owner)


def from_the_controller(tried: Privilege) -> None:
    """Heals with a keyring of the controller, which only root can read. The modules run as ``nobody``, with a conf that names a file that is not there."""
    tried.make("image")
    theirs, bare = tried.home / "controller.keyring", tried.home / "bare.conf"
    theirs.write_text(tried.keyring.read_text())
    theirs.chmod(0o400)
    bare.write_text(re.sub(r"(?m)^keyring = .*$", f"keyring = {tried.home / 'none'}", tried.conf.read_text()))
    bare.chmod(0o644)
    name = "remediate_watchers_ceph_controller_keyring"
    here = {"remediate_watchers_ceph_conf": str(bare), "remediate_watchers_ceph_keyring": "", "remediate_watchers_survey": "image"}
    tried.lab.inject("controller")
    before = tried.blacklist()
    said = words(tried.heal("controller", **here))
    tried.check("controller: the host has no key", f"refused {NAME}" in said and "failed=1" in said, said[-3000:])
    for what, path in (("that is not there", str(tried.home / "none")), ("of another user", str(tried.lab.directory / "keyring"))):
        for playbook in ("remediate_watchers", "restore_blacklist"):
            said = words(tried.heal("controller", playbook, **here, **{name: path}))
            wanted = f"The controller has no file {path} with a key of {NAME}"
            tried.check(f"controller: {playbook} says that of a keyring {what}", wanted in said and "failed=1" in said, said[-3000:])
    said = words(tried.heal("controller", **{**here, "remediate_watchers_ceph_keyring": str(tried.keyring), name: str(theirs)}))
    tried.check("controller: not two keys at once", "mutually exclusive: keyring|key" in said, said[-3000:])
    tried.check("controller: no client was fenced", tried.blacklist() == before, str(tried.blacklist()))
    done = tried.heal("controller", **here, **{name: str(theirs)})
    tried.ended("controller: heals by its key", done, "healed")
    tried.check("controller: proves it", "-> healthy" in done.stdout, done.stdout[-3000:])
    said = words(tried.heal("controller", "restore_blacklist", **here, **{name: str(theirs)}))
    tried.check("controller: restores by its key", "failed=0" in said, said[-3000:])
    tried.check("controller: leaves nothing", tried.blacklist() == before, str(tried.blacklist()))


def lacks(tried: Privilege, tier: str, survey: str) -> None:
    """Takes one cap away at a time: no client is fenced, and that cap is named, and no other."""
    tried.make(tier)
    image = f"lacking-{tier}"
    tried.lab.inject(image)
    whole, before = tried.caps(), tried.blacklist()
    for kind, words in whole.items():
        for word in words:
            if word not in UNUSED:
                tried.give({**whole, kind: [other for other in words if other != word]})
                # Only a run that names an image looks it up by its name.
                settings = {"remediate_watchers_images": [f"rbd/{image}"]} if "rbd_id." in word else {}
                done = tried.heal(image, remediate_watchers_survey=survey, **settings)
                named = {cap for cap in SENTENCES.values() if cap in " ".join(re.findall(r"\[ERROR\].*", done.stdout + done.stderr))}
                tried.check(f"{tier}, without {kind} '{word}': it is named", SENTENCES[word] in named, (done.stdout + done.stderr)[-3000:])
                others = named - {SENTENCES[word], SENTENCES["allow *"]}
                tried.check(f"{tier}, without {kind} '{word}': no other is named", word == "allow *" or not others, str(others))
                tried.check(f"{tier}, without {kind} '{word}': the run fails", outcome(done) in ("stopped", "failed", "refused"), outcome(done))
                tried.check(f"{tier}, without {kind} '{word}': no client is fenced", tried.blacklist() == before, str(tried.blacklist()))
    tried.give(whole)
    tried.ended(f"{tier}, with all of them again: heals", tried.heal(image, remediate_watchers_survey=survey), "healed")


def spares_the_living(tried: Privilege) -> None:
    """Spares a stopped client while the key cannot read the service map: the client might be an rbd-mirror."""
    tried.make("image")
    stopped, whole, before = tried.lab.inject("mirror", "zombie"), tried.caps(), tried.blacklist()
    tried.give({**whole, "mon": [word for word in whole["mon"] if word != SERVICE_MAP]})
    done = tried.heal("mirror", remediate_watchers_survey="image")
    tried.ended("without the service map: a stopped client is spared", done, "refused")
    tried.check("without the service map: the cap is named", f"the mon cap '{SERVICE_MAP}'" in words(done).replace('\\"', '"'), words(done)[-3000:])
    tried.check("without the service map: no client is fenced", tried.blacklist() == before, str(tried.blacklist()))
    tried.give(whole)
    tried.ended("with it: it is fenced", tried.heal("mirror", remediate_watchers_survey="image"), "healed_restore_pending")
    os.kill(stopped["pid"], signal.SIGKILL)
    time.sleep(1)
    tried.ended("with it: the entry is removed when the client is ended", tried.heal("mirror", remediate_watchers_survey="image"), "healed")


def words(run: subprocess.CompletedProcess[str]) -> str:
    return run.stdout + run.stderr


def forbidden(tried: Privilege) -> dict[str, list[str]]:
    """Returns commands that would be worth something to a thief. The options that name the user go after the program."""
    for image in ("spare1", "spare2", "spare3"):
        tried.lab.create(image, "layering,exclusive-lock")
    tried.ceph("osd", "pool", "create", "other", "8")
    for pool in ("rbd", "other"):
        tried.lab.run("rados", "--conf", tried.lab.conf, "--pool", pool, "put", "rbd_data.secret", "/etc/hostname")
    tried.lab.run("rados", "--conf", tried.lab.conf, "--pool", "rbd", "put", "gateway.conf", "/etc/hostname")
    header = f"rbd_header.{json.loads(tried.lab.run('rbd', '--conf', tried.lab.conf, 'info', 'rbd/spare3', '--format', 'json'))['id']}"
    return {
        "read an image's data": ["rados", "--pool", "rbd", "get", "rbd_data.secret", "/dev/null"],
        "write an image's data": ["rados", "--pool", "rbd", "put", "rbd_data.secret", "/etc/hostname"],
        "delete data": ["rados", "--pool", "rbd", "rm", "rbd_data.secret"],
        "read another pool": ["rados", "--pool", "other", "get", "rbd_data.secret", "/dev/null"],
        "write to another pool": ["rados", "--pool", "other", "put", "rbd_data.secret", "/etc/hostname"],
        "write what a header holds": ["rados", "--pool", "rbd", "setomapval", header, "mine", "1"],
        "delete a header": ["rados", "--pool", "rbd", "rm", header],
        "read the CHAP passwords of ceph-iscsi": ["rados", "--pool", "rbd", "get", "gateway.conf", "/dev/null"],
        "export an image": ["rbd", "export", "--no-progress", "rbd/spare1", "-"],
        "change an image": ["rbd", "resize", "--no-progress", "rbd/spare2", "--size", "1G"],
        "take a lock": ["rados", "--pool", "rbd", "lock", "get", header, "rbd_lock", "--lock-cookie", "mine"],
        "delete an image": ["rbd", "rm", "--no-progress", "rbd/spare2"],
        "clear the blocklist": ["ceph", "osd", "blocklist", "clear"],
        "fence a host by its address": ["ceph", "osd", "blocklist", "add", "192.0.2.1"],
        "make a pool": ["ceph", "osd", "pool", "create", "mine", "8"],
        "read keys": ["ceph", "auth", "get", "client.admin"],
        "change the configuration": ["ceph", "config", "set", "global", "debug_ms", "0"],
        "ask an OSD for all its watchers": ["ceph", "tell", "osd.0", "dump_watchers"],
        # This is the last one, since an admin's key really gives the caps.
        "give itself caps": ["ceph", "auth", "caps", NAME, "mon", "allow *"],
    }


def can_do_nothing_else(tried: Privilege) -> None:
    tried.make("image")
    for what, (program, *words) in forbidden(tried).items():
        mine = ["timeout", "60", program, "--conf", tried.lab.conf, "--name", NAME, "--keyring", str(tried.keyring), *words]
        done = subprocess.run(mine, check=False, capture_output=True, text=True)
        refused = done.returncode != 0 and any(word in done.stderr for word in REFUSALS)
        tried.check(f"the key cannot {what}", refused, f"{done.returncode} {done.stdout[-300:]} {done.stderr[-500:]}")
        admin = subprocess.run(["timeout", "60", program, "--conf", tried.lab.conf, *words], check=False, capture_output=True, text=True)
        tried.check(f"and an admin's key can {what}", admin.returncode == 0, f"{admin.returncode} {admin.stderr[-500:]}")


def tells_nothing(tried: Privilege, lines: CommandLines) -> None:
    key = tried.ceph("auth", "print-key", NAME).strip()
    written = "".join(path.read_text() for path in tried.reports.iterdir())
    names = [path.suffix for path in tried.reports.iterdir()]
    tried.check("reports were written", ".html" in names and ".json" in names, str(names))
    tried.check("the runs said what modules are called with", '"chap_password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in tried.said)
    # It is in the command line of the playbook.
    tried.check("command lines were seen", any(b"remediate_watchers_probe_chap_user" in line for line in lines.seen))
    # Also the key in another user's keyring, which a mistake might name.
    admin = tried.ceph("auth", "print-key", "client.admin").strip()
    for what, secret in (("key", key), ("admin's key", admin), ("CHAP password", SECRET)):
        tried.check(f"the {what} is in no output", secret not in tried.said)
        tried.check(f"the {what} is in no report", secret not in written)
        tried.check(f"the {what} is in no command line", not any(secret.encode() in line for line in lines.seen))


def main() -> None:
    tried = Privilege(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    with CommandLines() as lines:
        for tier, survey in (("image", "image"), ("fleet", "sweep")):
            heals(tried, tier, survey)
            lacks(tried, tier, survey)
        from_the_controller(tried)
        spares_the_living(tried)
    can_do_nothing_else(tried)
    tells_nothing(tried, lines)
    shutil.rmtree(tried.home)
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

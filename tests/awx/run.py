# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx_setup.yml with the real modules of awx.awx against a stand-in of AWX's API, and what it made there run by the real ansible-runner on a lab.

usage: run.py LAB PORT COLLECTIONS, of a lab that is up, and the directory that holds ansible_collections/awx/awx

Prints a line for each try and ends with 1 when one did not go as it should.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import typing as t
from pathlib import Path

import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from lab import BLACKLIST, Lab
from launch import Job, launch
from stand_in import TOKEN, Store, serve

CHECKOUT = Path(__file__).parents[2]
CLIENT = "client.iscsi-rescue"
PREFIX = "iSCSI rescue"
CHAP = "a-secret-of-the-prober"
NOTIFICATION = {"type": "webhook", "configuration": {"url": "https://192.0.2.1/", "http_method": "POST", "headers": {}}}


class Setup:
    def __init__(self, lab: Lab, collections: str) -> None:
        self.lab, self.collections = lab, collections
        self.store = Store(CHECKOUT)
        self.server = serve(self.store, lab.port + 90)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.home = Path(tempfile.mkdtemp(prefix="iscsi_rescue_awx."))
        self.keyring, self.conf = self.home / "keyring", self.home / "ceph.conf"
        # The host has no key: its conf names a file that is not there.
        self.conf.write_text(re.sub(r"(?m)^keyring = .*$", f"keyring = {self.home / 'none'}", Path(lab.conf).read_text()))
        self.faults: list[str] = []

    def check(self, what: str, holds: bool, why: object = "") -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else f': {why}'}", flush=True)
        if not holds:
            self.faults.append(what)

    def run(self, **settings: t.Any) -> str:
        """What the playbook said."""
        path = os.pathsep.join([os.environ["ANSIBLE_COLLECTIONS_PATH"], self.collections])
        api = {"CONTROLLER_HOST": f"http://127.0.0.1:{self.server.server_port}", "CONTROLLER_OAUTH_TOKEN": TOKEN}
        # Ansible itself prints what stands on its command line.
        told = self.home / "settings.json"
        told.write_text(json.dumps({**self.settings(), **settings}))
        command = ["ansible-playbook", "-vvvv", "playbooks/awx_setup.yml", "--extra-vars", f"@{told}"]
        environment = {**os.environ, **api, "ANSIBLE_COLLECTIONS_PATH": path}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True, timeout=300)
        return done.stdout + done.stderr

    def settings(self) -> dict[str, t.Any]:
        inventory = yaml.load((self.lab.directory / "inventory.yml").read_text(), Loader=Loose)["all"]
        return {
            "awx_setup_image": "registry.example/iscsi-rescue-ee:0.1.0",
            "awx_setup_groups": {name: list(group["hosts"]) for name, group in inventory["children"].items()},
            "awx_setup_hosts": {"lab": {"ansible_connection": "local"}},
            "awx_setup_variables": {**inventory["vars"], "remediate_watchers_ceph_conf": str(self.conf)},
            "awx_setup_keyring": str(self.keyring),
            "awx_setup_chap_user": "prober",
            "awx_setup_chap_password": CHAP,
            "awx_setup_inventory_file": "inventory.yml",
            "awx_setup_notification": NOTIFICATION,
        }

    def key(self) -> str:
        command = ["ceph", "--conf", self.lab.conf, "auth", "print-key", CLIENT]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def launch(self, name: str, **answers: t.Any) -> Job:
        return launch(self.store, self.store.named("job_templates", f"{PREFIX}: {name}"), answers)

    def blacklist(self) -> dict[str, t.Any]:
        found = fence.apply({**self.lab.connection, **BLACKLIST}, dry_run=False)
        return {"entries": found.after, "leases": found.leases}


class Loose(yaml.SafeLoader):
    """Takes Ansible's own tag, too."""


Loose.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def makes(tried: Setup) -> None:
    """Once, and nothing more the second time."""
    first = tried.run()
    tried.check("the playbook runs, each of its tasks", "failed=0" in first and "skipped=0" in first, first[-3000:])
    writes = list(tried.store.writes)
    again = tried.run()
    tried.check(
        "a second run changes nothing", "changed=0" in again and "failed=0" in again, [line for line in again.splitlines() if line.startswith("changed")]
    )
    tried.check("a second run writes nothing", tried.store.writes == writes, tried.store.writes[len(writes) :])
    tried.check("the key and the CHAP password are in no output", not any(secret in first + again for secret in (tried.key(), CHAP)))


def holds(tried: Setup) -> None:
    store = tried.store
    jobs = {name: store.named("job_templates", f"{PREFIX}: {name}") for name in ("detect", "heal", "restore")}
    tried.check("detect looks only", [job["job_type"] for job in jobs.values()] == ["check", "run", "run"])
    secrets = [field["id"] for field in store.named("credential_types", f"{PREFIX}: Ceph key")["inputs"]["fields"] if field.get("secret")]
    tried.check("the key is a secret of the credential", secrets == ["keyring"], secrets)
    others = json.dumps({endpoint: list(things.values()) for endpoint, things in store.things.items() if endpoint != "credentials"})
    tried.check("the key is nowhere else", tried.key() not in others and tried.key() in store.named("credentials", PREFIX)["inputs"]["keyring"])
    nodes = {name: store.named("workflow_job_template_nodes", name) for name in ("detect", "approve", "heal")}
    leads = {name: store.joined["workflow_job_template_nodes", node["id"], "success_nodes"] for name, node in nodes.items()}
    tried.check(
        "detect leads to a person, who leads to heal", leads == {"detect": [nodes["approve"]["id"]], "approve": [nodes["heal"]["id"]], "heal": []}, leads
    )
    approval = store.get("workflow_approval_templates", nodes["approve"]["unified_job_template"])
    tried.check("the person has a day", approval["timeout"] == 86400, approval)
    notified = store.joined["workflow_job_templates", store.named("workflow_job_templates", PREFIX)["id"], "notification_templates_approvals"]
    tried.check("and is told", notified == [store.named("notification_templates", PREFIX)["id"]], notified)
    schedule = store.named("schedules", f"{PREFIX}: detect")
    asked = {question["variable"] for question in store.surveys["job_templates", jobs["detect"]["id"]]["spec"]}
    tried.check("the schedule answers what detect asks", set(schedule["extra_data"]) <= asked and schedule["unified_job_template"] == jobs["detect"]["id"])


def refuses(tried: Setup) -> None:
    writes = list(tried.store.writes)
    give, image = "Give the image made from", {"awx_setup_image": "x"}
    wrong: dict[str, tuple[dict[str, t.Any], str]] = {
        "no image": ({"awx_setup_image": ""}, give),
        "a keyring that is not there": ({"awx_setup_keyring": str(tried.home / "none")}, give),
        "a variable that an empty answer would hide": ({"awx_setup_variables": {"remediate_watchers_protect": ["192.0.2.0/24"]}}, give),
        "a CHAP user without a password": ({"awx_setup_chap_password": ""}, give),
        "a misspelt option": ({**image, "awx_setup_imagee": "x"}, "did you mean awx_setup_image?"),
        "a misspelt default": ({"awx_setup_defaults": {"remediate_watchers_protected": []}}, "did you mean remediate_watchers_protect?"),
        "a misspelt variable": ({"awx_setup_variables": {"remediate_watchers_lun": []}}, "did you mean remediate_watchers_luns?"),
        "a misspelt group": ({"awx_setup_groups": {"ceph_admins": ["lab"]}}, "did you mean ceph_admin?"),
        "a host without a group": ({"awx_setup_hosts": {"labb": {}}}, "There is no host in awx_setup_groups labb"),
        "a password in clear": ({"awx_setup_variables": {"remediate_watchers_probe_chap_password": CHAP}}, "would store in clear"),
    }
    for what, (settings, words) in wrong.items():
        said = " ".join(tried.run(**settings).split())
        tried.check(f"{what}: refused before anything is made", "failed=1" in said and words in said and tried.store.writes == writes, said[-2000:])
        tried.check(f"{what}: no password is shown", CHAP not in said, said[-300:])


def heals(tried: Setup) -> None:
    """A broken LUN, by the surveys' defaults, with the key from the credential's file only."""
    before = tried.blacklist()
    tried.lab.inject("awx")
    found = tried.launch("detect")
    tried.check("detect says what a run would do", found.status == "successful" and "would_heal" in found.said, found.said[-3000:])
    by_schedule = tried.launch("detect", **tried.store.named("schedules", f"{PREFIX}: detect")["extra_data"])
    tried.check("by the schedule it fails, and says why", by_schedule.status == "failed" and "would_heal: fence" in by_schedule.said, by_schedule.said[-3000:])
    tried.check("both changed nothing", tried.blacklist() == before, tried.blacklist())
    protected = tried.launch("heal", remediate_watchers_protect="192.0.2.0/24\n127.0.0.0/8\n")
    tried.check("whom the survey protects is not fenced", protected.status == "failed" and "refused" in protected.said, protected.said[-3000:])
    elsewhere = tried.launch("detect", remediate_watchers_images="rbd/datastore1\n\n")
    tried.check("images of the survey are all that is looked at", "nothing_to_do, looked at 1 image" in elsewhere.said, elsewhere.said[-3000:])
    healed = tried.launch("heal")
    tried.check("heal heals", healed.status == "successful" and "healed, looked at" in healed.said, healed.said[-3000:])
    tried.check("and leaves nothing", tried.blacklist() == before, tried.blacklist())
    restored = tried.launch("restore")
    tried.check("restore runs", restored.status == "successful", restored.said[-3000:])
    jobs = [found, by_schedule, protected, elsewhere, healed, restored]
    tried.check("the key is in nothing that AWX keeps of these jobs", not any(tried.key() in job.said + job.kept for job in jobs))


def main() -> None:
    tried = Setup(Lab(Path(sys.argv[1]), int(sys.argv[2])), sys.argv[3])
    made = tried.lab.play("playbooks/ceph_user.yml", {"ceph_user_keyring": str(tried.keyring)})
    tried.check("there is a Ceph user", made.returncode == 0, made.stdout)
    for part in (makes, holds, refuses, heals):
        part(tried)
    for path in (tried.keyring, tried.conf, tried.home / "settings.json"):
        path.unlink()
    tried.home.rmdir()
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

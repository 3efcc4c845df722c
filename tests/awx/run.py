# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs awx_setup.yml with the real modules of awx.awx on a stand-in of AWX's API. Then the real ansible-runner runs what it made, on a lab.

usage: run.py LAB PORT COLLECTIONS [PART ...], of a lab that is up, the directory that holds ansible_collections/awx/awx, and which functions below (all)

Prints a line for each try and ends with 1 when one did not go as it should.
"""

from __future__ import annotations

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

import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from lab import BLACKLIST, Lab
from launch import Job, launch
from stand_in import ORGANIZATION_TOKEN, TOKEN, Store, serve
from workflow import Ended
from workflow import run as run_workflow

CHECKOUT = Path(__file__).parents[2]
CLIENT = "client.iscsi-rescue"
PREFIX = "iSCSI rescue"
CHAP = "a-secret-of-the-prober"
NOTIFICATION = {"type": "webhook", "configuration": {"url": "https://192.0.2.1/", "http_method": "POST", "headers": {}}}


class Setup:
    """``seen``: the tasks that did something in any run."""

    def __init__(self, lab: Lab, collections: str) -> None:
        self.lab, self.collections = lab, collections
        self.home = Path(tempfile.mkdtemp(prefix="iscsi_rescue_awx."))
        self.store = Store(self.home / "projects")
        self.server = serve(self.store, lab.port + 90)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.keyring, self.conf, self.ssh_key = self.home / "keyring", self.home / "ceph.conf", self.home / "ssh_key"
        # The host has no key: its conf names a file that does not exist.
        self.conf.write_text(re.sub(r"(?m)^keyring = .*$", f"keyring = {self.home / 'none'}", Path(lab.conf).read_text()))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.ssh_key)], check=True)
        self.repository = self._repository()
        self.faults: list[str] = []
        self.seen: set[str] = set()

    def _repository(self) -> Path:
        """This checkout as a repository, with the lab's inventory in it."""
        place = self.home / "repository"
        subprocess.run([str(CHECKOUT / "tests" / "copy.sh"), str(place), "."], check=True)
        self.git("init", "--quiet", "--initial-branch=main")
        (place / "inventory.yml").write_text((self.lab.directory / "inventory.yml").read_text())
        return self.commit(place)

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        subprocess.run(["git", "-C", str(self.home / "repository"), *who, *words], check=True)

    def commit(self, place: Path) -> Path:
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message=Change it")
        return place

    def check(self, what: str, holds: bool, why: object = "") -> None:
        print(f"{'ok' if holds else 'FAILED':<8}{what}{'' if holds else f': {why}'}", flush=True)
        if not holds:
            self.faults.append(what)

    def run(self, *words: str, token: str = TOKEN, **settings: t.Any) -> str:
        """What the playbook said. ``words``: more of the command line."""
        path = os.pathsep.join([os.environ["ANSIBLE_COLLECTIONS_PATH"], self.collections])
        api = {"CONTROLLER_HOST": f"http://127.0.0.1:{self.server.server_port}", "CONTROLLER_OAUTH_TOKEN": token}
        # Ansible itself prints what stands on its command line.
        told = self.home / "settings.yml"
        told.write_text(yaml.dump({**self.settings(), **settings}, Dumper=Dumper))
        password = self.home / "vault"
        password.write_text(VAULT)
        command = ["ansible-playbook", "-vvvv", "playbooks/awx_setup.yml", "--extra-vars", f"@{told}", "--vault-password-file", str(password), *words]
        environment = {**os.environ, **api, "ANSIBLE_COLLECTIONS_PATH": path}
        done = subprocess.run(command, cwd=CHECKOUT, env=environment, check=False, capture_output=True, text=True, timeout=300)
        self.seen |= _did(done.stdout)
        return done.stdout + done.stderr

    def settings(self) -> dict[str, t.Any]:
        inventory = yaml.load((self.lab.directory / "inventory.yml").read_text(), Loader=Loose)["all"]
        return {
            "awx_setup_image": "registry.example/iscsi-rescue-ee:0.1.0",
            "awx_setup_scm_url": str(self.repository),
            "awx_setup_groups": {name: list(group["hosts"]) for name, group in inventory["children"].items()},
            "awx_setup_hosts": {"lab": {"ansible_connection": "local"}},
            "awx_setup_variables": {**inventory["vars"], "remediate_watchers_ceph_conf": str(self.conf)},
            "awx_setup_keyring": str(self.keyring),
            "awx_setup_chap_user": "prober",
            "awx_setup_chap_password": CHAP,
            "awx_setup_machine_key": str(self.ssh_key),
            "awx_setup_scm_key": str(self.ssh_key),
            "awx_setup_notification": NOTIFICATION,
        }

    def secrets(self) -> list[str]:
        return [self.key(), CHAP, self.ssh_key.read_text().splitlines()[2]]

    def key(self) -> str:
        command = ["ceph", "--conf", self.lab.conf, "auth", "print-key", CLIENT]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()

    def launch(self, name: str, **answers: t.Any) -> Job:
        return launch(self.store, self.store.named("job_templates", f"{PREFIX}: {name}"), answers)

    def workflow(self, meanwhile: t.Callable[[], object] = bool, **approved: bool) -> Ended:
        """``meanwhile``: what happens while a person is asked."""
        return run_workflow(self.store, PREFIX, {step: lambda answer=answer: (meanwhile(), answer)[1] for step, answer in approved.items()})

    def blacklist(self) -> dict[str, t.Any]:
        found = fence.apply({**self.lab.connection, **BLACKLIST}, dry_run=False)
        return {"entries": found.after, "leases": found.leases}


def _did(output: str) -> set[str]:
    """The tasks that were not skipped."""
    tasks = re.split(r"(?m)^TASK \[(.*?)\] \**$", output)[1:]
    return {name for name, said in zip(tasks[::2], tasks[1::2]) if re.search(r"(?m)^(ok|changed|fatal|failed): ", said)}


VAULT = "the-password-of-the-vault"


class Vaulted(str):
    """Text that Ansible Vault encrypted."""


class Dumper(yaml.SafeDumper):
    """Writes Ansible's own tag, too."""


Dumper.add_representer(Vaulted, lambda dumper, value: dumper.represent_scalar("!vault", value, style="|"))


class Loose(yaml.SafeLoader):
    """Takes Ansible's own tag, too."""


Loose.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def fails_as_the_former_version(tried: Setup) -> None:
    """On a real AWX 24.6.1 it stopped at the schedule."""
    tried.store.former = True
    said = tried.run()
    failed = re.findall(r"(?m)^TASK \[(.*?)\] \**\n(?:(?!^TASK).*\n)*?fatal: ", said)
    tried.check("the surveys of the former version fail at the schedule", failed == ["Look by a schedule"] and "variables_needed_to_start" in said, failed)
    tried.store.former = False


def makes(tried: Setup) -> None:
    """Once, and nothing more the second time."""
    first = tried.run()
    tried.check("the playbook runs", "failed=0" in first, first[-3000:])
    writes = list(tried.store.writes)
    again = tried.run()
    changes = [line for line in again.splitlines() if line.startswith("changed")]
    tried.check("a second run changes nothing", "changed=0" in again and "failed=0" in again, changes)
    tried.check("a second run writes nothing", tried.store.writes == writes, tried.store.writes[len(writes) :])
    tried.check("no secret is in the output", not any(secret in first + again for secret in tried.secrets()))


def holds(tried: Setup) -> None:
    store = tried.store
    jobs = {name: store.named("job_templates", f"{PREFIX}: {name}") for name in ("detect", "heal", "restore")}
    tried.check("detect looks only", [job["job_type"] for job in jobs.values()] == ["check", "run", "run"])
    secrets = [field["id"] for field in store.named("credential_types", f"{PREFIX}: Ceph key")["inputs"]["fields"] if field.get("secret")]
    tried.check("the key is a secret of the credential", secrets == ["keyring"], secrets)
    others = json.dumps({endpoint: list(things.values()) for endpoint, things in store.things.items() if endpoint != "credentials"})
    tried.check("no secret is elsewhere", not any(secret in others for secret in tried.secrets()))
    tried.check("the key is in the credential", tried.key() in store.named("credentials", PREFIX)["inputs"]["keyring"])
    nodes = {one["id"]: one["identifier"] for one in store.things["workflow_job_template_nodes"].values()}
    leads = {f"{nodes[number]} {name}": [nodes[one] for one in ends] for (place, number, name), ends in store.joined.items() if number in nodes and ends}
    wanted = {
        "detect failure_nodes": ["decide_heal"],
        "decide_heal success_nodes": ["approve"],
        "approve success_nodes": ["heal"],
        "approve failure_nodes": ["denied"],
        "heal success_nodes": ["decide_restore"],
        "decide_restore failure_nodes": ["approve_restore"],
        "approve_restore success_nodes": ["restore"],
        "approve_restore failure_nodes": ["denied"],
    }
    tried.check("the workflow leads to a person before each change", leads == wanted, leads)
    waits = {one["name"]: one["timeout"] for one in store.things["workflow_approval_templates"].values()}
    tried.check("the person has a day", set(waits.values()) == {86400}, waits)
    told = store.members("workflow_job_templates", PREFIX, "notification_templates_approvals")
    tried.check("and is shown", told == [PREFIX], told)
    schedule = store.named("schedules", f"{PREFIX}: detect")
    asked = {question["variable"] for question in store.surveys["job_templates", jobs["detect"]["id"]]["spec"]}
    tried.check("the schedule answers what detect asks", set(schedule["extra_data"]) <= asked and schedule["unified_job_template"] == jobs["detect"]["id"])


def drops(tried: Setup) -> None:
    """A host, a group, credentials and a notification that are no longer wanted, beside a host that a person added."""
    store, given = tried.store, tried.settings()
    inventory = store.named("inventories", PREFIX)["id"]
    group = store.named("groups", "scsi_initiators")["id"]
    more = {**given["awx_setup_groups"], "scsi_initiators": ["lab", "second"], "esxi_hosts": ["esxi1", "moved"]}
    tried.run(awx_setup_groups=more)
    tried.check(
        "a host and a group more",
        store.members("groups", "esxi_hosts", "hosts") == ["esxi1", "moved"] and "second" in store.names("hosts"),
        store.names("hosts"),
    )
    by_hand = store.add("hosts", {"name": "by-hand", "inventory": inventory, "variables": "", "enabled": True})
    store.join(("groups", group, "hosts"), by_hand)
    dropped: dict[str, t.Any] = {
        "awx_setup_notification": {},
        "awx_setup_chap_user": "",
        "awx_setup_chap_password": "",
        "awx_setup_machine_key": "",
        "awx_setup_scm_key": "",
    }
    dropped["awx_setup_groups"] = {**given["awx_setup_groups"], "iscsi_gateways": [*given["awx_setup_groups"]["iscsi_gateways"], "moved"]}
    said = tried.run(**dropped)
    tried.check("dropping them works", "failed=0" in said, said[-3000:])
    left = {
        "hosts": store.names("hosts"),
        "groups": store.names("groups"),
        "scsi_initiators": store.members("groups", "scsi_initiators", "hosts"),
        "credentials": store.names("credentials"),
        "of heal": store.members("job_templates", f"{PREFIX}: heal", "credentials"),
        "notifications": store.names("notification_templates"),
        "notified": store.members("workflow_job_templates", PREFIX, "notification_templates_approvals"),
    }
    wanted = {
        "hosts": ["by-hand", "lab", "moved"],
        "groups": sorted(given["awx_setup_groups"]),
        "scsi_initiators": ["by-hand", "lab"],
        "credentials": [PREFIX],
        "of heal": [PREFIX],
        "notifications": [],
        "notified": [],
    }
    tried.check("exactly what is wanted is left, and what a person added", left == wanted, left)
    again = tried.run(**dropped)
    tried.check("a third run changes nothing", "changed=0" in again and "failed=0" in again, again[-2000:])
    store.remove("hosts", by_hand["id"])


def from_a_file(tried: Setup) -> None:
    """The inventory is a file of the repository, and later no longer."""
    empty = {"awx_setup_groups": {}, "awx_setup_hosts": {}, "awx_setup_variables": {}, "awx_setup_inventory_file": "inventory.yml"}
    said = tried.run(**empty)
    store = tried.store
    tried.check("an inventory from a file", "failed=0" in said and store.members("groups", "ceph_admin", "hosts") == ["lab"], said[-3000:])
    variables = json.loads(store.named("inventories", PREFIX)["variables"])
    tried.check("AWX takes its variables", "remediate_watchers_ceph_conf" in variables, variables)
    again = tried.run(**empty)
    tried.check("a second run does not touch them", "changed=0" in again and "failed=0" in again, again[-2000:])
    wrong = " ".join(tried.run(**{**empty, "awx_setup_inventory_file": "inventroy.yml"}).split())
    tried.check(
        "a missing file is reported with AWX's reason", "could not read the inventory file inventroy.yml: ERROR! Unable to parse" in wrong, wrong[-2000:]
    )
    (tried.repository / "inventory.yml").write_text("all: {children: {ceph_admin: {hosts: {other: {}}}}}\n")
    tried.commit(tried.repository)
    tried.run(**empty)
    tried.check("a host that the file drops goes", store.names("hosts") == ["other"], store.names("hosts"))
    protects = "{remediate_watchers_protect: [192.0.2.0/24]}"
    in_file = {
        "host other": "all: {children: {ceph_admin: {hosts: {other: %s}}}}",
        "all hosts": "all: {vars: %s, children: {ceph_admin: {hosts: {other: {}}}}}",
    }
    for of, where in in_file.items():
        (tried.repository / "inventory.yml").write_text(f"{where % protects}\n")
        tried.commit(tried.repository)
        hidden = " ".join(tried.run(**empty).split())
        words = f"{of}.remediate_watchers_protect[0]. That would have no effect"
        tried.check(f"a variable of {of} that an empty answer would hide is refused", words in hidden and "failed=1" in hidden, hidden[-2000:])
    writes = list(store.writes)
    for what, settings in {"by another file": empty, "by groups": {}}.items():
        looked = tried.run("--check", **settings)
        tried.check(f"a look at what would mend it {what} goes on, and writes nothing", "failed=0" in looked and store.writes == writes, looked[-2000:])
    # AWX merges the variables of all hosts, and keeps what the file drops.
    store.named("inventories", PREFIX)["variables"] = "{}"
    back = tried.run()
    groups = sorted(tried.settings()["awx_setup_groups"])
    tried.check("without the file, what it made goes", "failed=0" in back and (store.names("hosts"), store.names("groups")) == (["lab"], groups), back[-3000:])
    tried.check("and its variables", json.loads(store.named("inventories", PREFIX)["variables"]) == tried.settings()["awx_setup_variables"])


def syncs(tried: Setup) -> None:
    """The repository moves, is not there, or AWX has no room to read it."""
    store = tried.store
    before = store.named("projects", PREFIX)["scm_revision"]
    (tried.repository / "moved").write_text("")
    tried.commit(tried.repository)
    tried.git("tag", "pinned")
    said = tried.run()
    moved = store.named("projects", PREFIX)["scm_revision"]
    tried.check("a branch that moved is synced, and told as a change", moved != before and "failed=0" in said and "changed=1 " in said, said[-2000:])
    tried.check("a tag can be pinned", "failed=0" in tried.run(awx_setup_scm_branch="pinned"))
    absent = tried.home / "absent"
    failed = " ".join(tried.run(awx_setup_scm_url=str(absent)).split())
    tried.check("a failed sync is reported with AWX's reason", f"AWX could not read {absent}: fatal:" in failed and "does not exist" in failed, failed[-2500:])
    job = tried.launch("detect")
    tried.check("what was not synced is not launched", job.status == "failed" and "due to a failed update" in job.said, job)
    tried.repository.rename(absent)
    again = tried.run(awx_setup_scm_url=str(absent))
    tried.check("a rerun tries again", "failed=0" in again, again[-2000:])
    absent.rename(tried.repository)
    tried.run()
    store.stuck = True
    stuck = " ".join(tried.run(awx_setup_sync_timeout=3).split())
    tried.check("the wait has a limit", "aborted due to timeout" in stuck and "AWX could not read" in stuck, stuck[-2000:])
    store.stuck = False
    tried.check("and a rerun goes on", "failed=0" in tried.run())


def privileges(tried: Setup) -> None:
    writes, store = list(tried.store.writes), tried.store
    prefix = {"awx_setup_prefix": "Another"}
    said = " ".join(tried.run(token=ORGANIZATION_TOKEN, **prefix).split())
    wanted = "operator is no system administrator, and AWX lacks the type of credential Another: Ceph key, Another: CHAP"
    tried.check("without the privileges nothing is made", wanted in said and store.writes == writes, said[-2000:])
    said = " ".join(tried.run(token=ORGANIZATION_TOKEN, awx_setup_organization="Another").split())
    tried.check("nor without the organization", "does not administer the organization Another" in said and store.writes == writes, said[-2000:])
    said = tried.run(token=ORGANIZATION_TOKEN)
    tried.check("an administrator of the organization can run it again", "failed=0" in said, said[-2000:])
    said = " ".join(tried.run(awx_setup_organization="Another").split())
    tried.check("an execution environment cannot move", "AWX cannot move it to Another" in said, said[-2000:])


def refuses(tried: Setup) -> None:
    writes = list(tried.store.writes)
    give, image = "Give the image made from", {"awx_setup_image": "x"}
    encrypt = ["ansible-vault", "encrypt_string", "--vault-password-file", str(tried.home / "vault"), CHAP]
    vaulted = subprocess.run(encrypt, check=True, capture_output=True, text=True).stdout.partition("\n")[2]
    hidden = {"a_name": [Vaulted("\n".join(line.strip() for line in vaulted.splitlines()) + "\n")]}
    wrong: dict[str, tuple[dict[str, t.Any], str]] = {
        "no image": ({"awx_setup_image": ""}, give),
        "a keyring that is not there": ({"awx_setup_keyring": str(tried.home / "none")}, give),
        "a variable that an empty answer would hide": ({"awx_setup_variables": {"remediate_watchers_protect": ["192.0.2.0/24"]}}, give),
        "a host's variable that an empty answer would hide": ({"awx_setup_hosts": {"lab": {"remediate_watchers_protect": ["192.0.2.0/24"]}}}, give),
        "a misspelt variable of a host": ({"awx_setup_hosts": {"lab": {"remediate_watchers_lun": []}}}, "did you mean remediate_watchers_luns?"),
        "a CHAP user without a password": ({"awx_setup_chap_password": ""}, give),
        "a file and groups": ({"awx_setup_inventory_file": "inventory.yml"}, "would overwrite each other"),
        "two credentials for the repository": ({"awx_setup_scm_credential": "x"}, give),
        "a misspelt option": ({**image, "awx_setup_imagee": "x"}, "did you mean awx_setup_image?"),
        "a misspelt default": ({"awx_setup_defaults": {"remediate_watchers_protected": []}}, "did you mean remediate_watchers_protect?"),
        "a misspelt variable": ({"awx_setup_variables": {"remediate_watchers_lun": []}}, "did you mean remediate_watchers_luns?"),
        "a misspelt group": ({"awx_setup_groups": {"ceph_admins": ["lab"]}}, "did you mean ceph_admin?"),
        "a host without a group": ({"awx_setup_hosts": {"labb": {}}}, "There is no host in awx_setup_groups labb"),
        "a password in clear": ({"awx_setup_variables": {"remediate_watchers_probe_chap_password": CHAP}}, "would store in clear"),
        "a host's password in clear": ({"awx_setup_hosts": {"lab": {"ansible_become_pass": CHAP}}}, "awx_setup_hosts.lab.ansible_become_pass"),
        "a value from a vault": ({"awx_setup_variables": hidden}, "would store in clear: awx_setup_variables.a_name[0]"),
    }
    for what, (settings, words) in wrong.items():
        said = " ".join(tried.run(**settings).split())
        tried.check(f"{what}: refused before anything is made", "failed=1" in said and words in said and tried.store.writes == writes, said[-2000:])
        tried.check(f"{what}: no password is shown", CHAP not in said, said[-300:])


def heals(tried: Setup) -> None:
    """A broken LUN, by the surveys' defaults, with the key from the credential's file only."""
    before = tried.blacklist()
    bare = [tried.launch(name) for name in ("detect", "heal", "restore")]
    tried.check("each template can be launched bare", [job.status for job in bare] == ["successful"] * 3, [job.said[-1500:] for job in bare])
    calm = tried.workflow()
    tried.check(
        "the workflow ends well without asking where there is nothing to do", (calm.status, calm.steps) == ("successful", {"detect": "successful"}), calm
    )
    tried.lab.inject("awx")
    found = tried.launch("detect")
    tried.check("detect says what a run would do", found.status == "successful" and "would_heal" in found.said, found.said[-3000:])
    by_schedule = tried.launch("detect", **tried.store.named("schedules", f"{PREFIX}: detect")["extra_data"])
    tried.check("by the schedule it fails, and says why", by_schedule.status == "failed" and "would_heal: fence" in by_schedule.said, by_schedule.said[-3000:])
    protected = tried.launch("heal", remediate_watchers_protect="192.0.2.0/24\n127.0.0.0/8\n")
    tried.check("a client that the survey protects is not fenced", protected.status == "failed" and "refused" in protected.said, protected.said[-3000:])
    elsewhere = tried.launch("detect", remediate_watchers_images="rbd/datastore1\n\n")
    tried.check("images of the survey are all that is looked at", "nothing_to_do, looked at 1 image" in elsewhere.said, elsewhere.said[-3000:])
    denied = tried.workflow(approve=False)
    steps = {"detect": "failed", "decide_heal": "successful", "approve": "failed", "denied": "successful"}
    tried.check("a denial ends the workflow well", (denied.status, denied.steps) == ("successful", steps), denied.steps)
    tried.check("all that changed nothing", tried.blacklist() == before, tried.blacklist())
    jobs = [*bare, found, by_schedule, protected, elsewhere, *denied.jobs.values()]
    tried.check("the key is in nothing that AWX keeps of these jobs", not any(secret in job.said + job.kept for job in jobs for secret in tried.secrets()))


def heals_beside_a_refusal(tried: Setup) -> None:
    """One image can be healed; clients that live contest another."""
    before = tried.blacklist()
    tried.lab.inject("awx_contested", "contested")
    ended = tried.workflow(approve=True)
    steps = {"detect": "failed", "decide_heal": "successful", "approve": "successful", "heal": "failed"}
    tried.check("a person is asked, and heal runs", ended.steps == steps, {name: job.said[-2000:] for name, job in ended.jobs.items()})
    tried.check(
        "it says partly_healed, and the workflow is an alarm",
        "partly_healed (images: 1 healed, 1 refused)" in ended.jobs["heal"].said and ended.status == "failed",
        ended.steps,
    )
    left = ended.jobs["heal"].artifacts if "heal" in ended.jobs else {}
    wanted = {
        "iscsi_rescue_outcome": "partly_healed",
        "iscsi_rescue_healed": ["rbd/awx"],
        "iscsi_rescue_refused": ["rbd/awx_contested"],
        "iscsi_rescue_unsettled": False,
    }
    tried.check("its artifacts say which image is which", {name: left.get(name) for name in wanted} == wanted, left)
    tried.check("nothing is left on the blocklist", tried.blacklist() == before, tried.blacklist())
    refused = tried.workflow()
    steps = {"detect": "failed", "decide_heal": "failed"}
    tried.check("a refusal alone is an alarm, and no person is asked", (refused.status, refused.steps) == ("failed", steps), refused.steps)
    words = "The look ended with 'refused', and no image can be healed"
    tried.check("and the step says why", words in " ".join(refused.jobs["decide_heal"].said.split()), refused.jobs["decide_heal"].said)
    # The client closes the image.
    tried.lab.run(*tried.lab.daemon("awx_contested"), "--stop", "--retry", "TERM/10")


def fences_what_was_approved(tried: Setup) -> None:
    """While a person is asked about one image, a client of another one dies, too."""
    before = tried.blacklist()
    tried.lab.inject("awx_seen")
    ended = tried.workflow(meanwhile=lambda: tried.lab.inject("awx_unseen"), approve=True)
    said, left = (ended.jobs["heal"].said, ended.jobs["heal"].artifacts) if "heal" in ended.jobs else ("", {})
    told = (left.get("iscsi_rescue_healed"), left.get("iscsi_rescue_refused"))
    tried.check("only what was approved is fenced", told == (["rbd/awx_seen"], ["rbd/awx_unseen"]), (ended.steps, said[-2000:]))
    tried.check("the other image is refused, and it says why", "remediate_watchers_approved does not name it" in " ".join(said.split()), said[-2000:])
    by_hand = tried.launch("heal")
    tried.check("heal by itself needs no approval", by_hand.artifacts.get("iscsi_rescue_healed") == ["rbd/awx_unseen"], by_hand.said[-2000:])
    tried.check("after both, nothing is left on the blocklist", tried.blacklist() == before, tried.blacklist())


def offers_to_restore(tried: Setup) -> None:
    """A stopped client stays fenced until it has ended."""
    before = tried.blacklist()
    stopped = tried.lab.inject("awx_zombie", "zombie")
    ended = tried.workflow(approve=True, approve_restore=False)
    wanted = ["detect", "decide_heal", "approve", "heal", "decide_restore", "approve_restore", "denied"]
    tried.check("a person is asked for the restore, too", (ended.status, list(ended.steps)) == ("successful", wanted), ended.steps)
    tried.check("heal says why", "healed_restore_pending" in ended.jobs["heal"].said, ended.jobs["heal"].said[-2000:])
    tried.check("the client is still fenced", tried.blacklist() != before)
    os.kill(stopped["pid"], signal.SIGKILL)
    restored = tried.launch("restore")
    give_up = time.monotonic() + 120
    # For a minute, the run that fenced might still be active.
    while tried.blacklist() != before and time.monotonic() < give_up:
        time.sleep(10)
        restored = tried.launch("restore")
    tried.check("restore finishes it", restored.status == "successful" and tried.blacklist() == before, restored.said[-2000:])


def _tasks() -> set[str]:
    """The tasks of the playbook, in the files that it imports, too."""
    paths = [CHECKOUT / "playbooks" / "awx_setup.yml", *(CHECKOUT / "playbooks" / "tasks" / "awx").glob("*.yml")]
    found = [line for path in paths for line in re.split(r"(?m)^ *- name: (?=[A-Z])", path.read_text())[1:]]
    return {task.partition("\n")[0] for task in found if not re.search(r"import_tasks|include_tasks|block:|^Set up AWX", task)}


PARTS = [
    fails_as_the_former_version,
    makes,
    holds,
    refuses,
    heals,
    heals_beside_a_refusal,
    fences_what_was_approved,
    offers_to_restore,
    drops,
    from_a_file,
    syncs,
    privileges,
]


def main() -> None:
    tried = Setup(Lab(Path(sys.argv[1]), int(sys.argv[2])), sys.argv[3])
    made = tried.lab.play("playbooks/ceph_user.yml", {"ceph_user_keyring": str(tried.keyring)})
    tried.check("there is a Ceph user", made.returncode == 0, made.stdout)
    parts = [part for part in PARTS if not sys.argv[4:] or part.__name__ in sys.argv[4:]]
    for part in parts:
        part(tried)
    idle = _tasks() - tried.seen
    if parts == PARTS:
        tried.check("each task of the playbook ran", not idle, idle)
    shutil.rmtree(tried.home)
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

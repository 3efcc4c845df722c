# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text in the options of the role and the playbooks, given to ansible-playbook: commands for a shell, and templates.

usage: hostile_plays.py LAB PORT [PART ...], of a lab that is up; PART: esxi, user, restore, explain, misspelt, role; all when not given

Options that reach a shell or the raw module are tried with each text by itself. These are the log's path on an ESXi host, and the paths of logs, extents
and counters, as names of files. Each text has an ESXi host of its own, here without ssh. Every other option that takes free text is tried by itself, with
one text that has all of them. For the role, each try has a host of its own. The text is marked unsafe, as Ansible marks what does not come from the
operator. So if a text is evaluated, this collection did that. No text is run, there is no traceback, each play ends by its deadline, and the blocklist is
as before.

Seen to fail: without ``quote`` around diagnose_esxi_log the text is run.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from aftermath import blacklist
from lab import Lab, crashed

DEADLINE_S = 400
CHOICES = (
    "remediate_watchers_survey",
    "remediate_watchers_liveness",
    "remediate_watchers_restore",
    "remediate_watchers_probe_write_path",
    "remediate_watchers_probe_before",
)


class Unsafe(str):
    """Text that Ansible must not take for a template."""


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def hostile(canary: Path) -> list[Unsafe]:
    touch = f"touch {canary}"
    texts = [f"$({touch})", f"`{touch}`", f"; {touch} #", f"| {touch}", f"x\n{touch}\n", f"'; {touch}; '", f'"; {touch}; "', f"&& {touch}"]
    return [Unsafe(text) for text in (*texts, f"{{{{ lookup('ansible.builtin.pipe', '{touch}') }}}}", f"-e {touch}")]


def all_in_one(canary: Path) -> Unsafe:
    touch = f"touch {canary}"
    return Unsafe(f"x'\"; {touch} #`{touch}`$({touch})|{touch}\n{touch}\n{{{{ lookup('ansible.builtin.pipe', '{touch}') }}}}")


def role_options(text: Unsafe, lab: Lab) -> dict[str, t.Any]:
    """Returns, for each option of the role, the values that hold the text. Each value is one try."""
    lun = {**lab.lun("datastore1"), "name": "x"}
    # The operator's own expressions on a watcher's record. They must not do more than that.
    touch = f"lookup('ansible.builtin.pipe', 'touch {lab.directory / 'canary'}')"
    walk = "''.__class__.__mro__[1].__subclasses__()"
    values: dict[str, list[t.Any]] = {
        name: [text]
        for name in (
            "ceph_conf", "ceph_client", "ceph_keyring", "ceph_controller_keyring", "expected",
            "tgt_socket", "probe_host", "probe_initiator", "probe_chap_user", "probe_chap_password",
        )
    }  # fmt: skip
    values |= {
        "pools": [[text]],
        "images": [[text], [Unsafe(f"rbd/{text}")]],
        "evict": [[text]],
        "approved": [[text]],
        "free": [[text], [Unsafe(f"rbd/{text}*")]],
        "dead_hosts": [[text]],
        "trace_scst": [[text]],
    }
    values |= {"expected_for": [[{"pattern": text, "watchers": 1}]], "protect": [[text], [Unsafe(touch)], [Unsafe(walk)]]}
    # A report is written, but not into this checkout.
    values |= {"report_dir": [Unsafe(f"{lab.directory / 'hostile'}/{text}")]}
    values |= {"luns": [[{**lun, word: text}] for word in ("image", "portal", "target")] + [[{"image": "rbd/datastore1", "device": text}]]}
    return {f"remediate_watchers_{name}": tries for name, tries in values.items()}


class Plays:
    def __init__(self, lab: Lab) -> None:
        self.lab, self.tried, self.failed = lab, 0, 0
        self.canary, self.place = lab.directory / "canary", lab.directory / "hostile"
        self.place.mkdir(exist_ok=True)

    def play(self, what: str, playbook: str, told: t.Mapping[str, t.Any], hosts: t.Mapping[str, t.Any] | None = None, reached: str = "") -> str:
        """Returns the output, which must contain ``reached``: the text came that far. Uses the lab's inventory, with more groups and hosts if given."""
        settings, inventory = self.place / "told.yml", self.place / "hosts.yml"
        settings.write_text(yaml.safe_dump(dict(told), allow_unicode=True))
        inventory.write_text(yaml.safe_dump({"all": {"children": hosts or {}}}))
        command = [
            "ansible-playbook",
            "--inventory",
            str(self.lab.directory / "inventory.yml"),
            "--inventory",
            str(inventory),
            playbook,
            "--extra-vars",
            f"@{settings}",
        ]
        self.tried += 1
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.wrong(what, f"it did not end within {DEADLINE_S} s")
            return ""
        said = done.stdout + done.stderr
        if self.canary.exists():
            self.canary.unlink()
            self.wrong(what, f"the text was run as a command:\n{said}")
        elif crashed(said):
            self.wrong(what, f"a module ended by an exception:\n{said[-3000:]}")
        elif reached not in said or done.returncode not in (0, 2):
            self.wrong(what, f"it ended with {done.returncode}, without '{reached}':\n{said[-3000:]}")
        return said

    def wrong(self, what: str, why: str) -> None:
        self.failed += 1
        print(f"FAILED  {what}: {why}", flush=True)

    def role(self) -> None:
        self.lab.create("hostile")
        base = {"remediate_watchers_images": ["rbd/hostile"], "remediate_watchers_notify_timeout": 1, "remediate_watchers_ceph_timeout": 5}
        base |= {"remediate_watchers_find_luns": False, "remediate_watchers_luns": [], "remediate_watchers_ceph_conf": self.lab.conf}
        base |= {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
        tries = role_options(all_in_one(self.canary), self.lab)
        self.complete(tries)
        cases = [{**base, name: value} for name, values in tries.items() for value in values]
        hosts = {f"case{number}": case for number, case in enumerate(cases)}
        playbook = self.place / "role.yml"
        playbook.write_text(yaml.safe_dump([{"hosts": "cases", "gather_facts": False, "roles": ["cephops.iscsi_rescue.remediate_watchers"]}]))
        said = self.play(f"{len(cases)} values of the role's options", str(playbook), {}, {"cases": {"hosts": hosts}}, "PLAY RECAP")
        recap = said.rpartition("PLAY RECAP")[2]
        silent = [host for host in hosts if not re.search(rf"^{host} +: ", recap, re.MULTILINE)]
        if silent:
            self.wrong("the role", f"nothing is said of {silent}")

    def complete(self, tries: t.Container[str]) -> None:
        """Checks that every option of the role that takes free text is tried."""
        specs = yaml.safe_load(Path("roles/remediate_watchers/meta/argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
        texts = [name for name, spec in specs.items() if spec["type"] in ("str", "path") or spec.get("elements") in ("str", "dict", "raw", "path")]
        missing = [name for name in texts if name not in tries and name not in CHOICES]
        if missing:
            self.wrong("options of the role", f"not tried: {missing}")

    def esxi(self) -> None:
        """Tries the paths that a shell gets: on the ESXi hosts, and here."""
        out, texts = {"diagnose_esxi_suspects": str(self.place / "suspects.yml")}, hostile(self.canary)
        hosts = {f"esxi{number}": {"ansible_connection": "local", "diagnose_esxi_log": text} for number, text in enumerate(texts)}
        self.play("diagnose_esxi_log", "playbooks/diagnose_esxi.yml", out, {"esxi_hosts": {"hosts": hosts}}, "item=log")
        for name in ("logs", "extents", "stats"):
            files = {"diagnose_esxi_logs": [str(self.log())], f"diagnose_esxi_{name}": [*([str(self.log())] if name == "logs" else []), *texts]}
            self.play(f"diagnose_esxi_{name}", "playbooks/diagnose_esxi.yml", {**out, **files}, reached="Show the suspects")
        told = {"diagnose_esxi_logs": [str(self.log())], "diagnose_esxi_suspects": Unsafe(f"{self.place}/{all_in_one(Path('canary'))}")}
        self.play("diagnose_esxi_suspects", "playbooks/diagnose_esxi.yml", told, reached="Show the suspects")

    def log(self) -> Path:
        log = self.place / "vmkernel.log"
        log.write_text("2026-01-01T00:00:00.000Z cpu1:1)WARNING: nothing of interest\n")
        return log

    def user(self) -> None:
        text = all_in_one(self.canary)
        for name in ("name", "tier", "owner"):
            told = {"ceph_user_keyring": str(self.place / "keyring"), f"ceph_user_{name}": text}
            self.play(f"ceph_user_{name}", "playbooks/ceph_user.yml", told, reached="failed=1")
        self.play("ceph_user_keyring", "playbooks/ceph_user.yml", {"ceph_user_keyring": Unsafe(f"{self.place}/{text}")}, reached="failed=1")

    def restore(self) -> None:
        text = all_in_one(self.canary)
        self.play("restore_blacklist_addresses", "playbooks/restore_blacklist.yml", {"restore_blacklist_addresses": [text]}, reached="failed=1")
        for name in ("restore", "ceph_controller_keyring"):
            told = {f"remediate_watchers_{name}": text}
            self.play(f"remediate_watchers_{name}", "playbooks/restore_blacklist.yml", told, reached="failed=1")

    def explain(self) -> None:
        text, image = all_in_one(self.canary), {"image": "rbd/datastore1"}
        for name in ("image", "device", "lun"):
            self.play(f"explain {name}", "playbooks/explain.yml", {name: text}, reached="failed=1")
        self.play("explain_json", "playbooks/explain.yml", {**image, "explain_json": Unsafe(f"{self.place}/{text}")}, reached="PLAY RECAP")

    def misspelt(self) -> None:
        """Checks that a misspelt option ends the play, which names the nearest option."""
        for playbook, wrong, near in (
            ("remediate_watchers", "remediate_watchers_protected", "remediate_watchers_protect"),
            ("remediate_watchers", "remediate_watchers_image", "remediate_watchers_images"),
            ("restore_blacklist", "remediate_watchers_restored", "remediate_watchers_restore"),
            ("restore_blacklist", "restore_blacklist_address", "restore_blacklist_addresses"),
            ("ceph_user", "ceph_user_tiers", "ceph_user_tier"),
            ("export_metrics", "export_metrics_directory", "export_metrics_dir"),
            ("explain", "explain_jsn", "explain_json"),
            ("diagnose_esxi", "diagnose_esxi_log_byte", "diagnose_esxi_log_bytes"),
            ("lab_inject", "incident_lab_kinds", "incident_lab_kind"),
        ):
            told = {wrong: "x", "diagnose_esxi_logs": [str(self.log())], "image": "rbd/datastore1"}
            self.play(wrong, f"playbooks/{playbook}.yml", told, reached=f"There is no option {wrong}: did you mean {near}?")


def main() -> None:
    lab = Lab(Path(sys.argv[1]), int(sys.argv[2]))
    before = blacklist(lab)
    plays = Plays(lab)
    parts = {"esxi": plays.esxi, "user": plays.user, "restore": plays.restore, "explain": plays.explain, "misspelt": plays.misspelt, "role": plays.role}
    for part in sys.argv[3:] or parts:
        parts[part]()
        print(f"{part}: done", flush=True)
    after = blacklist(lab)
    if after != before:
        plays.wrong("the blocklist", f"it was {json.dumps(before)} and is {json.dumps(after)}")
    print(f"{plays.tried} plays, {plays.failed} failed")
    sys.exit(1 if plays.failed or not plays.tried else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of the stand-in, run by the real ansible-runner with what AWX would give it: inventory, survey answers, and the files of its credentials."""

from __future__ import annotations

import json
import tempfile
import typing as t
from pathlib import Path

import ansible_runner
from answers import taken
from jinja2 import sandbox
from stand_in import Store, Thing


class Job(t.NamedTuple):
    status: str
    said: str
    # All that ansible-runner keeps of it, which AWX puts into its database.
    kept: str


def launch(store: Store, template: Thing, answers: Thing | None = None) -> Job:
    with tempfile.TemporaryDirectory(prefix="iscsi_rescue_awx.") as made:
        home = Path(made)
        (home / "env").mkdir()
        (home / "inventory").mkdir()
        (home / "project").symlink_to(store.checkout)
        (home / "inventory" / "hosts.json").write_text(json.dumps(_inventory(store, template["inventory"])))
        store.answered(template["id"], answers or {})
        files = [_variables(home, taken(store.surveys["job_templates", template["id"]]["spec"], answers or {}))]
        files += [_variables(home, _inject(store, number, home)) for number in store.joined["job_templates", template["id"], "credentials"]]
        words = [*(f"-e @{path}" for path in files), "--check" if template["job_type"] == "check" else "", "--diff" if template["diff_mode"] else ""]
        run = ansible_runner.run(private_data_dir=made, playbook=template["playbook"], cmdline=" ".join(words).strip(), quiet=True, timeout=300)
        kept = "".join(path.read_text() for path in (home / "artifacts").rglob("*") if path.is_file())
        return Job(run.status, run.stdout.read(), kept)


def _variables(home: Path, values: Thing) -> Path:
    """AWX marks text that people gave as unsafe."""
    path = home / "env" / f"vars{len(list((home / 'env').iterdir()))}.yml"
    path.write_text("---\n" + "".join(f"!unsafe {name}: {'!unsafe ' if isinstance(value, str) else ''}{json.dumps(value)}\n" for name, value in values.items()))
    return path


def _inject(store: Store, number: int, home: Path) -> Thing:
    """Writes the credential's files; the extra vars."""
    credential = store.get("credentials", number)
    injectors = store.get("credential_types", credential["credential_type"])["injectors"]
    jinja, names = sandbox.ImmutableSandboxedEnvironment(), {}
    for label, template in injectors.get("file", {}).items():
        path = home / "env" / label
        path.write_text(jinja.from_string(template).render(**credential["inputs"]))
        path.chmod(0o600)
        names[label.partition(".")[2]] = str(path)
    given = {**credential["inputs"], "tower": {"filename": names}}
    return {name: jinja.from_string(template).render(**given) for name, template in injectors["extra_vars"].items()}


def _inventory(store: Store, number: int) -> Thing:
    hosts = {thing["id"]: thing for thing in store.things["hosts"].values() if thing["inventory"] == number}
    groups = [thing for thing in store.things["groups"].values() if thing["inventory"] == number]
    members = {group["name"]: {"hosts": {hosts[one]["name"]: {} for one in store.joined["groups", group["id"], "hosts"]}} for group in groups}
    told = {host["name"]: json.loads(host["variables"]) for host in hosts.values()}
    return {"all": {"hosts": told, "vars": json.loads(store.get("inventories", number)["variables"]), "children": members}}

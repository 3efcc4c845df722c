# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job of the stand-in, run by the real ansible-runner with what AWX would give it: project, inventory, survey answers, and what its credentials hold."""

from __future__ import annotations

import json
import shutil
import tempfile
import typing as t
from pathlib import Path

import ansible_runner
from answers import taken
from jinja2 import sandbox
from stand_in import Store, Thing


class Job(t.NamedTuple):
    """``kept``: all that ansible-runner keeps of it, which AWX puts into its database. ``artifacts``: what it left by set_stats."""

    status: str
    said: str
    kept: str = ""
    artifacts: t.Mapping[str, t.Any] = {}


def launch(store: Store, template: Thing, answers: Thing | None = None, extra: Thing | None = None) -> Job:
    """``extra``: what a workflow gives besides answers, which wins over them."""
    store.answered(template["id"], answers or {})
    project = store.get("projects", template["project"])
    if project["status"] != "successful":
        # awx/main/tasks/jobs.py, SourceControlMixin.sync_and_copy; awx/main/models/projects.py, Project.get_reason_if_failed.
        return Job("failed", "The project revision for this job template is unknown due to a failed update.")
    with tempfile.TemporaryDirectory(prefix="iscsi_rescue_awx.") as made:
        home = Path(made)
        (home / "env").mkdir()
        (home / "inventory").mkdir()
        # make_local_copy: without what git keeps.
        shutil.copytree(store.checkout(project), home / "project", ignore=shutil.ignore_patterns(".git"), symlinks=True)
        (home / "inventory" / "hosts.json").write_text(json.dumps(_inventory(store, template["inventory"])))
        return _run(home, template, [*_answers(store, template, answers or {}, extra or {}), *_credentials(store, template, home)])


def _answers(store: Store, template: Thing, answers: Thing, extra: Thing) -> list[Thing]:
    spec = store.surveys.get(("job_templates", template["id"]), {"spec": []})["spec"]
    return [json.loads(template.get("extra_vars") or "{}"), {**taken(spec, answers), **extra}]


def _credentials(store: Store, template: Thing, home: Path) -> list[Thing]:
    return [_inject(store, number, home) for number in store.joined["job_templates", template["id"], "credentials"]]


def _run(home: Path, template: Thing, variables: t.Sequence[Thing]) -> Job:
    files = [_variables(home, values) for values in variables if values]
    words = [*(f"-e @{path}" for path in files), "--check" if template["job_type"] == "check" else "", "--diff" if template.get("diff_mode") else ""]
    run = ansible_runner.run(private_data_dir=str(home), playbook=template["playbook"], cmdline=" ".join(words).strip(), quiet=True, timeout=300)
    kept = "".join(path.read_text() for path in (home / "artifacts").rglob("*") if path.is_file())
    # awx/main/tasks/callback.py: from the event at the end.
    last = [event["event_data"] for event in run.events if event["event"] == "playbook_on_stats"]
    return Job(run.status, run.stdout.read(), kept, last[-1].get("artifact_data", {}) if last else {})


def _variables(home: Path, values: Thing) -> Path:
    """AWX marks text that people gave as unsafe."""
    path = home / "env" / f"vars{len(list((home / 'env').iterdir()))}.yml"
    path.write_text("---\n" + "".join(f"!unsafe {name}: {'!unsafe ' if isinstance(value, str) else ''}{json.dumps(value)}\n" for name, value in values.items()))
    return path


def _inject(store: Store, number: int, home: Path) -> Thing:
    """Writes the credential's files; the extra vars."""
    credential = store.get("credentials", number)
    kind = store.get("credential_types", credential["credential_type"])
    if kind["name"] == "Machine":
        # ansible-runner hands it to an ssh-agent.
        (home / "env" / "ssh_key").write_text(credential["inputs"]["ssh_key_data"])
        return {}
    jinja, names = sandbox.ImmutableSandboxedEnvironment(), {}
    for label, template in kind["injectors"].get("file", {}).items():
        path = home / "env" / label
        path.write_text(jinja.from_string(template).render(**credential["inputs"]))
        path.chmod(0o600)
        names[label.partition(".")[2]] = str(path)
    given = {**credential["inputs"], "tower": {"filename": names}}
    return {name: jinja.from_string(template).render(**given) for name, template in kind["injectors"]["extra_vars"].items()}


def _inventory(store: Store, number: int) -> Thing:
    hosts = {thing["id"]: thing for thing in store.things["hosts"].values() if thing["inventory"] == number}
    groups = [thing for thing in store.things["groups"].values() if thing["inventory"] == number]
    members = {group["name"]: {"hosts": {hosts[one]["name"]: {} for one in store.joined["groups", group["id"], "hosts"]}} for group in groups}
    told = {host["name"]: json.loads(host["variables"]) for host in hosts.values()}
    return {"all": {"hosts": told, "vars": json.loads(store.get("inventories", number)["variables"] or "{}"), "children": members}}

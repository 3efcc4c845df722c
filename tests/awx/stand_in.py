# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX's REST API. It is not AWX.

It keeps objects in memory, finds them by equality of fields, and knows associations, surveys, approval nodes, secret fields, and two users. It refuses what
AWX refuses, by the rules in rules.py and answers.py. It syncs projects and inventory files by git and ansible-inventory, at once and not by a queue. It fills
in few defaults.
"""

from __future__ import annotations

import base64
import html
import json
import typing as t
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import rules
import source_control
from answers import refused
from rules import Refused, Thing

# A system administrator, and a user that only administers organizations.
TOKEN, ORGANIZATION_TOKEN = "the-token-of-the-stand-in", "the-token-of-an-organization"
USERS = {TOKEN: {"id": 1, "username": "admin", "is_superuser": True}, ORGANIZATION_TOKEN: {"id": 2, "username": "operator", "is_superuser": False}}
VERSION = "24.6.1"
TYPES = {endpoint: endpoint.replace("ies", "ys")[:-1] for endpoint in rules.FIELDS}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
# AWX's own types of credentials: awx_plugins/credentials/plugins.py.
MANAGED = {"Machine": ["username", "ssh_key_data", "password"], "Source Control": ["username", "ssh_key_data", "password"]}
SECRETS = ("ssh_key_data", "password")
# Sub-list -> the endpoint of what it lists, by the field that refers to its owner.
NOTIFIED = ("notification_templates_error", "notification_templates_success", "notification_templates_started", "notification_templates_approvals")
OWNED = {"inventories": ("hosts", "groups", "inventory_sources")}


class Store:
    """``stuck``: what is to sync stays pending, as where no instance has room for it. ``former``: surveys come as the former version made them."""

    def __init__(self, place: Path) -> None:
        self.place, self.stuck, self.former = place, False, False
        self.things: dict[str, dict[int, Thing]] = {endpoint: {} for endpoint in rules.FIELDS}
        self.joined: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.surveys: dict[tuple[str, int], Thing] = {}
        self.updates: dict[tuple[str, int], Thing] = {}
        self.writes: list[str] = []
        self._last = 0
        for name, inputs in MANAGED.items():
            fields = [{"id": one, "type": "string", "secret": one in SECRETS} for one in inputs]
            self._keep("credential_types", {"name": name, "kind": "ssh", "inputs": {"fields": fields}, "injectors": {}, "managed": True})

    def named(self, endpoint: str, name: str) -> Thing:
        field = "identifier" if endpoint == "workflow_job_template_nodes" else "name"
        (found,) = [thing for thing in self.things[endpoint].values() if thing[field] == name]
        return found

    def names(self, endpoint: str) -> list[str]:
        return sorted(thing["name"] for thing in self.things[endpoint].values())

    def members(self, endpoint: str, name: str, sub: str) -> list[str]:
        """The names of what is joined."""
        place = "notification_templates" if sub.startswith("notification") else sub
        return sorted(self.things[place][one]["name"] for one in self.joined[endpoint, self.named(endpoint, name)["id"], sub])

    def find(self, endpoint: str, wanted: t.Iterable[tuple[str, str]]) -> list[Thing]:
        places = UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        asked = [(field, value) for field, value in wanted if not field.startswith("or__") and field != "page_size"]
        return [self.shown(thing) for place in places for thing in self._place(place).values() if self._fits(place, thing, asked)]

    def _fits(self, endpoint: str, thing: Thing, asked: t.Sequence[tuple[str, str]]) -> bool:
        if endpoint not in UNIFIED:
            rules.known(endpoint, [field for field, _value in asked], "filter")
        return all(str(self._value(thing, field)) == value for field, value in asked)

    def _value(self, thing: Thing, field: str) -> t.Any:
        first, _dots, rest = field.partition("__")
        value = thing.get(first)
        return self._value(self.things[rules.REFERENCES[first][0]][value], rest) if rest and value else value

    def get(self, endpoint: str, number: int) -> Thing:
        if number not in self._place(endpoint):
            raise Refused(404, f"There is no {endpoint}/{number}.")
        return self.things[endpoint][number]

    def add(self, endpoint: str, fields: Thing, superuser: bool = True) -> Thing:
        rules.privileged(endpoint, superuser)
        rules.known(endpoint, fields, "field")
        self._check(endpoint, {"description": "", **fields}, None)
        made = self._keep(endpoint, fields)
        if endpoint == "projects":
            self.sync_project(made)
        return made

    def _keep(self, endpoint: str, fields: Thing) -> Thing:
        self._last += 1
        url = f"/api/v2/{endpoint}/{self._last}/"
        made = {"id": self._last, "type": TYPES[endpoint], "url": url, "description": "", "scm_revision": "", "playbook_files": [], **fields}
        made["related"] = {name: f"{url}{name}/" for name in ("survey_spec", "hosts", "children", "update")}
        self._place(endpoint)[self._last] = made
        return made

    def change(self, endpoint: str, number: int, fields: Thing, superuser: bool = True) -> Thing:
        rules.privileged(endpoint, superuser)
        rules.known(endpoint, fields, "field")
        old = self.get(endpoint, number)
        self._check(endpoint, {**old, **fields}, old)
        moved = endpoint == "projects" and any(old.get(name) != value for name, value in fields.items() if name.startswith("scm_"))
        old.update(fields)
        # awx/main/models/projects.py, Project.save.
        return self.sync_project(old) if moved else old

    def remove(self, endpoint: str, number: int, superuser: bool = True) -> None:
        rules.privileged(endpoint, superuser)
        if endpoint == "groups":
            self._remove_hosts_of(number)
        del self._place(endpoint)[self.get(endpoint, number)["id"]]
        place = NOTIFIED if endpoint == "notification_templates" else (endpoint,)
        for (_endpoint, _number, sub), there in self.joined.items():
            if number in there and sub in place:
                there.remove(number)

    def _remove_hosts_of(self, group: int) -> None:
        """awx/main/models/inventory.py, Group.delete_recursive: with a group go its hosts that are in no other."""
        elsewhere = {host for (place, number, sub), hosts in self.joined.items() if (place, sub) == ("groups", "hosts") and number != group for host in hosts}
        for host in [one for one in self.joined["groups", group, "hosts"] if one not in elsewhere]:
            self.remove("hosts", host)

    def join(self, key: tuple[str, int, str], given: Thing) -> None:
        self.get(*key[:2])
        if given.get("disassociate"):
            self.joined[key].remove(given["id"])
        else:
            rules.joins(key, given, self.joined, self.things)
            self.joined[key].append(given["id"])

    def approval(self, node: int, fields: Thing) -> Thing:
        made = self.add("workflow_approval_templates", fields)
        self.change("workflow_job_template_nodes", node, {"unified_job_template": made["id"]})
        self.get("workflow_job_template_nodes", node)["related"]["unified_job_template"] = made["url"]
        return made

    def survey(self, endpoint: str, number: int, spec: Thing) -> None:
        self.get(endpoint, number)
        rules.survey(spec)
        self.surveys[endpoint, number] = _former(spec) if self.former else spec

    def answered(self, template: int, answers: Thing) -> None:
        """As for a launch, and for what launches by itself: awx/api/serializers.py, LaunchConfigurationBaseSerializer.validate."""
        found = [(endpoint, template) for endpoint in ("job_templates", "workflow_job_templates") if (endpoint, template) in self.surveys]
        for key in found:
            errors = refused(self.surveys[key]["spec"], answers)
            if errors:
                raise Refused(400, json.dumps(errors))

    def shown(self, thing: Thing) -> Thing:
        """As AWX shows it: without secrets, and with a summary of what it refers to."""
        organization = self.things["organizations"].get(thing.get("organization") or 0)
        summary: Thing = {"organization": {"name": organization["name"]}} if organization else {}
        shown = {**thing, "summary_fields": {**summary, "user_capabilities": {"edit": True}}}
        if thing["type"] == "credential" and thing.get("inputs"):
            secret = {field["id"] for field in self.get("credential_types", thing["credential_type"])["inputs"]["fields"] if field.get("secret")}
            shown["inputs"] = {name: "$encrypted$" if name in secret else value for name, value in thing["inputs"].items()}
        return shown

    def listed(self, endpoint: str, number: int, sub: str) -> list[Thing]:
        if sub in OWNED.get(endpoint, ()):
            return [self.shown(thing) for thing in self.things[sub].values() if thing[TYPES[endpoint]] == number]
        place = sub if sub in self.things else ""
        return [self.shown(self.things[place][one]) if place else {"id": one} for one in self.joined[endpoint, number, sub]]

    def checkout(self, project: Thing) -> Path:
        return self.place / str(project["id"])

    def sync_project(self, project: Thing) -> Thing:
        """The project, when AWX has synced it."""
        self.update("projects", project["id"])
        return project

    def update(self, endpoint: str, number: int) -> Thing:
        """The project update or inventory update, which is over at once unless AWX is stuck."""
        kind, act = {"projects": ("project_updates", self._project_update), "inventory_sources": ("inventory_updates", self._inventory_update)}[endpoint]
        self._last += 1
        told = {"id": self._last, "name": self.get(endpoint, number)["name"], "url": f"/api/v2/{kind}/{self._last}/", "scm_revision": "", "stdout": ""}
        update = self.updates[kind, self._last] = {**told, "status": "pending", "failed": False, "finished": None, "event_processing_finished": False}
        if not self.stuck:
            done = act(self.get(endpoint, number))
            ended = {"status": "successful" if done.worked else "failed", "failed": not done.worked, "finished": "now", "event_processing_finished": True}
            update.update({**ended, "scm_revision": done.revision, "stdout": done.said})
        return update

    def _project_update(self, project: Thing) -> source_control.Sync:
        done = source_control.sync(project["scm_url"], project.get("scm_branch", ""), self.checkout(project))
        project["status"] = "successful" if done.worked else "failed"
        if done.worked:
            project.update(scm_revision=done.revision, playbook_files=source_control.playbooks(self.checkout(project)))
        return done

    def _inventory_update(self, source: Thing) -> source_control.Sync:
        """Makes hosts and groups, merges the variables of all, and removes what the source lacks now: awx/main/management/commands/inventory_import.py."""
        project = self.get("projects", source["source_project"])
        told, wrong = source_control.inventory(self.checkout(project), source["source_path"])
        if wrong:
            return source_control.Sync(False, wrong)
        inventory = self.get("inventories", source["inventory"])
        inventory["variables"] = json.dumps({**json.loads(inventory.get("variables") or "{}"), **told.get("all", {}).get("vars", {})})
        groups = {name: group.get("hosts", []) for name, group in told.items() if name not in ("_meta", "all", "ungrouped")}
        hosts = told["_meta"]["hostvars"]
        every = {name: hosts.get(name, {}) for name in {*hosts, *(host for members in groups.values() for host in members)}}
        self._import(source, "hosts", {name: json.dumps(variables) for name, variables in every.items()})
        self._import(source, "groups", dict.fromkeys(groups, ""))
        for name, members in groups.items():
            group = self._inside("groups", inventory["id"], name)
            self.joined["groups", t.cast(Thing, group)["id"], "hosts"] = [t.cast(Thing, self._inside("hosts", inventory["id"], host))["id"] for host in members]
        return source_control.Sync(True, "")

    def _import(self, source: Thing, endpoint: str, wanted: t.Mapping[str, str]) -> None:
        before = list(self.joined["inventory_sources", source["id"], endpoint])
        for name, variables in wanted.items():
            found = self._inside(endpoint, source["inventory"], name)
            fields = {"name": name, "inventory": source["inventory"], "description": "imported", "variables": variables}
            made = found or self._keep(endpoint, {**fields, "enabled": True})
            made["variables"] = variables
            if made["id"] not in before:
                self.joined["inventory_sources", source["id"], endpoint].append(made["id"])
        for number in [number for number in before if self.things[endpoint][number]["name"] not in wanted]:
            self.remove(endpoint, number)

    def _inside(self, endpoint: str, inventory: int, name: str) -> Thing | None:
        return next((one for one in self.things[endpoint].values() if (one["inventory"], one["name"]) == (inventory, name)), None)

    def _place(self, endpoint: str) -> dict[int, Thing]:
        if endpoint not in self.things:
            raise Refused(404, f"The stand-in has no endpoint {endpoint}.")
        return self.things[endpoint]

    def _check(self, endpoint: str, fields: Thing, old: Thing | None) -> None:
        if endpoint in ("schedules", "workflow_job_template_nodes") and fields.get("unified_job_template"):
            self.answered(int(fields["unified_job_template"]), fields.get("extra_data") or {})
        rules.check(endpoint, fields, old, self.things)


class Handler(BaseHTTPRequestHandler):
    store: Store

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._write)

    def do_PATCH(self) -> None:
        self._answer(self._write)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def log_message(self, format: str, *args: t.Any) -> None:
        """Nothing: the test says what it saw."""

    @property
    def user(self) -> Thing:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in USERS:
            raise Refused(401, "The token is another.")
        return USERS[token]

    def _answer(self, act: t.Callable[..., tuple[int, t.Any]]) -> None:
        try:
            superuser = bool(self.user["is_superuser"])
            split = urlsplit(self.path)
            endpoint, *rest = split.path.removeprefix("/api/v2/").strip("/").split("/")
            status, told = act(endpoint, *rest, query=parse_qsl(split.query), superuser=superuser)
        except Refused as refused:
            status, told = refused.status, refused.answer
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("X-API-Product-Name", "AWX"), ("X-API-Product-Version", VERSION)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _read(self, endpoint: str, number: str = "", sub: str = "", query: t.Sequence[tuple[str, str]] = (), superuser: bool = True) -> tuple[int, t.Any]:
        if endpoint == "me":
            return 200, _page([self.user])
        if endpoint in ("project_updates", "inventory_updates"):
            update = self.store.updates[endpoint, int(number)]
            return 200, _stdout(update["stdout"], dict(query)) if sub == "stdout" else update
        if not number:
            return 200, _page(self.store.find(endpoint, query))
        thing = self.store.get(endpoint, int(number))
        if sub == "survey_spec":
            return 200, self.store.surveys.get((endpoint, int(number)), {})
        return 200, _page(self.store.listed(endpoint, int(number), sub)) if sub else self.store.shown(thing)

    def _write(self, endpoint: str, number: str = "", sub: str = "", query: t.Any = (), superuser: bool = True) -> tuple[int, t.Any]:
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        if sub == "update":
            return 202, self.store.update(endpoint, int(number))
        self.store.writes.append(f"{self.command} {self.path}")
        if self.command == "PATCH":
            return 200, self.store.shown(self.store.change(endpoint, int(number), fields, superuser))
        if not number:
            return 201, self.store.shown(self.store.add(endpoint, fields, superuser))
        if sub == "survey_spec":
            return 200, self.store.survey(endpoint, int(number), fields)
        if sub == "create_approval_template":
            return 201, self.store.approval(int(number), fields)
        return 204, self.store.join((endpoint, int(number), sub), fields)

    def _delete(self, endpoint: str, number: str, query: t.Any = (), superuser: bool = True) -> tuple[int, t.Any]:
        self.store.writes.append(f"{self.command} {self.path}")
        return 204, self.store.remove(endpoint, int(number), superuser)


def _former(spec: Thing) -> Thing:
    """Lists were required, with a default."""
    return {**spec, "spec": [{**question, "required": question["required"] or question["type"] == "textarea"} for question in spec["spec"]]}


def _stdout(text: str, asked: t.Mapping[str, str]) -> Thing:
    """awx/api/views/__init__.py, UnifiedJobStdout.retrieve: JSON has HTML, or else base64 of what a terminal shows."""
    plain = (asked.get("content_format"), asked.get("content_encoding")) == ("ansi", "base64")
    return {"content": base64.b64encode(f"\x1b[0;31m{text}\x1b[0m".encode()).decode() if plain else f"<span>{html.escape(text)}</span>"}


def _page(results: list[Thing]) -> Thing:
    return {"count": len(results), "next": None, "previous": None, "results": results}


def serve(store: Store, port: int) -> ThreadingHTTPServer:
    """Listening on 127.0.0.1; serve_forever() is the caller's."""
    return ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"store": store}))

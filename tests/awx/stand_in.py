# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX's REST API, in memory. It is not AWX.

It knows objects by endpoint, finds them by equality of fields, and knows associations, surveys, approval nodes and secret fields. It checks what the collection
awx.awx cannot check itself and AWX would refuse: fields that refer to nothing, playbooks that the project lacks, and questions that are not well formed.
It has no users, no defaults of fields, no jobs.
"""

from __future__ import annotations

import json
import typing as t
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from answers import refused

Thing = dict[str, t.Any]

TOKEN = "the-token-of-the-stand-in"
VERSION = "24.6.1"
# Endpoint -> what its objects call themselves.
TYPES = {
    "organizations": "organization",
    "execution_environments": "execution_environment",
    "projects": "project",
    "inventories": "inventory",
    "inventory_sources": "inventory_source",
    "hosts": "host",
    "groups": "group",
    "credential_types": "credential_type",
    "credentials": "credential",
    "notification_templates": "notification_template",
    "job_templates": "job_template",
    "workflow_job_templates": "workflow_job_template",
    "workflow_job_template_nodes": "workflow_job_template_node",
    "workflow_approval_templates": "workflow_approval_template",
    "schedules": "schedule",
}
UNIFIED = ("job_templates", "workflow_job_templates", "projects", "inventory_sources")
# Field -> where the object of that id must be.
REFERENCES = {
    "organization": ("organizations",),
    "inventory": ("inventories",),
    "project": ("projects",),
    "source_project": ("projects",),
    "execution_environment": ("execution_environments",),
    "default_environment": ("execution_environments",),
    "credential_type": ("credential_types",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": (*UNIFIED, "workflow_approval_templates"),
}
ANSWERS: dict[str, tuple[type, ...]] = {"text": (str,), "textarea": (str,), "multiplechoice": (str,), "integer": (int,), "float": (float, int)}


class Refused(Exception):
    """As AWX answers: a status and an object."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.answer = status, {"error": why, "__all__": [why]}


class Store:
    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        self.things: dict[str, dict[int, Thing]] = {endpoint: {} for endpoint in TYPES}
        self.joined: dict[tuple[str, int, str], list[int]] = defaultdict(list)
        self.surveys: dict[tuple[str, int], Thing] = {}
        self.writes: list[str] = []
        self._last = 0

    def named(self, endpoint: str, name: str) -> Thing:
        field = "identifier" if endpoint == "workflow_job_template_nodes" else "name"
        (found,) = [thing for thing in self.things[endpoint].values() if thing[field] == name]
        return found

    def find(self, endpoint: str, wanted: t.Iterable[tuple[str, str]]) -> list[Thing]:
        places = UNIFIED if endpoint == "unified_job_templates" else (endpoint,)
        asked = [(field, value) for field, value in wanted if not field.startswith("or__")]
        return [self.shown(thing) for place in places for thing in self._place(place).values() if all(str(thing.get(field)) == value for field, value in asked)]

    def get(self, endpoint: str, number: int) -> Thing:
        if number not in self._place(endpoint):
            raise Refused(404, f"There is no {endpoint}/{number}.")
        return self.things[endpoint][number]

    def add(self, endpoint: str, fields: Thing) -> Thing:
        self._check(endpoint, fields)
        self._last += 1
        url = f"/api/v2/{endpoint}/{self._last}/"
        made = {"id": self._last, "type": TYPES[endpoint], "url": url, "summary_fields": {}, "scm_revision": "", **fields}
        made["related"] = {name: f"{url}{name}/" for name in ("survey_spec", "hosts", "children")}
        self._place(endpoint)[self._last] = made
        return made

    def change(self, endpoint: str, number: int, fields: Thing) -> Thing:
        self._check(endpoint, {**self.get(endpoint, number), **fields})
        self.get(endpoint, number).update(fields)
        return self.get(endpoint, number)

    def join(self, key: tuple[str, int, str], given: Thing) -> None:
        self.get(*key[:2])
        if given.get("disassociate"):
            self.joined[key].remove(given["id"])
        else:
            self.joined[key].append(given["id"])

    def approval(self, node: int, fields: Thing) -> Thing:
        made = self.add("workflow_approval_templates", fields)
        self.change("workflow_job_template_nodes", node, {"unified_job_template": made["id"]})
        self.get("workflow_job_template_nodes", node)["related"]["unified_job_template"] = made["url"]
        return made

    def survey(self, endpoint: str, number: int, spec: Thing) -> None:
        self.get(endpoint, number)
        for field, kind in (("name", str), ("description", str), ("spec", list)):
            if not isinstance(spec.get(field), kind):
                raise Refused(400, f"A survey needs {field}.")
        variables = [question.get("variable") for question in spec["spec"]]
        if not variables or len(set(variables)) < len(variables):
            raise Refused(400, "A survey needs questions, each with a variable of its own.")
        for question in spec["spec"]:
            _check_question(question)
        self.surveys[endpoint, number] = spec

    def shown(self, thing: Thing) -> Thing:
        """Without secrets, as AWX shows it."""
        if thing["type"] != "credential" or not thing.get("inputs"):
            return thing
        secret = {field["id"] for field in self.get("credential_types", thing["credential_type"])["inputs"]["fields"] if field.get("secret")}
        return {**thing, "inputs": {name: "$encrypted$" if name in secret else value for name, value in thing["inputs"].items()}}

    def _place(self, endpoint: str) -> dict[int, Thing]:
        if endpoint not in self.things:
            raise Refused(404, f"The stand-in has no endpoint {endpoint}.")
        return self.things[endpoint]

    def answered(self, template: int, answers: Thing) -> None:
        """As for a launch, and for what launches by itself: awx/api/serializers.py, LaunchConfigurationBaseSerializer.validate."""
        found = [(endpoint, template) for endpoint in ("job_templates", "workflow_job_templates") if (endpoint, template) in self.surveys]
        for key in found:
            errors = refused(self.surveys[key]["spec"], answers)
            if errors:
                raise Refused(400, json.dumps(errors))

    def _check(self, endpoint: str, fields: Thing) -> None:
        if endpoint in ("schedules", "workflow_job_template_nodes") and fields.get("unified_job_template"):
            self.answered(int(fields["unified_job_template"]), fields.get("extra_data") or {})
        for field, places in REFERENCES.items():
            if fields.get(field) not in (None, "") and not any(fields[field] in self.things[place] for place in places):
                raise Refused(400, f"{endpoint}: {field} {fields[field]} is not there.")
        if "playbook" in fields and not (self.checkout / fields["playbook"]).is_file():
            raise Refused(400, f"Playbook {fields['playbook']} not found for project.")


def _check_question(question: Thing) -> None:
    for field in ("type", "question_name", "variable", "required"):
        if field not in question:
            raise Refused(400, f"'{field}' missing from survey question {question}.")
    if question["type"] not in ANSWERS:
        raise Refused(400, f"{question['type']} is no type of question.")
    default = question.get("default", "")
    if default != "" and type(default) not in ANSWERS[question["type"]]:
        raise Refused(400, f"The default of {question['variable']} is not of its type.")
    if question["type"] == "multiplechoice" and default not in question["choices"]:
        raise Refused(400, f"The default of {question['variable']} is none of its choices.")


class Handler(BaseHTTPRequestHandler):
    store: Store

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._write)

    def do_PATCH(self) -> None:
        self._answer(self._write)

    def log_message(self, format: str, *args: t.Any) -> None:
        """Nothing: the test says what it saw."""

    def _answer(self, act: t.Callable[..., tuple[int, t.Any]]) -> None:
        try:
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "The token is another.")
            split = urlsplit(self.path)
            endpoint, *rest = split.path.removeprefix("/api/v2/").strip("/").split("/")
            status, told = act(endpoint, *rest, query=parse_qsl(split.query))
        except Refused as refused:
            status, told = refused.status, refused.answer
        body = b"" if told is None else json.dumps(told).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("X-API-Product-Name", "AWX"), ("X-API-Product-Version", VERSION)):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _read(self, endpoint: str, number: str = "", sub: str = "", query: t.Sequence[tuple[str, str]] = ()) -> tuple[int, t.Any]:
        if not number:
            return 200, _page(self.store.find(endpoint, query))
        thing = self.store.get(endpoint, int(number))
        if sub == "survey_spec":
            return 200, self.store.surveys.get((endpoint, int(number)), {})
        return 200, _page([{"id": one} for one in self.store.joined[endpoint, int(number), sub]]) if sub else self.store.shown(thing)

    def _write(self, endpoint: str, number: str = "", sub: str = "", query: t.Any = ()) -> tuple[int, t.Any]:
        fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.store.writes.append(f"{self.command} {self.path}")
        if self.command == "PATCH":
            return 200, self.store.shown(self.store.change(endpoint, int(number), fields))
        if not number:
            return 201, self.store.shown(self.store.add(endpoint, fields))
        if sub == "survey_spec":
            return 200, self.store.survey(endpoint, int(number), fields)
        if sub == "create_approval_template":
            return 201, self.store.approval(int(number), fields)
        return 204, self.store.join((endpoint, int(number), sub), fields)


def _page(results: list[Thing]) -> Thing:
    return {"count": len(results), "next": None, "previous": None, "results": results}


def serve(store: Store, port: int) -> ThreadingHTTPServer:
    """Listening on 127.0.0.1; serve_forever() is the caller's."""
    return ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"store": store}))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6.1 refuses of an object, besides answers to a survey (answers.py). Each rule names the file and the function of AWX that has it."""

from __future__ import annotations

import json
import re
import typing as t

Thing = dict[str, t.Any]
Things = t.Mapping[str, t.Mapping[int, Thing]]


class Refused(Exception):
    """As AWX answers: a status and an object."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.answer = status, {"error": why, "__all__": [why]}


_NAMED = ("name", "description", "organization")
_OUTCOMES = ("notification_templates_started", "notification_templates_success", "notification_templates_error")
# The fields of each endpoint that the modules of awx.awx and the playbook use.
FIELDS: t.Mapping[str, tuple[str, ...]] = {
    "organizations": ("name", "description"),
    "execution_environments": (*_NAMED, "image", "pull", "credential"),
    "projects": (*_NAMED, "scm_type", "scm_url", "scm_branch", "credential", "default_environment", "timeout"),
    "inventories": (*_NAMED, "variables", "kind", "host_filter"),
    "inventory_sources": ("name", "description", "inventory", "source", "source_project", "source_path", "overwrite", "overwrite_vars", "update_on_launch"),
    "hosts": ("name", "description", "inventory", "variables", "enabled"),
    "groups": ("name", "description", "inventory", "variables"),
    "credential_types": ("name", "description", "kind", "inputs", "injectors"),
    "credentials": (*_NAMED, "credential_type", "inputs"),
    "notification_templates": (*_NAMED, "notification_type", "notification_configuration"),
    "job_templates": (
        *(*_NAMED, "job_type", "inventory", "project", "playbook", "execution_environment", "diff_mode", "survey_enabled", "extra_vars"),
        *("webhook_service", "ask_variables_on_launch"),
    ),
    "workflow_job_templates": (*_NAMED, "survey_enabled", "extra_vars"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template", "unified_job_template", "extra_data", "type"),
    "workflow_approval_templates": ("name", "description", "timeout"),
    "schedules": ("name", "description", "unified_job_template", "rrule", "extra_data", "enabled"),
}
# Field -> where the object of that id must be.
REFERENCES: t.Mapping[str, tuple[str, ...]] = {
    "organization": ("organizations",),
    "inventory": ("inventories",),
    "project": ("projects",),
    "source_project": ("projects",),
    "credential": ("credentials",),
    "execution_environment": ("execution_environments",),
    "default_environment": ("execution_environments",),
    "credential_type": ("credential_types",),
    "workflow_job_template": ("workflow_job_templates",),
    "unified_job_template": ("job_templates", "workflow_job_templates", "projects", "inventory_sources", "workflow_approval_templates"),
}
# Type of notification -> the fields without a default: awx/main/notifications/*_backend.py, init_parameters.
_NOTIFIED = {
    "webhook": ("url", "headers"),
    "email": ("host", "port", "username", "password", "use_tls", "use_ssl", "sender", "recipients"),
    "slack": ("token", "channels"),
}


def privileged(endpoint: str, superuser: bool) -> None:
    """awx/main/access.py, OrganizationAccess.can_add and CredentialTypeAccess (BaseAccess.can_add, can_change): only a superuser."""
    if endpoint in ("organizations", "credential_types") and not superuser:
        raise Refused(403, "You do not have permission to perform this action.")


def known(endpoint: str, names: t.Iterable[str], what: str) -> None:
    """Raises Refused for unknown fields.

    As filters AWX refuses them (FieldLookupBackend.filter_queryset of its rest_filters). In a body it ignores them; this refuses them there, too.
    """
    unknown = {name.partition("__")[0] for name in names} - {*FIELDS[endpoint], "id", "managed"}
    if unknown:
        raise Refused(400, f"{endpoint} has no {what} named {', '.join(sorted(unknown))}.")


def check(endpoint: str, fields: Thing, old: Thing | None, things: Things) -> None:
    """Raises Refused for an object that AWX would not store. ``old``: as it was, without one when it is new."""
    _references(fields, things)
    _is_alone(endpoint, fields, old, things)
    {
        "execution_environments": _environment,
        "job_templates": _job_template,
        "credentials": _credential,
        "credential_types": _credential_type,
        "notification_templates": _notification,
        "schedules": _schedule,
    }.get(endpoint, _anything)(fields, old, things)


def _anything(fields: Thing, old: Thing | None, things: Things) -> None:
    """No rule of its own."""


def _references(fields: Thing, things: Things) -> None:
    """rest_framework/relations.py, PrimaryKeyRelatedField.to_internal_value."""
    for field, places in REFERENCES.items():
        if fields.get(field) not in (None, "") and not any(fields[field] in things[place] for place in places):
            raise Refused(400, f'{field}: Invalid pk "{fields[field]}" - object does not exist.')


def _is_alone(endpoint: str, fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/main/models, unique_together of each model, which rest_framework's UniqueTogetherValidator checks."""
    within = ("name", "organization", "inventory", "credential_type", "identifier", "workflow_job_template", "unified_job_template")
    same = [one for one in things[endpoint].values() if one is not old and all(one.get(name) == fields.get(name) for name in within)]
    if same and endpoint not in ("workflow_approval_templates", "schedules"):
        raise Refused(400, f"{endpoint} with this name and its place already exists.")


def _environment(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/api/serializers.py, ExecutionEnvironmentSerializer.validate."""
    if old and fields.get("organization") and fields["organization"] != old.get("organization"):
        raise Refused(400, "Cannot change the organization of an execution environment")


def _job_template(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/api/serializers.py, JobOptionsSerializer.validate. A project has no playbook before it was synced."""
    if not fields.get("project"):
        raise Refused(400, "project: This field is required.")
    if fields.get("playbook") not in things["projects"][fields["project"]]["playbook_files"]:
        raise Refused(400, "Playbook not found for project.")


def _credential(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/main/fields.py, CredentialInputField.schema: no other inputs than the type has."""
    known_inputs = [field["id"] for field in things["credential_types"][fields["credential_type"]]["inputs"]["fields"]]
    unknown = sorted({*(fields.get("inputs") or {})} - {*known_inputs})
    if unknown:
        raise Refused(400, f"Additional properties are not allowed ({', '.join(unknown)}).")


def _credential_type(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/api/serializers.py, CredentialTypeSerializer.validate."""
    used = old and any(one["credential_type"] == old["id"] for one in things["credentials"].values())
    if old and used and fields.get("inputs") != old.get("inputs"):
        raise Refused(400, "Modifications to inputs are not allowed for credential types that are in use")


def _notification(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/api/serializers.py, NotificationTemplateSerializer.validate."""
    kind = fields.get("notification_type")
    if kind not in _NOTIFIED:
        raise Refused(400, f'"{kind}" is not a valid choice.')
    missing = [name for name in _NOTIFIED[kind] if name not in fields.get("notification_configuration", {})]
    if missing:
        raise Refused(400, f"Missing required fields for Notification Configuration: {', '.join(missing)}.")


def _schedule(fields: Thing, old: Thing | None, things: Things) -> None:
    """awx/api/serializers.py, SchedulePreviewSerializer.validate_rrule."""
    rule = fields["rrule"]
    if not re.search(r"DTSTART(;TZID=\S+)?:\d{8}T\d{6}Z?", rule):
        raise Refused(400, "Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if "INTERVAL" not in rule.upper():
        raise Refused(400, "INTERVAL required in rrule.")
    if "SECONDLY" in rule.upper():
        raise Refused(400, "SECONDLY is not supported.")


def joins(key: tuple[str, int, str], given: Thing, joined: t.Mapping[tuple[str, int, str], list[int]], things: Things) -> None:
    """Raises Refused for an association that AWX would not make."""
    endpoint, number, name = key
    if name == "credentials":
        _one_of_each_type(given["id"], joined[key], things)
    if endpoint == "workflow_job_template_nodes" and name.endswith("_nodes"):
        _no_cycle(number, given["id"], joined)


def _one_of_each_type(number: int, there: t.Sequence[int], things: Things) -> None:
    """awx/api/views/__init__.py, JobTemplateCredentialsList.is_valid_relation."""
    kinds = [things["credentials"][one]["credential_type"] for one in there]
    if things["credentials"][number]["credential_type"] in kinds:
        raise Refused(400, "Cannot assign multiple credentials of this type.")


def _no_cycle(parent: int, child: int, joined: t.Mapping[tuple[str, int, str], list[int]]) -> None:
    """awx/api/views/__init__.py, WorkflowJobTemplateNodeChildrenBaseList.is_valid_relation."""
    seen, left = set[int](), [child]
    while left:
        node = left.pop()
        if node == parent:
            raise Refused(400, "Cycle detected.")
        if node not in seen:
            seen.add(node)
            left += [other for (place, number, name), others in joined.items() if (place, number) == ("workflow_job_template_nodes", node) for other in others]


def survey(spec: Thing) -> None:
    """awx/api/views/__init__.py, JobTemplateSurveySpec._validate_spec_data."""
    for field, kind in (("name", str), ("description", str), ("spec", list)):
        if not isinstance(spec.get(field), kind):
            raise Refused(400, f"A survey needs {field}.")
    variables = [question.get("variable") for question in spec["spec"]]
    if not variables or len(set(variables)) < len(variables):
        raise Refused(400, "A survey needs questions, each with a variable of its own.")
    for question in spec["spec"]:
        _question(question)


_ANSWERS: t.Mapping[str, tuple[type, ...]] = {"text": (str,), "textarea": (str,), "multiplechoice": (str,), "integer": (int,), "float": (float, int)}


def _question(question: Thing) -> None:
    for field in ("type", "question_name", "variable", "required"):
        if field not in question:
            raise Refused(400, f"'{field}' missing from survey question {json.dumps(question)}.")
    if question["type"] not in _ANSWERS:
        raise Refused(400, f"{question['type']} is no type of question.")
    default = question.get("default", "")
    if default != "" and type(default) not in _ANSWERS[question["type"]]:
        raise Refused(400, f"The default of {question['variable']} is not of its type.")
    if question["type"] == "multiplechoice" and default not in question["choices"]:
        raise Refused(400, f"The default of {question['variable']} is none of its choices.")

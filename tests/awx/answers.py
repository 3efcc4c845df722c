# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX 24.6.1 makes of the answers to a survey. Each rule names the function that has it; all are in awx/main/models/mixins.py, SurveyJobTemplateMixin."""

from __future__ import annotations

import typing as t

Thing = dict[str, t.Any]
_TYPES: t.Mapping[str, tuple[type, ...]] = {"text": (str,), "textarea": (str,), "integer": (int,), "float": (float, int)}


def refused(spec: t.Sequence[Thing], answers: Thing) -> dict[str, list[str]]:
    """The errors of a launch, a schedule or a node with these answers, {} for none (_accept_or_ignore_variables, without "prompt on launch")."""
    wrong = [words for question in spec for words in _wrong(question, answers)]
    unknown = sorted(set(answers) - {question["variable"] for question in spec})
    errors = {"variables_needed_to_start": wrong} if wrong else {}
    return {**errors, "extra_vars": [f"Variables {', '.join(unknown)} are not allowed on launch."]} if unknown else errors


def taken(spec: t.Sequence[Thing], answers: Thing) -> Thing:
    """What a job gets (_update_unified_job_kwargs): a default counts where it is not null and keeps the question's own rules; an answer wins over it."""
    defaults = {question["variable"]: question["default"] for question in spec if question.get("default") is not None}
    kept = {question["variable"] for question in spec if not _wrong(question, defaults)}
    return {**{name: value for name, value in defaults.items() if name in kept}, **answers}


def _wrong(question: Thing, answers: Thing) -> list[str]:
    """_survey_element_validation: a question that is required needs an answer, also where it has a default; limits are of a text's length."""
    name, kind = question["variable"], question["type"]
    if name not in answers:
        return [f"'{name}' value missing"] if question["required"] else []
    value = answers[name]
    if kind == "multiplechoice":
        return [] if value in question["choices"] else [f"Value {value} for '{name}' expected to be one of {question['choices']}."]
    if type(value) not in _TYPES[kind]:
        return [f"Value {value} for '{name}' expected to be {kind}."]
    return _beyond(question, len(value) if isinstance(value, str) else value)


def _beyond(question: Thing, size: float) -> list[str]:
    low, high = (None if question.get(limit) in ("", None) else float(question[limit]) for limit in ("min", "max"))
    if low is not None and size < low:
        return [f"'{question['variable']}' value is too small (must be at least {low:g})."]
    return [f"'{question['variable']}' value is too large (must be no more than {high:g})."] if high is not None and size > high else []

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.survey import spec_of, text_lines
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

ROLE = ROOT / "roles" / "remediate_watchers"
OPTIONS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]


def asked(name: str, **option: t.Any) -> dict[str, t.Any]:
    (question,) = spec_of({name: option}, [name])["spec"]
    return question  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("option", "kind", "default"),
    [
        ({"type": "str"}, "text", ""),
        ({"type": "path", "default": "/etc"}, "text", "/etc"),
        ({"type": "int", "default": 0}, "integer", 0),
        ({"type": "float", "default": 1.5}, "float", 1.5),
        ({"type": "bool", "default": True}, "multiplechoice", "true"),
        ({"type": "str", "choices": ["a", "b"], "default": "b"}, "multiplechoice", "b"),
        ({"type": "list", "elements": "str", "default": ["a, b", "c"]}, "textarea", "a, b\nc"),
        ({"type": "list", "elements": "str", "default": []}, "textarea", "# one on each line"),
    ],
)
def test_types_and_defaults(option: dict[str, t.Any], kind: str, default: t.Any) -> None:
    question = asked("name", **option)
    assert (question["type"], question["default"], type(question["default"])) == (kind, default, type(default))


def test_choices() -> None:
    assert asked("name", type="bool")["choices"] == ["true", "false"]
    assert asked("name", type="str", choices=["a", "b"])["choices"] == ["a", "b"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("V(pool/image) or O(remediate_watchers_pools).", "pool/image or remediate_watchers_pools."),
        ("see O(cephops.iscsi_rescue.rbd_watchers#module:survey).", "see survey of the module rbd_watchers."),
        ("See P(cephops.iscsi_rescue.remediation_policy#filter).", "See cephops.iscsi_rescue.remediation_policy."),
        ("such as V(starts_with(host, 'gateway'\\)) and C(host).", "such as starts_with(host, 'gateway') and host."),
        (["One.", "Two  of\n it."], "One. Two of it."),
    ],
)
def test_descriptions_are_plain_text(written: t.Any, shown: str) -> None:
    assert asked("name", description=written)["question_description"] == shown


@pytest.mark.parametrize("option", [{"type": "dict"}, {"type": "list", "elements": "dict"}, {"type": "str", "no_log": True}])
def test_what_cannot_be_asked_for(option: dict[str, t.Any]) -> None:
    with pytest.raises(ValueError, match="The option name cannot be asked for"):
        asked("name", **option)


def test_an_option_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="no option gone"):
        spec_of({}, ["gone"])


def test_each_option_of_the_role_is_asked_for_or_refused() -> None:
    questions = []
    for name, option in OPTIONS.items():
        if (option["type"] == "list" and option["elements"] == "dict") or option.get("no_log"):
            continue
        questions += spec_of(OPTIONS, [name])["spec"]
    assert len(questions) > 25
    for question in questions:
        assert not any(mark in question["question_description"] for mark in ("O(", "V(", "M(", "C(", "P(")), question
        assert question["type"] != "multiplechoice" or question["default"] in question["choices"]


def test_the_defaults_are_those_of_the_role() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    for question in spec_of(OPTIONS, ["remediate_watchers_trace_scst", "remediate_watchers_restore", "remediate_watchers_max_fence"])["spec"]:
        wanted = defaults[question["variable"]]
        assert (text_lines(question["default"]) if isinstance(wanted, list) else question["default"]) == wanted


@pytest.mark.parametrize(
    ("answer", "lines"),
    [
        ("", []),
        ("\n \n", []),
        ("rbd/a\r\n rbd/b, c \n\n", ["rbd/a", "rbd/b, c"]),
        (["a", "b"], ["a", "b"]),
        ([], []),
        (None, []),
        ("# none\nrbd/a #1", ["rbd/a #1"]),
        (2026, ["2026"]),
    ],
)
def test_lines_of_text(answer: t.Any, lines: list[str]) -> None:
    assert text_lines(answer) == lines

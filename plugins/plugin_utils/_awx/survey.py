# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWX surveys, made of a role's argument spec; and the answers, which AWX knows as text only. Pure."""

from __future__ import annotations

import re
import typing as t

Option = t.Mapping[str, t.Any]

_TYPES = {"str": "text", "path": "text", "int": "integer", "float": "float", "bool": "multiplechoice", "list": "textarea"}
# AWX limits these by value or by length; without limits its own form puts in 0 and 1024.
_LIMITS = {"integer": (0, 2**31 - 1), "float": (0, 2**31 - 1), "text": (0, 4096), "textarea": (1, 65536)}
# From ansible-core 2.19 on an empty text that AWX marks as unsafe is null, which is no list; so there always is a line.
_NO_LINES = "# one on each line"
# O(name), V(value) and the like; a parenthesis within is escaped.
_MARKUP = re.compile(r"\b(?:[OVCIBMEPR]|RV)\(((?:\\.|[^)\\])*)\)")
_PLACE = re.compile(r"^[\w.]+#\w+:")
_KIND = re.compile(r"#\w+$")


def spec_of(options: t.Mapping[str, Option], names: t.Sequence[str], title: str = "", defaults: Option | None = None) -> dict[str, t.Any]:
    """Returns a survey spec that asks for ``names``, in that order. ``defaults`` replace the options' own. Raises ValueError if a survey cannot ask for one."""
    own = {name: {"default": value} for name, value in (defaults or {}).items()}
    return {"name": title, "description": "", "spec": [_question(name, {**_known(options, name), **own.get(name, {})}) for name in names]}


def text_lines(answer: t.Any) -> list[t.Any]:
    """Returns a list as it is, and a text as its lines that are neither empty nor remarks. A number, as YAML reads it, is a text, too."""
    if isinstance(answer, (list, tuple)):
        return list(answer)
    lines = [line.strip() for line in str("" if answer is None else answer).splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _known(options: t.Mapping[str, Option], name: str) -> Option:
    if name not in options:
        raise ValueError(f"There is no option {name} to ask for in a survey: see the role's meta/argument_specs.yml.")
    return options[name]


def _question(name: str, option: Option) -> dict[str, t.Any]:
    kind = _kind(name, option)
    low, high = _LIMITS.get(kind, (None, None))
    return {
        "variable": name,
        "question_name": _label(name),
        "question_description": plain(option.get("description", "")),
        "type": kind,
        # AWX refuses a bare launch, a schedule and a workflow's node where a question is required, also where it has a default.
        "required": bool(option.get("required", False)) and "default" not in option,
        "choices": _choices(option) if kind == "multiplechoice" else "",
        "min": low,
        "max": high,
        "default": _default(option, kind),
    }


def _kind(name: str, option: Option) -> str:
    declared = option.get("type", "str")
    asked = declared in _TYPES and (declared != "list" or option.get("elements", "str") == "str") and not option.get("no_log")
    if not asked:
        kind = "secret" if option.get("no_log") else declared
        raise ValueError(f"The option {name} cannot be asked for in a survey, being a {kind}: set it in the inventory.")
    return "multiplechoice" if option.get("choices") and declared != "list" else _TYPES[declared]


def _choices(option: Option) -> list[str]:
    return ["true", "false"] if option.get("type") == "bool" else [str(choice) for choice in option["choices"]]


def _default(option: Option, kind: str) -> t.Any:
    value = option.get("default")
    if option.get("type") == "list":
        return "\n".join(str(word) for word in value or []) or _NO_LINES
    if value is None:
        return ""
    if kind in ("integer", "float"):
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _label(name: str) -> str:
    words = name.removeprefix("remediate_watchers_").replace("_", " ")
    return words[:1].upper() + words[1:]


def plain(description: t.Any) -> str:
    """Returns a description without Ansible's markup, as AWX shows it."""
    text = description if isinstance(description, str) else " ".join(str(line) for line in description)
    return _MARKUP.sub(lambda found: _word(found.group(1)), " ".join(text.split()))


def _word(inside: str) -> str:
    bare = re.sub(r"\\(.)", r"\1", inside)
    if "#module:" in bare:
        place, option = bare.split("#module:")
        return f"{option} of the module {place.rpartition('.')[2]}"
    return _KIND.sub("", _PLACE.sub("", bare))

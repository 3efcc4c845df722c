# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/options.md, the list of all options of the role and the playbooks, from where they are declared.

usage: options.py FILE
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.survey import plain

ROOT = Path(__file__).parents[2]
HEAD = """# All options

Each name that begins as one of these does and is none of them is refused, with the nearest that is known.
The list is made from `playbooks/vars/options.yml` and the roles' argument specs by `make docs-options`.
"""


def page() -> str:
    """The whole page."""
    told = yaml.safe_load((ROOT / "playbooks/vars/options.yml").read_text(encoding="utf-8"))
    return HEAD + "".join(_section(name, one) for name, one in told.items())


def _section(name: str, told: t.Mapping[str, t.Any]) -> str:
    rows = [*(_of_role(name) if told.get("role") else []), *(_of_playbook(told.get("options", {})))]
    lines = "".join(f"| `{option}` | {default} | {words} |\n" for option, default, words in rows)
    return f"\n## {name}\n\n| option | default | what it is |\n| --- | --- | --- |\n{lines}"


def _of_playbook(options: t.Mapping[str, str]) -> list[tuple[str, str, str]]:
    """A description ends with its default in parentheses, if there is one."""
    found = []
    for option, words in options.items():
        text, paren, rest = words.rpartition(" (")
        found.append((option, rest.rstrip(").") if paren else "", (text if paren else words).rstrip(".")))
    return found


def _of_role(name: str) -> list[tuple[str, str, str]]:
    spec = yaml.safe_load((ROOT / "roles" / name / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    options = {option: told for entry in spec.values() for option, told in entry.get("options", {}).items()}
    return [(option, _default(told), _first(told["description"])) for option, told in options.items()]


def _default(told: t.Mapping[str, t.Any]) -> str:
    if "default" not in told:
        return "required" if told.get("required") else ""
    value = told["default"]
    return "" if value in ("", None) else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def _first(description: t.Any) -> str:
    """Its first paragraph, without Ansible's markup."""
    text = plain(description if isinstance(description, str) else description[0])
    return text.replace("|", "\\|").rstrip(".")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")

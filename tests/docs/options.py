# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/options.md, the list of all options, and a page for each playbook in docs/playbooks/, from where the options are declared.

usage: options.py FILE, which is docs/options.md; the playbooks' pages are written beside it
"""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.survey import plain

ROOT = Path(__file__).parents[2]
Told = t.Mapping[str, t.Any]

HEAD = """# All options

If a name begins with one of these prefixes and is no option, the play ends and names the nearest option.
`make docs-options` makes this page from `playbooks/vars/options.yml` and the roles' argument specs.
"""
INDEX = """# Playbooks

Run each by its full name: `ansible-playbook -i inventory.yml cephops.iscsi_rescue.remediate_watchers`.
Its page has its options; [all options](../options.md) are on one page, too.

| playbook | what it does |
| --- | --- |
"""
# What the list leaves to the page of each playbook.
FIRST_PARAGRAPH = 1


def declared() -> dict[str, Told]:
    """Returns what is said of each prefix."""
    return t.cast("dict[str, Told]", yaml.safe_load((ROOT / "playbooks/vars/options.yml").read_text(encoding="utf-8")))


def playbooks() -> dict[str, Told]:
    """Returns what is said of each playbook."""
    return {name: told for name, told in declared().items() if "changes" in told}


def role_options(role: str, entry_point: str | None = None) -> dict[str, Told]:
    """Returns the options of a role, of one entry point or of all."""
    entries = yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    chosen = [entries[entry_point]] if entry_point else entries.values()
    return {option: told for entry in chosen for option, told in entry.get("options", {}).items()}


def options_of(name: str) -> dict[str, Told]:
    """Returns all that a prefix has: the options of its role, and its own."""
    told = declared()[name]
    return {**(role_options(name) if told.get("role") else {}), **told.get("options", {})}


def pages() -> dict[str, str]:
    """Returns the text of each page, by its path within docs/."""
    made = {f"playbooks/{name}.md": playbook_page(name, told) for name, told in playbooks().items()}
    return {"options.md": options_page(), "playbooks/index.md": index_page(), **made}


def options_page() -> str:
    """Returns the list of all options."""
    return HEAD + "".join(f"\n## {name}\n\n{table(options_of(name), FIRST_PARAGRAPH)}" for name in declared() if options_of(name))


def index_page() -> str:
    """Returns the list of the playbooks."""
    return INDEX + "".join(f"| [{name}]({name}.md) | {told['short_description']}. |\n" for name, told in playbooks().items())


def playbook_page(name: str, told: Told) -> str:
    """Returns the page of one playbook."""
    parts = [f"# Playbook {name}", f"{told['short_description']}.", *told["description"], examples(name, told)]
    parts += ["## What it changes", "".join(f"- {line}\n" for line in told["changes"]).strip()]
    parts += groups(told["groups"])
    parts += _options(name, told)
    parts += ["## See also", "".join(f"- [{words}]({link})\n" for words, link in told["see"].items()).strip()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def examples(name: str, told: Told) -> str:
    """Returns the commands, each under what it does."""
    inventory = f"-i {told.get('inventory', 'inventory.yml')} " if told["groups"] else ""
    commands = [f"# {words}\nansible-playbook {inventory}cephops.iscsi_rescue.{name} {rest}".rstrip() for rest, words in told["run"].items()]
    return "```sh\n" + "\n\n".join(commands) + "\n```"


def groups(named: t.Mapping[str, str]) -> list[str]:
    """Returns the section on the inventory."""
    lines = "".join(f"| `{group}` | {words} |\n" for group, words in named.items())
    return [
        "## Groups of the inventory",
        f"| group | what for |\n| --- | --- |\n{lines}" if named else "None: it runs on the controller, or on the host that an option names.",
    ]


def _options(name: str, told: Told) -> list[str]:
    """Returns the sections on options: a playbook's own, and those of a role that it takes, too."""
    own, shared = told.get("options", {}), shared_options(name)
    found = ["## Options", table(own)] if own else []
    if told.get("role"):
        found += ["## Options", table(role_options(name))]
    if "takes" in told:
        found += ["## Options", table({**declared()[told["takes"]]["options"], **role_options(told["takes"], told["entry_point"])})]
    if imports_role(name):
        found += ["## Options of remediate_watchers", "It also takes [all options of remediate_watchers](remediate_watchers.md#options)."]
    if shared:
        found += ["## Options of remediate_watchers that it also takes", table(shared, FIRST_PARAGRAPH)]
    return found


def imports_role(name: str) -> bool:
    """Returns whether a playbook runs remediate_watchers."""
    return "import_playbook: cephops.iscsi_rescue.remediate_watchers" in _text(name)


def shared_options(name: str) -> dict[str, Told]:
    """Returns the options of remediate_watchers that a playbook reads itself, as its own text has them."""
    return {option: told for option, told in role_options("remediate_watchers").items() if re.search(rf"\b{option} \| default\(", _text(name))}


def _text(name: str) -> str:
    return (ROOT / "playbooks" / f"{name}.yml").read_text(encoding="utf-8")


def table(options: t.Mapping[str, Told], paragraphs: int | None = None) -> str:
    """Returns the options with type, default and what is said of them, all of it or its first paragraphs."""
    lines = "".join(f"| `{name}`<br>*{_type(told)}* | {_comment(told, paragraphs)} |\n" for name, told in options.items())
    return f"| option | what it is |\n| --- | --- |\n{lines}"


def _type(told: Told) -> str:
    of = f" of {told['elements']}" if "elements" in told else ""
    return f"{told['type']}{of}{', required' if told.get('required') else ''}"


def _comment(told: Told, paragraphs: int | None) -> str:
    said = told["description"]
    text = " ".join([said] if isinstance(said, str) else said[:paragraphs])
    choices = [_value(choice) for choice in told.get("choices", []) if choice != ""]
    default = told.get("default")
    return " ".join(
        [
            plain(text).replace("|", "\\|"),
            *([f"One of {', '.join(choices)}."] if choices else []),
            *([f"Default: {_value(default)}."] if default not in ("", None) else []),
        ]
    )


def _value(value: t.Any) -> str:
    return f"`{value if isinstance(value, str) else json.dumps(value)}`"


def main() -> None:
    folder = Path(sys.argv[1]).parent
    (folder / "playbooks").mkdir(exist_ok=True)
    for path, text in pages().items():
        (folder / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

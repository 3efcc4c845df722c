# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages say of options and playbooks is what the code does."""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import jinja2
import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._options.known import known_of
from jinja2 import meta, nodes

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "docs"))
import options  # type: ignore[import-not-found]  # noqa: E402

PLAYBOOKS = {path.stem: path for path in sorted((ROOT / "playbooks").glob("*.yml"))}
# The other playbooks import it; it is not run by itself.
IMPORTED = "ceph_admin"
DECLARED = {name: told for prefix in options.declared() for name, told in options.options_of(prefix).items()}
# What a playbook writes where an option has no default.
NOTHING: tuple[t.Any, ...] = ("", [], {}, -1)
TYPES: dict[type, tuple[str, ...]] = {str: ("str", "path"), bool: ("bool",), int: ("int", "float"), float: ("float",), list: ("list",), dict: ("dict",)}
JINJA = jinja2.Environment()
# The current directory is the only thing that a default looks up.
JINJA.globals["lookup"] = lambda *_of: "."


class Loader(yaml.SafeLoader):
    """Takes what is marked as no template for nothing."""


Loader.add_constructor("!unsafe", lambda *_of: "")


class Default(t.NamedTuple):
    """A default that a playbook has for an option."""

    playbook: str
    option: str
    value: t.Any


def texts(data: t.Any) -> t.Iterator[str]:
    """Yields every text in a playbook."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from (text for value in data.values() for text in texts(value))
    elif isinstance(data, list):
        yield from (text for value in data for text in texts(value))


def parsed(text: str) -> nodes.Template:
    """Returns a template. A condition is one without braces, and most texts are none."""
    try:
        return JINJA.parse(text if "{{" in text else f"{{{{ {text} }}}}")
    except jinja2.TemplateSyntaxError:
        return nodes.Template([])


def evaluated(node: nodes.Expr, play: t.Mapping[str, t.Any]) -> t.Any:
    """Returns the value of an expression, which might take variables of the play."""
    try:
        return node.as_const()
    except nodes.Impossible:
        template = nodes.Template([nodes.Output([node])]).set_environment(JINJA)
        needed = {name: JINJA.from_string(play[name]).render() for name in meta.find_undeclared_variables(template) if name in play}
        return jinja2.Template.from_code(JINJA, JINJA.compile(template), dict(JINJA.globals)).render(needed)


def with_tasks(play: t.Mapping[str, t.Any]) -> list[t.Any]:
    """Returns a play, and the tasks that it imports."""
    imported = [task["ansible.builtin.import_tasks"] for task in play.get("tasks", []) if "ansible.builtin.import_tasks" in task]
    return [play, *(yaml.load((ROOT / "playbooks" / path).read_text(), Loader) for path in imported)]


def defaults_of(playbook: str) -> t.Iterator[Default]:
    """Yields each default in a playbook: of the filter default, and of a play's own variables. One that is omitted is the module's."""
    for play in yaml.load(PLAYBOOKS[playbook].read_text(), Loader):
        own = play.get("vars", {})
        yield from (Default(playbook, name, value) for name, value in own.items() if name in DECLARED and "{{" not in str(value))
        for text in (one for one in texts(with_tasks(play)) if "default(" in one):
            for one in parsed(text).find_all(nodes.Filter):
                if one.name == "default" and isinstance(one.node, nodes.Name) and one.node.name in DECLARED and one.args[0] != nodes.Name("omit", "load"):
                    yield Default(playbook, one.node.name, evaluated(one.args[0], own))


DEFAULTS = [one for name in PLAYBOOKS for one in defaults_of(name)]


@pytest.mark.parametrize("path", options.pages())
def test_the_pages_are_up_to_date(path: str) -> None:
    """Else run make docs-options."""
    assert (ROOT / "docs" / path).read_text(encoding="utf-8") == options.pages()[path]


def test_there_is_a_page_for_each_playbook_and_no_other() -> None:
    assert {*options.playbooks()} == {*PLAYBOOKS} - {IMPORTED}
    assert {path.stem for path in (ROOT / "docs" / "playbooks").iterdir()} == {*options.playbooks(), "index"}


@pytest.mark.parametrize("name", options.playbooks())
def test_a_playbook_begins_with_its_purpose_and_its_page(name: str) -> None:
    purpose = options.declared()[name]["short_description"]
    comment = f"---\n# {purpose}.\n# Its options and examples: docs/playbooks/{name}.md, made from vars/options.yml.\n- name: "
    assert comment in PLAYBOOKS[name].read_text()


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_options_that_a_comment_lists_are_declared(name: str) -> None:
    listed = re.findall(r"^# (\w+_\w+)  +\S", PLAYBOOKS[name].read_text(), re.MULTILINE)
    assert listed in ([], [*options.declared().get(name, {}).get("options", {})])


@pytest.mark.parametrize("found", DEFAULTS, ids=lambda found: f"{found.playbook}-{found.option}")
def test_a_default_is_that_of_the_code(found: Default) -> None:
    told = DECLARED[found.option]
    assert found.value == told.get("default", found.value if found.value in NOTHING else None)
    assert told["type"] in TYPES[type(found.value)]


@pytest.mark.parametrize("name", options.playbooks())
def test_every_default_that_is_told_is_in_the_code(name: str) -> None:
    told = {option for option, one in options.declared()[name].get("options", {}).items() if "default" in one}
    assert told <= {found.option for found in DEFAULTS}


@pytest.mark.parametrize("name", options.playbooks())
def test_a_required_option_has_no_default(name: str) -> None:
    required = {option for option, one in options.declared()[name].get("options", {}).items() if one.get("required")}
    assert not {found.option for found in DEFAULTS if found.option in required and found.value not in NOTHING}


def groups_of(name: str) -> set[str]:
    """Returns the groups that a playbook names, those that it imports, and the roles that it runs."""
    text = PLAYBOOKS[name].read_text()
    imported = re.findall(r"import_playbook: (?:cephops\.iscsi_rescue\.)?(\w+)", text)
    tasks = [
        path.read_text()
        for role in re.findall(r"^ +- role: cephops\.iscsi_rescue\.(\w+)", text, re.MULTILINE)
        for path in (ROOT / "roles" / role).rglob("*.yml")
    ]
    named = re.findall(r"groups\['(\w+)'\]|^  hosts: (\w+)", "\n".join([text, *tasks]), re.MULTILINE)
    own = {group.replace("_reached", "") for pair in named for group in pair} - {"", "localhost"}
    return own.union(*(groups_of(one) for one in imported))


@pytest.mark.parametrize("name", options.playbooks())
def test_the_groups_are_those_of_the_code(name: str) -> None:
    assert {*options.declared()[name]["groups"]} == groups_of(name)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_every_option_that_a_page_names_is_one(path: Path) -> None:
    """A name that ends in an underscore stands for several."""
    known = {name for prefix in options.declared() for name in known_of(prefix)}
    named = {name for prefix in options.declared() for name in re.findall(rf"`({prefix}_[a-z_]+[a-z])(?:`|: )", path.read_text(encoding="utf-8"))}
    assert named <= known

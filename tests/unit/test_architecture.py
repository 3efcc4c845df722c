# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which part of plugins/ is allowed to import which: read from the files, so that a wrong arrow fails before it is used.

A room is a folder. What runs on hosts is in module_utils, what runs on the controller in plugin_utils.
"""

from __future__ import annotations

import ast
import typing as t
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGE = "ansible_collections.cephops.iscsi_rescue.plugins."

# Where an import begins -> where it must not lead.
FORBIDDEN = {
    "module_utils/_ceph/": ("module_utils/_watchers/", "module_utils/_fencing/", "module_utils/_targets/", "module_utils/_scsi/"),
    "module_utils/_watchers/": ("module_utils/_fencing/",),
    "module_utils/_targets/": ("module_utils/_watchers/", "module_utils/_fencing/"),
    "module_utils/_scsi/": ("module_utils/_targets/",),
    "module_utils/_linux/": ("module_utils/_targets/",),
}
MAY_IMPORT_ANSIBLE = "module_utils/_module.py"
ON_THE_CONTROLLER = ("plugin_utils", "filter", "action")


class Arrow(t.NamedTuple):
    """``target``: a file below plugins/, or the dotted name of what is elsewhere."""

    file: str
    target: str


def arrows(plugins: Path) -> list[Arrow]:
    """Returns every import in plugins/, also those inside functions."""
    files = {path.relative_to(plugins).as_posix() for path in plugins.rglob("*.py")}
    return [Arrow(file, target) for file in sorted(files) for name in _imported(plugins / file, file) for target in _targets(name, files)]


def _imported(path: Path, file: str) -> t.Iterator[str]:
    """Yields dotted names, with what is imported from a module behind the module's own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{_module(node, file)}.{name.name}" for name in node.names)


def _module(node: ast.ImportFrom, file: str) -> str:
    if not node.level:
        return node.module or ""
    folders = file.split("/")[: -node.level]
    return PACKAGE + ".".join([*folders, *filter(None, [node.module])])


def _targets(name: str, files: t.Collection[str]) -> list[str]:
    """Returns the file that a dotted name stands for: a module, or the module that has the name."""
    if not name.startswith(PACKAGE):
        return [name]
    parts = name.removeprefix(PACKAGE).split(".")
    paths = ["/".join(parts[:length]) + ".py" for length in (len(parts), len(parts) - 1)]
    return [path for path in paths if path in files][:1]


def faults(found: t.Sequence[Arrow]) -> list[str]:
    """Returns what is wrong with single arrows, one line each."""
    return [f"{arrow.file} imports {arrow.target}" for arrow in found if _is_forbidden(arrow)]


def _is_forbidden(arrow: Arrow) -> bool:
    room, target = arrow.file.partition("/")[0], arrow.target
    return (
        any(arrow.file.startswith(start) and target.startswith(ends) for start, ends in FORBIDDEN.items())
        or (room == "module_utils" and target.partition(".")[0] == "ansible" and arrow.file != MAY_IMPORT_ANSIBLE)
        or (room not in ON_THE_CONTROLLER and target.partition("/")[0] in ON_THE_CONTROLLER)
    )


def circle(pairs: t.Iterable[tuple[str, str]]) -> list[str]:
    """Returns one circle, from a node back to itself; [] where there is none."""
    graph: TopologicalSorter[str] = TopologicalSorter()
    for start, end in pairs:
        graph.add(start, end)
    try:
        graph.prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def files_of(found: t.Iterable[Arrow]) -> list[tuple[str, str]]:
    return [(arrow.file, arrow.target) for arrow in found if arrow.target.endswith(".py")]


def rooms_of(found: t.Iterable[Arrow]) -> list[tuple[str, str]]:
    pairs = [(start.rpartition("/")[0], end.rpartition("/")[0]) for start, end in files_of(found)]
    return [(start, end) for start, end in pairs if start != end]


def test_every_file_is_read() -> None:
    assert len({arrow.file for arrow in arrows(PLUGINS)}) > 60
    assert len(files_of(arrows(PLUGINS))) > 150


def test_no_forbidden_import() -> None:
    assert faults(arrows(PLUGINS)) == []


def test_no_circle_of_files() -> None:
    assert circle(files_of(arrows(PLUGINS))) == []


def test_no_circle_of_rooms() -> None:
    assert circle(rooms_of(arrows(PLUGINS))) == []


def tree(root: Path, files: t.Mapping[str, str]) -> list[Arrow]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("PLUGINS.", PACKAGE), encoding="utf-8")
    return arrows(root)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("module_utils/_linux/a.py", "plugin_utils/_run/b.py"),
        ("module_utils/_ceph/a.py", "module_utils/_watchers/b.py"),
        ("module_utils/_ceph/a.py", "module_utils/_fencing/b.py"),
        ("module_utils/_ceph/a.py", "module_utils/_targets/b.py"),
        ("module_utils/_ceph/a.py", "module_utils/_scsi/b.py"),
        ("module_utils/_watchers/a.py", "module_utils/_fencing/b.py"),
        ("module_utils/_targets/a.py", "module_utils/_watchers/b.py"),
        ("module_utils/_targets/a.py", "module_utils/_fencing/b.py"),
        ("module_utils/_scsi/a.py", "module_utils/_targets/b.py"),
        ("module_utils/_linux/a.py", "module_utils/_targets/b.py"),
        ("modules/a.py", "plugin_utils/_run/b.py"),
        ("modules/a.py", "filter/b.py"),
        ("module_utils/_ceph/a.py", "action/b.py"),
        ("doc_fragments/a.py", "plugin_utils/_metrics.py"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, importer: str, imported: str) -> None:
    module, _dot, _ending = imported.replace("/", ".").rpartition(".")
    room, _dot, name = module.rpartition(".")
    ways = [
        f"from PLUGINS.{room} import {name}",
        f"from PLUGINS.{module} import thing",
        f"import PLUGINS.{module}",
        f"def f():\n    from PLUGINS.{room} import {name}",
    ]
    for number, way in enumerate(ways):
        assert faults(tree(tmp_path / str(number), {importer: way, imported: ""})) == [f"{importer} imports {imported}"]


def test_a_relative_import_is_found(tmp_path: Path) -> None:
    found = tree(
        tmp_path, {"module_utils/_ceph/a.py": "from .._watchers import b\nfrom . import c", "module_utils/_watchers/b.py": "", "module_utils/_ceph/c.py": ""}
    )
    assert faults(found) == ["module_utils/_ceph/a.py imports module_utils/_watchers/b.py"]
    assert Arrow("module_utils/_ceph/a.py", "module_utils/_ceph/c.py") in found


@pytest.mark.parametrize("line", ["import ansible", "import ansible.errors", "from ansible.module_utils.basic import AnsibleModule"])
def test_ansible_is_imported_in_one_file_of_module_utils(tmp_path: Path, line: str) -> None:
    assert len(faults(tree(tmp_path / "wrong", {"module_utils/_ceph/a.py": line}))) == 1
    assert faults(tree(tmp_path / "right", {"module_utils/_module.py": line, "modules/a.py": line, "filter/a.py": line})) == []


@pytest.mark.parametrize("importer", ["filter/a.py", "action/a.py", "plugin_utils/_report/a.py"])
def test_the_controller_imports_its_own_and_that_of_hosts(tmp_path: Path, importer: str) -> None:
    line = "from PLUGINS.plugin_utils._run import b\nfrom PLUGINS.module_utils._ceph import c"
    assert faults(tree(tmp_path, {importer: line, "plugin_utils/_run/b.py": "", "module_utils/_ceph/c.py": ""})) == []


def test_a_circle_of_files_is_found(tmp_path: Path) -> None:
    a, b, c = (f"module_utils/_ceph/{name}.py" for name in "abc")
    start = "from PLUGINS.module_utils._ceph import "
    found = tree(tmp_path, {a: f"{start}b", b: f"{start}c", c: f"{start}a"})
    assert set(circle(files_of(found))) == {a, b, c}
    assert circle(rooms_of(found)) == []


def test_a_circle_of_rooms_is_found_where_there_is_none_of_files(tmp_path: Path) -> None:
    one, two = "module_utils/_scsi/", "module_utils/_linux/"
    found = tree(
        tmp_path,
        {
            f"{one}a.py": "from PLUGINS.module_utils._linux import b",
            f"{one}d.py": "",
            f"{two}b.py": "",
            f"{two}c.py": "from PLUGINS.module_utils._scsi import d",
        },
    )
    assert circle(files_of(found)) == []
    assert set(circle(rooms_of(found))) == {one.rstrip("/"), two.rstrip("/")}

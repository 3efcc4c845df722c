# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module ends with one sentence on a Python that is too old. Where pyenv has 3.8, each is really run by it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import ansible
import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python

MODULES = sorted((Path(__file__).parents[3] / "plugins" / "modules").glob("*.py"))
CHECK = "ansible_collections.cephops.iscsi_rescue.plugins.module_utils._python"
OLD = sorted(Path.home().glob(".pyenv/versions/3.8.*/bin/python3"))


def imported(module: Path) -> t.Iterator[str]:
    """Yields what the module imports of the collection, in its order."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ansible_collections."):
            yield from (f"{node.module}.{name.name}" for name in node.names)


@pytest.mark.parametrize("version", [(3, 9, 0, "final", 0), (3, 14, 1, "final", 0), (4, 0, 0, "alpha", 1)])
def test_a_python_that_is_new_enough(version: tuple[t.Any, ...]) -> None:
    assert _python.refusal(version, "/usr/bin/python3") == ""


def test_one_that_is_too_old() -> None:
    said = _python.refusal((3, 8, 18, "final", 0), "/usr/bin/python3.8")
    assert said == "/usr/bin/python3.8 on this host is Python 3.8.18, and the module needs 3.9 or later: set ansible_python_interpreter to one."


def test_there_are_modules() -> None:
    assert len(MODULES) > 8


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_the_check_comes_before_anything_else_of_the_collection(module: Path) -> None:
    assert next(imported(module)) == CHECK


@pytest.mark.skipif(not OLD, reason="pyenv has no Python 3.8 here")
@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_under_python_3_8(module: Path) -> None:
    places = [str(Path(ansible.__file__).parents[1]), *(str(path) for path in map(Path, sys.path) if (path / "ansible_collections/cephops").is_dir())]
    done = subprocess.run([str(OLD[-1]), str(module)], env={"PYTHONPATH": ":".join(places)}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert result["failed"] is True
    # From ansible-core 2.20 on, Ansible itself refuses it, in its own words.
    assert "needs 3.9 or later" in result["msg"] or "minimum of Python version 3.9" in result["msg"]

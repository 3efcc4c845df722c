# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX reads from a repository, done here with the real git and the real ansible-inventory: a project's playbooks, and an inventory file."""

from __future__ import annotations

import json
import re
import subprocess
import typing as t
from pathlib import Path

Thing = dict[str, t.Any]

# awx/main/utils/ansible.py, could_be_playbook and skip_directory.
_PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?import_playbook|include):\s*?.*?$", re.M)
_SKIPPED = ("roles", "tasks", "handlers", "library", "group_vars", "host_vars")


class Sync(t.NamedTuple):
    """``said``: as AWX shows a job's output."""

    worked: bool
    said: str
    revision: str = ""


def sync(url: str, branch: str, place: Path) -> Sync:
    """Clones the repository anew (awx/playbooks/project_update.yml). A branch can be a tag or a commit, too."""
    subprocess.run(["rm", "-rf", str(place)], check=True)
    done = _git("clone", "--quiet", url, str(place))
    if not done.returncode and branch:
        done = _git("-C", str(place), "checkout", "--quiet", branch)
    if done.returncode:
        return Sync(False, f"TASK [update project using git] ****\nfatal: [localhost]: FAILED! => {json.dumps({'msg': done.stderr.strip()})}\n")
    return Sync(True, "ok: [localhost]\n", _git("-C", str(place), "rev-parse", "HEAD").stdout.strip())


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], check=False, capture_output=True, text=True, timeout=60)


def playbooks(place: Path) -> list[str]:
    """Returns the files that AWX offers as a template's playbook."""
    found = (path.relative_to(place) for path in sorted(place.rglob("*.yml")) if not path.is_symlink())
    return [str(path) for path in found if not {*path.parts[:-1]} & {*_SKIPPED} and not _is_hidden(path) and _PLAYBOOK.search((place / path).read_text())]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def inventory(place: Path, name: str) -> tuple[Thing, str]:
    """Returns what ansible-inventory makes of a file, and what it said against it."""
    path = place / name
    if not path.exists():
        return {}, f"ERROR! Unable to parse {name} as an inventory source: there is no such file.\n"
    done = subprocess.run(["ansible-inventory", "--inventory", str(path), "--list", "--export"], check=False, capture_output=True, text=True, timeout=60)
    return (json.loads(done.stdout), "") if not done.returncode else ({}, done.stderr)

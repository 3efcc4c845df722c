# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the report of a run, for people and for programs, on the controller."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import page
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Result


def write(result: Result, directory: str, template: str) -> str:
    """Writes RUN.json and RUN.html, which only their owner can read, and returns the latter's path. Raises OSError."""
    folder = Path(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(folder / f"{result['run']}.json", json.dumps(result, indent=4, sort_keys=True))
    shown = folder / f"{result['run']}.html"
    _replace(shown, page.render(result, Path(template).read_text(encoding="utf-8")))
    return str(shown)


def _replace(path: Path, text: str) -> None:
    """Writes the whole file or nothing, so that no reader finds half of it. Text that is no UTF-8 is written as its codes."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import process


@pytest.mark.parametrize(
    ("stat", "command", "paused"),
    [
        ("4711 (tgtd) S 1 4711 4711 0 -1", "tgtd", False),
        ("4711 (tgtd) T 1 4711 4711 0 -1", "tgtd", True),
        ("4711 (a (b) T) R 1 4711 4711 0 -1", "a (b) T", False),
        ("4711 (sleep) t 1 4711 4711 0 -1", "sleep", False),
    ],
)
def test_stat(stat: str, command: str, paused: bool) -> None:
    found = process.parse_stat(stat)
    assert (found.pid, found.command, found.paused) == (4711, command, paused)


def test_the_task_itself_never_matches() -> None:
    assert not [found for found in process.find("pytest") if found.pid == __import__("os").getpid()]


@pytest.mark.parametrize("pattern", ["", "("])
def test_a_pattern_that_says_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="pattern"):
        process.find(pattern)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files are parts of one log, and which logs are of one host."""

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import log_files


@pytest.mark.parametrize(
    "parts",
    [
        ["b/vmkernel.10.gz", "b/vmkernel.2.gz", "b/vmkernel.0.gz", "b/vmkernel.log"],
        ["vmkernel.log.2.gz", "vmkernel.log.1", "vmkernel.log"],
        ["vmkernel.1", "vmkernel.0", "vmkernel"],
        ["esx1.log.1.xz", "esx1.log"],
        ["b/vmkernel.1.gz", "b/vmkernel.0.gz"],
    ],
)
def test_rotated_parts(parts: list[str]) -> None:
    for given in (parts, parts[::-1], sorted(parts)):
        assert log_files.logs(given) == [log_files.Log(parts[-1], parts[-1], parts)]


@pytest.mark.parametrize(
    "names", [["10.0.0.1", "10.0.0.2"], ["a/vmkernel.log", "b/vmkernel.log"], ["esx1", "esx1.example.com"], ["esx1.log", "esx2.log"], ["", "\n"]]
)
def test_logs_of_several_hosts(names: list[str]) -> None:
    assert log_files.logs(names) == [log_files.Log(name, name, [name]) for name in names]


def test_logs_of_one_host() -> None:
    found = log_files.logs(["b/vmkernel.log", "b/vmkwarning.log", "b/vobd.log", "b/esx2.log", "c/vmkwarning.log"])
    assert [(log.host, log.repeats) for log in found] == [("b", False), ("b", True), ("b", False), ("b/esx2.log", False), ("c/vmkwarning.log", False)]
    assert {log.host for log in log_files.logs(["vmkernel.log", "vobd.log"])} == {"."}

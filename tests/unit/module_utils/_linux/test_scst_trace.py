# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SCST's trace flags, from the text of a captured trace_level file."""

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import scst_trace
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import CAPTURES

LEVEL = scst_trace.parse((CAPTURES / "scst-root.txt").read_text().partition("trace_level\n")[2])


def test_the_capture() -> None:
    assert LEVEL.flags == ["out_of_mem", "pid", "special", "mgmt"]
    assert LEVEL.known == ["function", "line", "pid", "out_of_mem", "special", "scsi", "mgmt", "minor", "scsi_serializing", "retry", "pr"]


@pytest.mark.parametrize(
    ("name", "flags", "omitted"),
    [
        ("release", ["out_of_mem", "pid", "special", "mgmt"], {"mgmt_dbg", "block", "flow_control"}),
        ("debug", ["out_of_mem", "minor", "pid", "line", "function", "special", "mgmt", "mgmt_dbg", "retry"], {"flow_control", "data_send"}),
    ],
)
def test_real_builds(name: str, flags: list[str], omitted: set[str]) -> None:
    """A flag that the usage text omits can be added all the same."""
    level = scst_trace.parse((CAPTURES / f"scst-trace_level-{name}.txt").read_text())
    assert level.flags == scst_trace.in_order(level, flags) == flags == scst_trace.expect(level, "default", [])
    assert set(level.known) < set(scst_trace.ORDER) and not omitted & set(level.known)
    assert scst_trace.plan(level, sorted(omitted), []) == [f"add {token}" for token in sorted(omitted)]


@pytest.mark.parametrize("text", ["\n\nUsage:", "", "\n"])
def test_no_flags(text: str) -> None:
    assert scst_trace.parse(text).flags == []


def test_only_what_differs_is_written() -> None:
    assert scst_trace.plan(LEVEL, ["scsi", "mgmt", "pr"], ["pid", "retry"]) == ["add scsi", "add pr", "del pid"]


def test_unknown_and_contrary_flags() -> None:
    for add, remove in ((["blocking"], []), ([], ["blocking"]), (["pr"], ["pr"])):
        with pytest.raises(InputError):
            scst_trace.plan(LEVEL, add, remove)


def test_what_is_expected_in_check_mode() -> None:
    assert scst_trace.expect(LEVEL, None, ["add pr", "add minor", "del pid"]) == ["out_of_mem", "minor", "special", "mgmt", "pr"]
    assert scst_trace.expect(LEVEL, "none", []) == []
    assert scst_trace.expect(LEVEL, "all", []) == list(scst_trace.ORDER)
    assert scst_trace.expect(LEVEL._replace(known=["new_one"]), "all", []) == [*scst_trace.ORDER, "new_one"]
    assert scst_trace.expect(LEVEL, "default", []) == LEVEL.flags
    assert scst_trace.expect(LEVEL, None, ["add scsi"]) == ["out_of_mem", "pid", "special", "scsi", "mgmt"]
    assert set(scst_trace.expect(LEVEL._replace(flags=["pr"]), "default", [])) == set(LEVEL.flags)


@pytest.mark.parametrize(
    ("flags", "writes"),
    [
        (["out_of_mem", "pid", "special", "mgmt"], []),
        (["mgmt", "special", "pid", "out_of_mem"], []),
        (["scsi", "block"], ["none", "add scsi", "add block"]),
        ([], ["none"]),
        (list(scst_trace.ORDER), ["all"]),
    ],
)
def test_the_way_back_sets_the_value_as_a_whole(flags: list[str], writes: list[str]) -> None:
    assert scst_trace.back(LEVEL, flags) == writes


def test_there_is_no_way_back_to_what_is_no_flag() -> None:
    with pytest.raises(InputError, match="no trace flag nonsense"):
        scst_trace.back(LEVEL, ["nonsense"])

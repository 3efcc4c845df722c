# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scst_trace_level, on a STAND-IN for SCST's file: there is no SCST for Debian's kernel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from guest import HERE, four_ways, module, run, wait_for

SCST = Path("/sys/kernel/scst_tgt")
DEFAULT = ["out_of_mem", "pid", "special", "mgmt"]


@pytest.fixture(scope="module", autouse=True)
def kernel_directory():
    """sysfs takes no directories, so this guest's /sys/kernel is one in memory."""
    run("modprobe", "fuse")
    run("mount", "-t", "tmpfs", "tmpfs", "/sys/kernel")


@pytest.fixture
def scst(request):
    SCST.mkdir()
    options = getattr(request, "param", [])
    stand_in = subprocess.Popen([sys.executable, str(HERE / "scst_stand_in.py"), str(SCST), *options])
    wait_for(SCST.is_mount, saying="the stand-in")
    yield SCST
    run("umount", str(SCST))
    stand_in.wait(10)
    SCST.rmdir()


def writes():
    return (SCST / "writes").read_text().splitlines()


def test_add_and_remove_in_four_ways(scst):
    check, real, again, check_again = four_ways("scst_trace_level", add=["scsi", "pr", "mgmt"])
    assert [one["changed"] for one in (check, real, again, check_again)] == [True, True, False, False]
    assert check["diff"] == real["diff"] and check["after"] == real["after"]
    assert real["after"] == ["out_of_mem", "pid", "special", "scsi", "mgmt", "pr"]
    assert module("scst_trace_level", add=["block"])["after"] == [*real["after"], "block"]
    assert module("scst_trace_level", remove=["block"])["after"] == real["after"]
    assert writes() == ["add scsi", "add pr", "add block", "del block"]
    back = four_ways("scst_trace_level", remove=["scsi", "pr"])
    assert [one["changed"] for one in back] == [True, True, False, False]
    assert back[1]["after"] == real["before"] == DEFAULT
    assert writes()[4:] == ["del scsi", "del pr"]


@pytest.mark.parametrize("scst", [["--refusing"]], indirect=True)
def test_a_flag_that_is_refused_leaves_none_of_the_others(scst):
    failed = module("scst_trace_level", add=["block", "minor", "scsi"], remove=["mgmt"])
    assert failed["failed"] and "refused 'add scsi'" in failed["msg"]
    assert writes() == ["add block", "add minor", "del minor", "del block"]
    assert (SCST / "trace_level").read_text().startswith(" | ".join(DEFAULT) + "\n")


@pytest.mark.parametrize("state", ["all", "none"])
def test_states_in_four_ways(scst, state):
    check, real, again, check_again = four_ways("scst_trace_level", state=state)
    assert [one["changed"] for one in (check, real, again, check_again)] == [True, True, False, False]
    assert check["after"] == real["after"]
    assert len(real["after"]) == (21 if state == "all" else 0)
    assert [bool(one.get("warnings")) for one in (check, real)] == [state == "all"] * 2
    assert writes() == [state]


def test_default_in_four_ways(scst):
    module("scst_trace_level", state="all")
    check, real, again, check_again = four_ways("scst_trace_level", state="default")
    assert [one["changed"] for one in (check, real, again, check_again)] == [True, True, False, False]
    assert check["after"] == real["after"] == DEFAULT


def test_restored_in_four_ways(scst):
    """Only so the bits go that 'all' sets and no flag names."""
    before = module("scst_trace_level", add=["scsi"])["after"]
    module("scst_trace_level", state="all")
    check, real, again, check_again = four_ways("scst_trace_level", state="restored", flags=before)
    assert [one["changed"] for one in (check, real, again, check_again)] == [True, True, False, False]
    assert check["after"] == real["after"] == before
    assert writes()[2:] == ["none", *(f"add {flag}" for flag in before)]


@pytest.mark.parametrize("scst", [["--refusing"]], indirect=True)
def test_the_way_back_goes_past_a_flag_that_is_refused(scst):
    failed = module("scst_trace_level", state="restored", flags=["scsi", "minor"])
    assert failed["failed"] and "refused 'add scsi'" in failed["msg"] and "The other flags are back" in failed["msg"]
    assert (SCST / "trace_level").read_text().startswith("minor\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"add": ["scsi", "nonsense"]}, "no trace flag nonsense: it has out_of_mem, minor"),
        ({"add": ["pr"], "remove": ["pr"]}, "pr is both in add and in remove"),
        ({}, "either state, or flags"),
        ({"state": "all", "add": ["pr"]}, "either state, or flags"),
        ({"state": "restored"}, "state is restored but all of the following are missing: flags"),
        ({"state": "none", "flags": ["pr"]}, "flags is only for state=restored"),
        ({"state": "restored", "flags": ["nonsense"]}, "no trace flag nonsense"),
    ],
)
def test_what_cannot_be(scst, options, says):
    failed = module("scst_trace_level", **options)
    assert failed["failed"] and says in failed["msg"]
    assert writes() == []


@pytest.mark.parametrize("scst", [["--without-tracing"]], indirect=True)
def test_a_build_without_tracing(scst):
    failed = module("scst_trace_level", state="default")
    assert failed["failed"] and "This build of SCST has no tracing" in failed["msg"]


def test_no_scst():
    failed = module("scst_trace_level", state="default")
    assert failed["failed"] and "SCST is not loaded" in failed["msg"]

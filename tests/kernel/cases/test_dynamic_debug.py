# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dynamic_debug on the kernel's own control file."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import debug_control
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.debug_control import Match
from guest import LIO_SITES, four_ways, module, run

CONTROL = Path("/proc/dynamic_debug/control")


@pytest.fixture(autouse=True)
def control():
    """The file as it was, which it must be again."""
    run("modprobe", "-a", "target_core_mod", "scsi_mod")
    before = CONTROL.read_text()
    yield before
    assert CONTROL.read_text() == before


def flags(result, side="after"):
    return [site["flags"] for site in result[side]]


def test_four_ways_and_back():
    check, real, again, check_again = four_ways("dynamic_debug", match=LIO_SITES, flags="tflp")
    assert [one["changed"] for one in (check, real, again, check_again)] == [True, True, False, False]
    assert check["before"] == real["before"] and check["after"] == real["after"] and check["diff"] == real["diff"]
    assert flags(real, "before") == ["_", "_"] and flags(real) == ["pflt", "pflt"]
    back = four_ways("dynamic_debug", state="restored", sites=real["before"])
    assert [one["changed"] for one in back] == [True, True, False, False]


def test_exactly_the_former_flags_come_back(control):
    """Two sites with flags of their own; '=_' would lose them."""
    one, other = LIO_SITES
    module("dynamic_debug", match=[one], flags="l", state="exact")
    module("dynamic_debug", match=[other], flags="mp", state="exact")
    mixed = CONTROL.read_text()
    added = module("dynamic_debug", match=LIO_SITES, flags="p")
    assert sorted(flags(added)) == ["pl", "pm"]
    removed = module("dynamic_debug", match=LIO_SITES, flags="pl", state="absent")
    assert sorted(flags(removed)) == ["_", "m"]
    module("dynamic_debug", state="restored", sites=removed["before"])
    module("dynamic_debug", state="restored", sites=added["before"])
    assert CONTROL.read_text() == mixed
    assert module("dynamic_debug", match=LIO_SITES, flags="_", state="exact")["changed"]


def test_two_runs_that_overlap_leave_nothing_on(control):
    """The second one found the first one's flags, and must not put them back."""
    first = module("dynamic_debug", match=LIO_SITES, check_mode=True)
    module("dynamic_debug", match=LIO_SITES)
    second = module("dynamic_debug", match=LIO_SITES, check_mode=True)
    module("dynamic_debug", match=LIO_SITES[:1], flags="t")
    ways = four_ways("dynamic_debug", state="undone", sites=first["before"])
    assert [one["changed"] for one in ways] == [True, True, False, False]
    assert not module("dynamic_debug", state="undone", sites=second["before"])["changed"]
    assert sorted(flags(ways[1])) == ["_", "t"]
    module("dynamic_debug", match=LIO_SITES[:1], flags="t", state="absent")
    module("dynamic_debug", match=LIO_SITES)
    own = module("dynamic_debug", match=LIO_SITES, check_mode=True)
    assert not module("dynamic_debug", state="undone", sites=own["before"])["changed"]
    module("dynamic_debug", match=LIO_SITES, state="absent")


def test_many_sites_in_many_writes(control):
    """Far more than one write of 4,095 bytes holds."""
    asked = module("dynamic_debug", match=[{"file": "drivers/*"}], flags="f")
    assert len(asked["after"]) > 500
    assert all("f" in one for one in flags(asked))
    others = [line for line in CONTROL.read_text().splitlines() if not line.startswith("drivers/")]
    assert others == [line for line in control.splitlines() if not line.startswith("drivers/")]
    module("dynamic_debug", state="restored", sites=asked["before"])


@pytest.mark.parametrize(
    "match",
    [
        {"func": "target_scsi2_*"},
        {"func": "target_scsi?_reservation_reserve"},
        {"file": "target_core_pr.c", "line": "200-300"},
        {"file": "drivers/target/target_core_p*.c", "line": "-300"},
        {"file": "target_core_pr.c", "line": "2000-"},
        {"module": "target_core_mod", "format": "SCSI-2"},
        {"module": "target_core_mod", "format": "^SCSI-2 Released"},
        {"module": "target_core_mod", "format": "reservation\n"},
        {"module": "target*", "func": "*reserve"},
        {"module": "configfs"},
        {"file": "pr.c"},
        {"func": "[ct]ore*"},
    ],
)
def test_matches_as_the_kernel_does(match):
    """Its own matching of the same query, next to ours."""
    ours, _empty = debug_control.select(debug_control.parse(CONTROL.read_text()), [Match(**match)])
    words = " ".join(f'{key} "{value}"' for key, value in match.items()).replace("\n", "\\n")
    CONTROL.write_text(f"{words} +t\n")
    theirs = [site for site in debug_control.parse(CONTROL.read_text()) if "t" in site.flags]
    CONTROL.write_text(f"{words} -t\n")
    assert [site.place for site in ours] == [site.place for site in theirs]


def test_every_line_is_a_site():
    lines = CONTROL.read_text(errors="surrogateescape").splitlines()
    assert len(debug_control.parse("\n".join(lines))) == len([line for line in lines if not line.startswith("#")]) > 2000


def test_all_five_together():
    """Eleven words, which is more than the kernel takes in one query."""
    whole = module("dynamic_debug", match=LIO_SITES[:1], check_mode=True)["before"][0]
    five = {"func": whole["func"], "file": whole["file"], "module": whole["module"], "line": str(whole["line"]), "format": "Reserved"}
    assert flags(module("dynamic_debug", match=[five])) == ["p"]
    assert flags(module("dynamic_debug", match=[five], state="absent")) == ["_"]


def test_no_site_is_an_error_unless_that_is_well():
    absent = {"func": "no_such_function_here"}
    for matches in ([absent], [*LIO_SITES, absent]):
        failed = module("dynamic_debug", match=matches)
        assert failed["failed"] and "func no_such_function_here" in failed["msg"]
    assert module("dynamic_debug", match=[absent], missing_ok=True)["after"] == []


def test_the_kernels_own_words():
    failed = module("dynamic_debug", match=LIO_SITES, flags="pz")
    assert failed["failed"] and "unknown flag 'z'" in failed["msg"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"match": [{}]}, "names nothing"),
        ({"match": [{"line": "9-1", "file": "x.c"}]}, "ends before it begins"),
        ({"match": [{"line": "x"}]}, "neither a number nor a range"),
        ({"match": LIO_SITES, "flags": "+p"}, "leave out signs"),
        ({"state": "restored"}, "sites"),
        ({"state": "undone"}, "sites"),
        ({}, "match"),
    ],
)
def test_what_cannot_be(options, says):
    failed = module("dynamic_debug", **options)
    assert failed["failed"] and says in failed["msg"]


def test_a_module_that_was_unloaded():
    run("modprobe", "tcm_loop")
    before = module("dynamic_debug", match=[{"module": "tcm_loop"}])["before"]
    assert before
    run("rmmod", "tcm_loop")
    failed = module("dynamic_debug", state="restored", sites=before)
    assert failed["failed"] and "no longer there" in failed["msg"]
    assert not module("dynamic_debug", state="restored", sites=before, missing_ok=True)["changed"]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sites and queries, from the lines of a control file. The kernel itself takes them in tests/kernel/cases/test_dynamic_debug.py."""

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import debug_control
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.debug_control import Match, Site
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import text

CONTROL = text("dynamic_debug-control")
SITES = debug_control.parse(CONTROL)


def site(text: str) -> Site:
    return debug_control.parse(text)[0]


def test_every_line_of_the_capture_is_a_site() -> None:
    assert len(SITES) == len(CONTROL.splitlines()) - 1
    on = [one for one in SITES if one.flags]
    assert [(one.func, one.line, debug_control.show_flags(one.flags)) for one in on] == [
        ("target_scsi2_reservation_release", 228, "pflt"),
        ("target_scsi2_reservation_reserve", 291, "pflt"),
    ]
    assert str(on[1]) == "drivers/target/target_core_pr.c:291 [target_core_mod]target_scsi2_reservation_reserve =pflt"


@pytest.mark.parametrize(
    ("line", "format_", "flags"),
    [
        ('a/b.c:1 [m]f =_ "plain"', "plain", ""),
        ('a/b.c:1 [m]f =p "with "quotes" in it\\n"', 'with "quotes" in it\\n', "p"),
        ('a/b.c:1 [m]f =pmfslt "of a class" class:DRM_UT_CORE', "of a class", "pmfslt"),
        ('a/b.c:1 [m]f =_ "of no known class" class unknown, _id:3', "of no known class", ""),
        ('a/b.c:1 [m]f =_ ""', "", ""),
    ],
)
def test_lines(line: str, format_: str, flags: str) -> None:
    assert (site(line).format, site(line).flags) == (format_, frozenset(flags))


def test_flags_have_no_order_and_no_signs() -> None:
    assert debug_control.parse_flags("tpfl") == debug_control.parse_flags("pflt")
    assert debug_control.parse_flags("_") == debug_control.parse_flags("") == frozenset()
    assert debug_control.show_flags(frozenset("zlfp")) == "pflz"
    for bad in ("+p", "=", "p l", "p;q"):
        with pytest.raises(InputError):
            debug_control.parse_flags(bad)


def test_entries_are_alternatives_and_an_empty_one_is_told() -> None:
    reserve, nothing = Match(func="target_scsi2_reservation_reserve"), Match(func="none_such")
    found, empty = debug_control.select(SITES, [reserve, nothing, Match(line="291", file="target_core_pr.c")])
    assert [one.line for one in found] == [291]
    assert empty == [nothing]
    assert str(nothing) == "func none_such"


@pytest.mark.parametrize("match", [Match(), Match(line=""), Match(line="-"), Match(line="9-8"), Match(line="1-2-3"), Match(line="x")])
def test_what_is_no_match(match: Match) -> None:
    with pytest.raises(InputError):
        debug_control.select(SITES, [match])


def test_a_query_names_one_site_in_no_more_than_nine_words() -> None:
    reserve = next(one for one in SITES if one.line == 291)
    assert debug_control.queries(SITES, [reserve]) == [
        "module target_core_mod func target_scsi2_reservation_reserve file drivers/target/target_core_pr.c line 291 =pflt"
    ]
    assert all(len(query.split()) == 9 for query in debug_control.queries(SITES, SITES))


def test_two_sites_of_one_line_are_told_apart_by_their_format() -> None:
    one, other = site('a.c:1 [m]f =p "one \\"x\\""'), site('a.c:1 [m]f =_ "other\\n"')
    assert debug_control.queries([one, other], [one, other]) == [
        'module m format "^one \\" file a.c line 1 =p',
        'module m format "^other\\n" file a.c line 1 =_',
    ]


def test_no_write_is_longer_than_the_kernel_takes_and_none_is_lost() -> None:
    queries = [f"module m func f{number} file a.c line 1 =p" for number in range(1000)]
    texts = debug_control.writes(queries)
    assert max(map(len, texts)) <= debug_control.LONGEST_WRITE
    assert "\n".join(texts).splitlines() == queries
    assert 1 < len(texts) < 20
    assert debug_control.writes([]) == []


def test_a_write_is_filled_to_the_last_byte_and_no_further() -> None:
    half, rest = "x" * 2000, "y" * (debug_control.LONGEST_WRITE - 2001)
    assert debug_control.writes([half, rest]) == [f"{half}\n{rest}"]
    assert debug_control.writes([half, rest + "y"]) == [half, rest + "y"]


@pytest.mark.parametrize(
    ("match", "lines"),
    [
        (Match(func="target_scsi?_reservation_reserve"), [291]),
        (Match(func="target_scsi?_reserve"), []),
        (Match(func="target_scsi2_*"), [228, 291]),
        (Match(format="^SCSI-2 Released"), [228]),
        (Match(format="^Released"), []),
        (Match(format="SCSI-2 Re", line="-290"), [228]),
    ],
)
def test_wildcards_and_beginnings(match: Match, lines: list[int]) -> None:
    assert [one.line for one in debug_control.select(SITES, [match])[0]] == lines

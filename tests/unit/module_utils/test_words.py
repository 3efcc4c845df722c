# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count, fields, fits, short, some


@pytest.mark.parametrize(("words", "text"), [([], ""), (["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more")])
def test_some(words: t.Sequence[str], text: str) -> None:
    assert some(words) == text


def test_some_as_many_as_asked_for() -> None:
    assert some(["a", "b"], 1) == "a and 1 more"


def test_short() -> None:
    assert short(["a", "b"], "lines", 2) == ["a", "b"]
    assert short(["a", "b", "c"], "lines", 2) == ["a", "b", "... and 1 more lines"]
    assert short([], "lines") == []


def test_count() -> None:
    assert [count(number, "line") for number in (0, 1, 2)] == ["0 lines", "1 line", "2 lines"]


@pytest.mark.parametrize(
    ("sentence", "text", "holds"),
    [
        ("no pool", "There is no pool.", True),
        ("no {pool} here", "192.0.2.1: no rbd here; rerun", True),
        ("no {pool} here", "no rbd", False),
        ("a (b) {c}", "a (b) ", True),
        ("a (b)", "a b", False),
        ("{a}, and {b}", "one\ntwo, and three", True),
    ],
)
def test_fits(sentence: str, text: str, holds: bool) -> None:
    assert fits(sentence, text) is holds


def test_fields() -> None:
    assert fields("{host} of {image}, {host}") == ["host", "image", "host"]
    assert fields("none") == []

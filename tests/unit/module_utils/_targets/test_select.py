# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import select
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun

LUNS = [
    Lun("scst", "t", 12, "lun12", "/dev/rbd0", image="rbd/one", serial="Ser", eui="0a0b"),
    Lun("lio", "t", 12, "iblock_0/two", "/dev/rbd1", image="rbd/two", naa="6001"),
    Lun("lio", "t", 3, "fileio_0/three", "/srv/three", naa="6002"),
]


@pytest.mark.parametrize(
    ("entries", "found", "missing"),
    [
        ([{"eui": "EUI.0A0B"}], [0], 0),
        ([{"eui": " 0a0b"}], [0], 0),
        ([{"naa": "naa.6001"}], [1], 0),
        ([{"lun": 12}], [0, 1], 0),
        ([{"lun": 12, "serial": "Ser", "naa": None}], [0], 0),
        ([{"lun": 3, "serial": "Ser"}], [], 1),
        ([{"serial": "ser"}], [], 1),
        ([{"image": "rbd/two"}, {"eui": "0a0b"}, {"image": "rbd/none"}], [0, 1], 1),
        ([{"eui": "naa.6001"}], [], 1),
        ([{"lun": 0}], [], 1),
        ([], [], 0),
    ],
)
def test_wanted(entries: list[dict[str, Any]], found: list[int], missing: int) -> None:
    chosen, absent = select.matching(LUNS, entries)
    assert chosen == [LUNS[number] for number in found]
    assert absent == entries[len(entries) - missing :]


@pytest.mark.parametrize("entry", [{}, {"eui": None, "lun": None}, {"eui": "eui."}, {"image": "", "lun": 12}, {"naa": " "}])
def test_an_entry_that_says_nothing_is_refused(entry: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="Entry 2 of wanted"):
        select.matching(LUNS, [{"lun": 1}, entry])


def test_what_is_missing_is_given_back_without_what_was_not_said() -> None:
    assert select.matching(LUNS, [{"eui": "EUI.ff", "lun": None}])[1] == [{"eui": "EUI.ff"}]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Sequence

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.leaves import leaves


def test_every_value_has_its_place() -> None:
    value = {"luns": [{"lun": 12}, "a text"], "host": {"ansible_password": "x"}, 7: None, "empty": {}}
    assert leaves(value) == [
        {"name": "luns[0].lun", "value": 12},
        {"name": "luns[1]", "value": "a text"},
        {"name": "host.ansible_password", "value": "x"},
        {"name": "7", "value": None},
    ]


def test_a_value_alone() -> None:
    assert leaves("x") == [{"name": "", "value": "x"}]


class Vaulted(Sequence[str]):
    """As ansible-core to 2.18 has it: a sequence of characters that is no text."""

    def __getitem__(self, index: t.Any) -> t.Any:
        return "secret"[index]

    def __len__(self) -> int:
        return 6


def test_a_vaulted_value_stays_one() -> None:
    value = Vaulted()
    assert leaves({"a_name": [value]}) == [{"name": "a_name[0]", "value": value}]

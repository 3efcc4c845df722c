# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import parameter_data


@pytest.mark.parametrize("length", range(12))
def test_a_capacity_cut_short_is_none(length: int) -> None:
    assert parameter_data.decode_capacity(bytes.fromhex("000000000001ffff00000200")[:length]) is None


def test_capacity() -> None:
    assert parameter_data.decode_capacity(bytes.fromhex("000000000001ffff00000200")) == parameter_data.Capacity(0x1FFFF, 512)
    assert parameter_data.decode_capacity(bytes.fromhex("000000000001ffff00000000")) is None


def test_registrants() -> None:
    assert parameter_data.decode_registrants(bytes(8)) == []
    assert parameter_data.decode_registrants(bytes.fromhex("0000000100000010 00000000000000aa 00000000000000bb")) == ["00000000000000aa", "00000000000000bb"]
    assert parameter_data.decode_registrants(bytes.fromhex("00000001ffffffff 00000000000000aa 0000")) == ["00000000000000aa"]


@pytest.mark.parametrize(
    ("data", "reservation"),
    [
        ("0000000200000010 0000000000abc123 00000000 00 05 0000", {"key": "0000000000abc123", "type": "write exclusive, registrants only"}),
        ("0000000200000010 0000000000abc123 00000000 00 0f 0000", {"key": "0000000000abc123", "type": "type f"}),
        ("0000000200000000 0000000000abc123 00000000 00 05 0000", {}),
        ("0000000200000000", {}),
        ("0000000200000010 0000000000abc123", {}),
        ("", {}),
    ],
)
def test_which_initiator_holds_the_lun_persistently(data: str, reservation: dict[str, str]) -> None:
    assert parameter_data.decode_reservation(bytes.fromhex(data)) == reservation


def test_how_many_blocks_compare_and_write_takes() -> None:
    page = bytes.fromhex("00b0003c 0001") + bytes(58)
    assert parameter_data.decode_compare_and_write_blocks(page) == 1
    assert [parameter_data.decode_compare_and_write_blocks(wrong) for wrong in (b"", page[:5], b"\x00\x80" + page[2:])] == [0, 0, 0]


def test_whether_a_write_cache_is_on() -> None:
    page = bytes.fromhex("17000008 0000000000000200 8812 04") + bytes(17)
    assert parameter_data.decode_write_cache(page) is True
    assert parameter_data.decode_write_cache(page.replace(b"\x12\x04", b"\x12\x00")) is False
    assert [parameter_data.decode_write_cache(wrong) for wrong in (b"", page[:13], page.replace(b"\x88\x12", b"\x0a\x12"))] == [None, None, None]

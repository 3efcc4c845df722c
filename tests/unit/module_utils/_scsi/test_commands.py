# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, identity, parameter_data, replies

# The first LUN of the incident: sg_raw -r 1k /dev/sdd 12 00 00 00 60 00.
INQUIRY = bytes.fromhex(
    "00 00 06 02 3d 08 10 02  42 69 67 74 65 72 61 20 56 69 72 74 75 61 6c 53  74 6f 72 5f 53 63 61 6c"
    "30 37 30 30 00 00 00 00  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  00 00 00 8b 09 60 04 63 04 c0"
)


@pytest.mark.parametrize(
    ("command", "cdb"),
    [
        (commands.reserve(), "160000000000"),  # as the incident's engineer typed it
        (commands.release(), "170000000000"),
        (commands.test_unit_ready(), "000000000000"),
        (commands.inquiry(), "12000000ff00"),
        (commands.inquiry(0x83), "12018300ff00"),
        (commands.pr_read_keys(), "5e000000000000200800"),
        (commands.pr_read_reservation(), "5e010000000000001800"),
        (commands.read_capacity(), "9e100000000000000000000000200000"),
        (commands.read(0, 512), "28000000000000000100"),
        (commands.read(1 << 33, 512), "88000000000200000000000000010000"),
        (commands.synchronize_cache(), "35000000000000000000"),
        (commands.compare_and_write(7, bytes(512)), "89000000000000000007000000010000"),
        (commands.orwrite_zeros(7, 512), "8b000000000000000007000000010000"),
    ],
)
def test_cdbs(command: commands.Command, cdb: str) -> None:
    assert command.cdb.hex() == cdb


def test_writes_change_nothing() -> None:
    block = bytes(range(256)) * 2
    assert commands.compare_and_write(7, block).data == block + block
    assert commands.orwrite_zeros(7, 512).data == bytes(512)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("70000600000000120000000029000000000000000000", "unit attention 6/29/00"),
        ("f0000500000000120000000020000000000000000000", "illegal request 5/20/00"),
        ("7206290000000000", "unit attention 6/29/00"),
        ("7302040100000000", "not ready 2/04/01"),
        ("700003", "medium error 3/00/00"),
        ("", "None"),
        ("70", "None"),
        ("7f000600000000120000000029000000", "None"),
    ],
)
def test_sense(data: str, words: str) -> None:
    assert str(replies.decode_sense(bytes.fromhex(data))) == words


def test_identity_of_the_incidents_lun() -> None:
    told = identity.decode(INQUIRY, b"", b"")
    assert (told["vendor"], told["product"], told["revision"]) == ("Bigtera", "VirtualStor_Scal", "0700")


def test_identity_pages() -> None:
    serial = bytes.fromhex("00800006") + b"beaf11"
    device = bytes.fromhex("0083001c 02000000 01020008 6465336666353233 01030008 6000000000000e00")
    told = identity.decode(b"", serial, device)
    assert (told["serial"], told["eui"], told["naa"]) == ("beaf11", "6465336666353233", "6000000000000e00")


def test_hostile_text_stays_text() -> None:
    assert identity.decode(bytes(8) + b"\x1b[2Jab\x00c" + bytes(20), b"", b"")["vendor"] == "?[2Jab?c"


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
def test_who_holds_the_lun_persistently(data: str, reservation: dict[str, str]) -> None:
    assert parameter_data.decode_reservation(bytes.fromhex(data)) == reservation

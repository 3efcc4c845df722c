# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands


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

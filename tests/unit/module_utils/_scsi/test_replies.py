# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import replies


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

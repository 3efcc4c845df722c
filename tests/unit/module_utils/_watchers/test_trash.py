# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import trash
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.trash import Dropped


def text(value: str) -> bytes:
    return struct.pack("<I", len(value)) + value.encode()


def entry(image_id: str, source: int, name: str) -> bytes:
    """As Ceph 16.2.15 encodes it: version 2, source, name, two times, state."""
    payload = bytes([source]) + text(name) + bytes(16) + struct.pack("<I", 0)
    return text(image_id) + struct.pack("<BBI", 2, 1, len(payload)) + payload


ANSWER = struct.pack("<I", 3) + entry("10a", 0, "dropped") + entry("10b", 2, "moved") + entry("10c", 3, "removed")


def test_entries_of_every_source() -> None:
    assert trash.decode(ANSWER) == {"10a": Dropped("dropped", False), "10b": Dropped("moved", True), "10c": Dropped("removed", False)}
    assert trash.decode(struct.pack("<I", 0)) == {}


@pytest.mark.parametrize("length", [0, 3, 10, 20])
def test_an_answer_that_is_cut_short(length: int) -> None:
    with pytest.raises(ClusterError, match="cut short"):
        trash.decode(ANSWER[:length])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import identity

# The first LUN of the incident: sg_raw -r 1k /dev/sdd 12 00 00 00 60 00.
INQUIRY = bytes.fromhex(
    "00 00 06 02 3d 08 10 02  42 69 67 74 65 72 61 20 56 69 72 74 75 61 6c 53  74 6f 72 5f 53 63 61 6c"
    "30 37 30 30 00 00 00 00  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  00 00 00 8b 09 60 04 63 04 c0"
)


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

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import tgt
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import text


def test_what_tgtadm_shows() -> None:
    """The NAA names are those that an initiator got from page 83h of these LUNs."""
    luns = tgt.parse(text("tgt-target"), text("tgt-portal"))
    assert [(lun.lun, lun.backing, lun.image, lun.snapshot, lun.serial, lun.naa) for lun in luns] == [
        (1, "rbd/datastore1", "rbd/datastore1", "", "beaf11", "60000000000000000e00000000010001"),
        (5, "rbd/second", "rbd/second", "", "my-serial-5", "60000000000000000600140512345678"),
        (6, "rbd/second@s1", "rbd/second", "s1", "beaf16", "60000000000000000e00000000010006"),
        (8, "second", "rbd/second", "", "beaf18", "60000000000000000e00000000010008"),
        (9, "/tmp/lun9.img", "", "", "beaf19", "60000000000000000e00000000010009"),
    ]
    assert {lun.target for lun in luns} == {"iqn.2026-11.invalid.cephops.iscsi-rescue:lab"}
    assert {lun.initiators for lun in luns} == {("iqn.1998-01.com.vmware:esx1", "iqn.1998-01.com.vmware:esx2")}
    assert {lun.portals for lun in luns} == {("127.0.0.1:26302",)}


def test_initiators_belong_to_their_target() -> None:
    first = text("tgt-target")
    second = first.replace("Target 1: ", "Target 2: other-").replace("esx1", "esx3").replace("esx2", "esx3")
    luns = tgt.parse(first + second, "Portal: [::]:3260,1\nPortal: 0.0.0.0:3260,1\n")
    assert {(lun.target[:5], lun.initiators[-1], lun.portals) for lun in luns} == {
        ("iqn.2", "iqn.1998-01.com.vmware:esx2", ("0.0.0.0:3260", "[::]:3260")),
        ("other", "iqn.1998-01.com.vmware:esx3", ("0.0.0.0:3260", "[::]:3260")),
    }


def test_blanks_at_the_end_of_a_scsi_id_count() -> None:
    shown = text("tgt-target").replace("SCSI ID: 600140512345678\n", "SCSI ID: 600140512345678 \n")
    assert [lun.naa for lun in tgt.parse(shown, "") if lun.lun == 5] == ["60000000000000006001405123456780"]


def test_a_lun_without_a_medium_has_no_image() -> None:
    shown = text("tgt-target").replace("Backing store path: rbd/second\n", "Backing store path: None\n")
    assert [(lun.backing, lun.image) for lun in tgt.parse(shown, "") if lun.lun == 5] == [("", "")]


@pytest.mark.parametrize("shown", ["", "Target 1: x", "Target 1: x\n        LUN: 1\n", "\0\ufffd\nTarget x: y\n    LUN: -1\n"])
def test_odd_output_is_read_all_the_same(shown: str) -> None:
    assert [lun.image for lun in tgt.parse(shown, shown)] in ([], [""])


@pytest.mark.parametrize(
    ("path", "image"),
    [
        ("pool/img", Image("pool/img")),
        ("img", Image("rbd/img")),
        ("pool/img@snap", Image("pool/img", snapshot="snap")),
        ("img@snap", Image("rbd/img", snapshot="snap")),
    ],
)
def test_image(path: str, image: Image) -> None:
    assert tgt.image(path) == image


@pytest.mark.parametrize(
    ("scsi_id", "naa"),
    [
        ("IET     00010001", "60000000000000000e00000000010001"),
        ("600140512345678", "60000000000000000600140512345678"),
        ("AB ", "60000000000000000000000000000ab0"),
        ("0123456789abcdef0123456789abcdef0", "623456789abcdef0123456789abcdef0"),
        ("", "60000000000000000000000000000000"),
    ],
)
def test_naa(scsi_id: str, naa: str) -> None:
    assert tgt.naa(scsi_id) == naa


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A tgtadm of the test's own."""
    path = tmp_path / "tgtadm"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("TGT_IPC_SOCKET", str(tmp_path / "socket"))


def test_without_tgtd_there_are_no_luns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "exit 107")
    assert tgt.read(0, 10, print) == []


def test_without_tgtadm_there_are_no_luns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(tgt, "_SBIN", str(tmp_path))
    assert tgt.read(0, 10, print) == []


def test_a_socket_that_is_closed_to_this_user_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "echo not connected >&2; exit 107")
    (tmp_path / "socket.7").touch()
    assert tgt.read(7, 10, print) == []
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not path.endswith("socket.7") and may(path, mode))
    with pytest.raises(TargetError, match="on control port 7, which needs root: not connected"):
        tgt.read(7, 10, print)


def test_any_other_failure_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "exit 22")
    with pytest.raises(TargetError, match="exit status 22"):
        tgt.read(0, 10, print)


def test_a_tgtd_that_does_not_answer_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, "exec sleep 30")
    began, gaps = time.monotonic(), list[str]()
    assert tgt.read(4711, 0.2, gaps.append) == []
    assert gaps == ["tgtd on control port 4711 did not answer tgtadm within 0.2 s, so its LUNs are unknown: check whether it hangs"]
    assert time.monotonic() - began < 3


def test_tgtadm_is_asked_for_the_control_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, f'echo "$*" >> {tmp_path}/asked; echo "Target 1: t"')
    assert tgt.read(4711, 10, print) == []
    assert (tmp_path / "asked").read_text(encoding="utf-8").splitlines() == [
        "--lld iscsi --control-port 4711 --mode target --op show",
        "--lld iscsi --control-port 4711 --mode portal --op show",
    ]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small inputs, made from public logs with other names and addresses, on which the diagnosis once misled."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, suspects, suspects_output, vmkernel
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import DATA

CASES = DATA / "esxi" / "cases"
ONE, TWO, DE3 = "naa.60014050000000000000000000000001", "naa.60014050000000000000000000000002", "eui.6465336666353233"
LUNS = [
    {
        "stack": "lio",
        "target": "iqn.t",
        "lun": number,
        "device": image,
        "backing": "/dev/rbd0",
        "image": image,
        "header": "",
        "serial": "",
        "eui": name[4:] if name.startswith("eui") else "",
        "naa": name[4:] if name.startswith("naa") else "",
        "snapshot": "",
    }
    for number, (name, image) in enumerate({ONE: "rbd/one", TWO: "rbd/two", DE3: "rbd/de3"}.items())
]


def events(name: str) -> list[vmkernel.Event]:
    return vmkernel.events((CASES / f"{name}.log").read_text(encoding="utf-8"), "esx1")["events"]  # type: ignore[no-any-return]


def found(name: str) -> list[dict[str, t.Any]]:
    extents = CASES / f"{name}.extents"
    return suspects.from_events(events(name), LUNS, esxcli.records(extents.read_text(encoding="utf-8")) if extents.exists() else [])


def test_every_input_has_a_test() -> None:
    """Fails when an input is added that nothing below looks at."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in CASES.iterdir() if f'"{path.stem}"' not in text] == []


@pytest.mark.parametrize(
    ("name", "device", "pattern", "counts", "healable"),
    [
        ("01-healthy-repeated", ONE, "answers", {"answered": 11}, False),
        ("02-split-interleaved", ONE, "conflict", {"reservation_conflict": 1}, False),
        ("03-split-next-millisecond", ONE, "conflict", {"reservation_conflict": 1}, False),
        ("04-old-conflict-masks-hang", DE3, "hung", {"io_error": 6, "reservation_conflict": 1, "reserve_failed": 1}, True),
        ("05-pdl-sense", ONE, "permanent_loss", {"permanent_loss": 1}, False),
        ("06-pdl-words", ONE, "permanent_loss", {"path_in_doubt": 2, "permanent_loss": 2}, False),
        ("07-heartbeat-by-volume-name", ONE, "hung", {"timeout": 2}, True),
        ("09-iscsi-abort-timed-out", ONE, "hung", {"answered": 1, "timeout": 1}, True),
        ("11-ats-miscompare", ONE, "miscompare", {"ats_miscompare": 2}, False),
        ("12-apd-timeout-is-hang", ONE, "all_paths_down", {"path_in_doubt": 2}, False),
        ("14-long-reservation", ONE, "slow", {"slow": 1}, True),
        ("15-lock-waits", ONE, "slow", {"lock_wait": 2}, True),
        ("16-vobd", ONE, "all_paths_down", {"path_in_doubt": 3}, False),
        ("17-reserve-not-supported", ONE, "answers", {"answered": 1}, False),
        ("19-losing-reservation", ONE, "conflict", {"reservation_conflict": 1}, False),
        ("23-plugin-status", ONE, "errors", {"reservation_lost": 1}, True),
        ("27-split-healthy-interleaved", ONE, "answers", {"answered": 1}, False),
    ],
)
def test_what_a_case_comes_to(name: str, device: str, pattern: str, counts: dict[str, int], healable: bool) -> None:
    (suspect,) = [one for one in found(name) if one["device"] not in (TWO,)]
    assert (suspect["device"], suspect["pattern"], suspect["counts"], suspect["healable"]) == (device, pattern, counts, healable)


def test_a_status_that_others_stand_before_is_the_commands() -> None:
    for name in ("02-split-interleaved", "03-split-next-millisecond"):
        (event,) = [one for one in events(name) if one["device"] == ONE]
        assert (event["kind"], event["opcode"], event["device_status"]) == ("reservation_conflict", "0x16", "0x18")
    assert [one["device"] for one in events("02-split-interleaved")] == [ONE, TWO]


def test_an_old_conflict_is_another_episode() -> None:
    (suspect,) = found("04-old-conflict-masks-hang")
    assert suspect["episodes"] == 2
    assert suspect["episode"] == {"first": "2019-10-08T07:10:25.198Z", "last": "2019-10-08T07:10:25.198Z", "counts": {"io_error": 6, "reserve_failed": 1}}
    assert suspect["volumes"] == [{"uuid": "5a9d48e2-f2d01afa-cc00-000af797e698", "name": ""}]


def test_a_lost_session_without_a_device_is_told() -> None:
    (suspect,) = found("10-iscsi-session-lost")
    assert (suspect["device"], suspect["pattern"], suspect["paths"]) == ("", "paths", ["vmhba64:C0:T0"])
    assert suspect["counts"] == {"no_connection": 2}
    assert any("iSCSI session lost" in step for step in suspect["advice"])


def test_the_milliseconds_of_a_long_reservation() -> None:
    (event,) = events("14-long-reservation")
    assert (event["milliseconds"], event["detail"], event["volume_name"]) == (6441, "long_reservation", "ds one")


def test_a_heartbeats_uuid_is_its_hosts() -> None:
    (event,) = events("21-fs3-heartbeat-host-uuid")
    assert (event["volume"], event["kind"], event["detail"]) == ("", "recovered", "heartbeat_reclaimed")
    assert found("21-fs3-heartbeat-host-uuid") == []


@pytest.mark.parametrize(
    ("plugin", "kind", "pattern"), [("0x3", "reservation_lost", "errors"), ("0x5", "ats_miscompare", "miscompare"), ("0x8", "out_of_space", "no_space")]
)
def test_the_plugin_status_tells_its_own(plugin: str, kind: str, pattern: str) -> None:
    log = (CASES / "23-plugin-status.log").read_text(encoding="utf-8").replace("P:0x3", f"P:{plugin}")
    (suspect,) = suspects.from_events(vmkernel.events(log)["events"], LUNS)
    assert (suspect["counts"], suspect["pattern"]) == ({kind: 1}, pattern)


def test_no_two_patterns_have_one_advice() -> None:
    names = ["05-pdl-sense", "10-iscsi-session-lost", "11-ats-miscompare", "12-apd-timeout-is-hang", "14-long-reservation", "15-lock-waits", "23-plugin-status"]
    advice = [tuple(found(name)[0]["advice"]) for name in names]
    assert len(set(advice)) == len(advice)
    assert all(f"   next: {step}" in suspects_output.summary(found(name)) for name, steps in zip(names, advice) for step in steps)


RECORD = {"volume_name": "ds1", "vmfs_uuid": "53d6343f-65f9ea4e-602b-508789ad4756", "extent_number": 0, "device_name": ONE, "partition": 1}


@pytest.mark.parametrize(("name", "volume"), [("24-table-with-leading-blank", "ds1"), ("25-utf8-name-padded-by-bytes", "données1")])
def test_a_table_that_is_shifted(name: str, volume: str) -> None:
    assert esxcli.records((CASES / f"{name}.esxcli").read_text(encoding="utf-8")) == [{**RECORD, "volume_name": volume}]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the log of ESXi to the image, with the incident's own files and a captured gateway."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, messages, next_steps, suspects, suspects_output, vmkernel
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import DATA, lay_out

ESXI = DATA / "esxi"
LOG = (ESXI / "esxi-vmkernel.log").read_text(encoding="utf-8")
HEAD = "2019-10-08T07:10:25.198Z cpu13:35761)"


def suspect(log: str, luns: t.Sequence[Lun] = (), **more: t.Any) -> list[dict[str, t.Any]]:
    return suspects.from_events(vmkernel.events(log, "esx1")["events"], [lun.record() for lun in luns], **more)


def lun(number: int = 12, image: str = "rbd/img", **names: str) -> Lun:
    return Lun("scst", "iqn.t", number, f"dev{number}", "/dev/rbd0", image=image, **names)  # type: ignore[arg-type]


def failed(device: str, status: str, opcode: str = "0x2a") -> str:
    return f'{HEAD}ScsiDeviceIO: 1: Cmd(0x1) {opcode}, CmdSN 0x1 from world 7 to dev "{device}" failed {status}\n'


ANSWERED = "H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x20 0x0"
HANG, CONFLICT, ERROR = "H:0x3 D:0x0 P:0x0", "H:0x0 D:0x18 P:0x0", "H:0x0 D:0x2 P:0x0 Valid sense data: 0x3 0x11 0x0"


def test_the_incidents_own_files() -> None:
    read = {name: esxcli.records((ESXI / f"esxcli-storage-{name}.txt").read_text()) for name in ("vmfs-extent-list", "core-device-stats-get")}
    first, second, third = suspect(LOG, extents=read["vmfs-extent-list"], stats=read["core-device-stats-get"])
    assert (first["device"], first["name"], first["pattern"]) == ("eui.6465336666353233", "de3ff523", "hung")
    # The failed reserve names a volume only; the same operation named the device.
    assert first["volumes"] == [{"uuid": "5a9d48e2-f2d01afa-cc00-000af797e698", "name": ""}]
    assert first["counts"] == {"io_error": 6, "reserve_failed": 1}
    assert any("Failed to reserve volume" in line for line in first["evidence"])
    assert (second["device"], second["paths"], second["pattern"]) == ("eui.3939303832313261", ["vmhba32:C0:T0:L12"], "hung")
    assert second["counts"] == {"command_failed": 1, "path_in_doubt": 1, "timeout": 1}
    assert (third["device"], third["pattern"], third["counters"]["failed_commands"]) == ("eui.99e91f03b82de449", "counters", 85)
    assert third["volumes"] == [{"uuid": "5d06eb1f-f5cc5f8b-4ebc-00e0ed438c52", "name": "SEG-LUN"}]
    assert [one["rank"] for one in (first, second, third)] == [1, 2, 3]


def test_a_device_leads_to_the_header_behind_a_captured_gateway(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "scst-devices", "scst-targets", "scst-links", "krbd-sysfs")
    (found,) = suspect(LOG.replace("eui.6465336666353233", "eui.3366613230313464").split("2019-10-08T07:10:48")[0], captured.luns(root))
    assert (found["device"], found["matched_by"], found["images"]) == ("eui.3366613230313464", "eui", ["rbd/img1"])
    served = {(one["device"], one["backing"], one["image"], one["header"]) for one in found["luns"]}
    assert served == {("lun12", "/dev/rbd0", "rbd/img1", "rbd_header.100dde1f22cd")}
    assert found["healable"]


@pytest.mark.parametrize(
    ("log", "pattern", "healable"),
    [
        (failed("naa.6001", HANG), "hung", True),
        (failed("naa.6001", "H:0x1 D:0x0 P:0x0", "0x16"), "hung", True),
        (failed("naa.6001", CONFLICT), "conflict", False),
        (failed("naa.6001", CONFLICT, "0x16"), "conflict", False),
        (failed("naa.6001", CONFLICT) + failed("naa.6001", HANG), "mixed", True),
        (failed("naa.6001", CONFLICT) + failed("naa.6001", "H:0x1 D:0x0 P:0x0", "0x16"), "mixed", True),
        (f"{HEAD}FS3: 1: naa.6001: reservation error: Failure\n", "hung", True),
        # ESXi says so of a volume that another holds, too.
        (failed("naa.6001", CONFLICT) + f"{HEAD}FS3: 1: naa.6001: reservation error: Failure\n", "conflict", False),
        (failed("naa.6001", ERROR), "errors", True),
        (failed("naa.6001", ANSWERED), "answers", False),
        (failed("naa.6001", ANSWERED, "0x5f"), "answers", False),
        (failed("naa.6001", ANSWERED, "0x16"), "answers", False),
        (failed("naa.6001", ANSWERED) + f"{HEAD}ScsiDeviceIO: 1: Device naa.6001 performance has deteriorated.", "slow", True),
        (f"{HEAD}ScsiDeviceIO: 1: Device naa.6001 performance has deteriorated.", "slow", True),
    ],
)
def test_patterns(log: str, pattern: str, healable: bool) -> None:
    (found,) = suspect(log, [lun(naa="6001")])
    assert (found["pattern"], found["healable"]) == (pattern, healable)
    (unknown,) = suspect(log)
    assert not unknown["healable"]
    # "Run the role" is no advice where nothing is handed to it.
    assert unknown["advice"][0] == (next_steps.WITHOUT_IMAGE if healable else found["advice"][0])


def test_the_ranks() -> None:
    log = failed("naa.01", CONFLICT) + failed("naa.02", ERROR) * 9 + failed("naa.03", HANG) + failed("naa.04", HANG) * 2 + failed("naa.05", HANG)
    found = suspect(log, [lun(5, naa="05")])
    assert [one["device"] for one in found] == ["naa.05", "naa.04", "naa.03", "naa.02", "naa.01"]


@pytest.mark.parametrize(
    ("device", "luns", "matched_by", "images"),
    [
        ("naa.6001ab", [lun(naa="6001ab"), lun(13, "rbd/other", naa="6001ac")], "naa", ["rbd/img"]),
        ("naa.6001AB", [lun(naa="6001ab")], "naa", ["rbd/img"]),
        # The same digits as another kind of name.
        ("eui.6001ab", [lun(naa="6001ab")], "", []),
        ("t10.SCST_FIO_dev12_3fa2014d", [lun(eui="33", serial="3fa2014d")], "serial", ["rbd/img"]),
        ("t10.SCST_FIO_dev12_3fa2014d", [lun(eui="33", serial="")], "", []),
        ("naa.01", [lun(eui="33"), lun(naa="02")], "", []),
        # One image through two targets.
        ("naa.01", [lun(naa="01"), lun(13, naa="01")], "naa", ["rbd/img"]),
        ("naa.01", [lun(naa="01", image="")], "naa", []),
    ],
)
def test_matching(device: str, luns: list[Lun], matched_by: str, images: list[str]) -> None:
    (found,) = suspect(failed(device, HANG), luns)
    assert (found["matched_by"], found["images"]) == (matched_by, images)


def test_a_number_is_no_name() -> None:
    (found,) = suspect(f'{HEAD}NMP: nmp_ThrottleLogForDevice:1: Cmd 0x84 (0x4, 0) to dev "naa.01" on path "vmhba32:C0:T0:L12" Fail', [lun()])
    assert (found["images"], found["matched_by"], found["paths"]) == ([], "", ["vmhba32:C0:T0:L12"])


@pytest.mark.parametrize(
    ("luns", "healable"),
    [
        ([lun(naa="01"), lun(13, naa="01")], True),
        # Device mapper spreads one LUN over two images.
        ([lun(naa="01"), lun(image="rbd/other", naa="01")], True),
        # Two gateways that count their LUNs in the same way.
        ([lun(naa="01"), lun(13, "rbd/other", naa="01")], False),
    ],
)
def test_a_name_that_several_luns_have_names_none(luns: list[Lun], healable: bool) -> None:
    (found,) = suspect(failed("naa.01", HANG), luns)
    assert (found["healable"], found["ambiguous"]) == (healable, not healable)
    assert any("several LUNs have this name" in line for line in suspects_output.summary([found])) == (not healable)


def test_a_snapshot_is_not_handed_over() -> None:
    (found,) = suspect(failed("naa.01", HANG), [lun(naa="01", snapshot="s")])
    assert (found["images"], found["healable"]) == ([], False)


def test_a_volume_on_several_devices_is_joined_by_what_its_operation_named() -> None:
    extents = [{"vmfs_uuid": "00000001-00000002-0003-000004000000", "device_name": f"naa.0{number}", "volume_name": "ds"} for number in (1, 2)]
    reserve = f"{HEAD}Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0"
    assert [one["device"] for one in suspect(reserve, extents=extents)] == [""]
    assert [one["device"] for one in suspect(failed("naa.01", ERROR) + reserve, extents=extents)] == ["naa.01"]
    assert [one["device"] for one in suspect(failed("naa.09", ERROR) + reserve, extents=extents)] == ["", "naa.09"]


def test_lines_without_a_full_date_are_told_apart_by_what_stands_before_them() -> None:
    log = 'Mar  9 03:00:00 a vmkernel: cpu3:4300)Partition: 1: Failed read for "naa.01": I/O error\n'
    log += "Mar  9 23:53:24 b vmkernel: cpu3:4300)Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0"
    assert [one["device"] for one in suspect(log)] == ["", "naa.01"]


def test_a_volume_leads_to_the_device_of_its_extent() -> None:
    log = f"{HEAD}WARNING: Fil3: 2415: Failed to reserve volume f530 28 1 5a9d48e2 f2d01afa a00cc00 98e697f7 0 0"
    (found,) = suspect(log, extents=[{"vmfs_uuid": "5a9d48e2-f2d01afa-cc00-000af797e698", "device_name": "naa.01", "volume_name": "ds1"}])
    assert (found["device"], found["volumes"]) == ("naa.01", [{"uuid": "5a9d48e2-f2d01afa-cc00-000af797e698", "name": "ds1"}])
    unknown = suspect(f"{log}\n{HEAD}Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0")
    assert [(one["device"], one["pattern"], len(one["volumes"])) for one in unknown] == [("", "hung", 1)] * 2


def test_an_operation_on_two_devices_does_not_tell_whose_volume_it_was() -> None:
    log = failed("naa.01", ERROR) + failed("naa.02", ERROR) + f"{HEAD}Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0"
    assert [one["device"] for one in suspect(log)] == ["", "naa.01", "naa.02"]


def test_hosts_do_not_share_operations() -> None:
    one = vmkernel.events(failed("naa.01", ERROR), "esx1")["events"]
    other = vmkernel.events(f"{HEAD}Fil3: 1: Failed to reserve volume f530 28 1 1 2 3 4 0", "esx2")["events"]
    assert [found["device"] for found in suspects.from_events(one + other, [])] == ["", "naa.01"]


def test_counters_of_hosts_are_added_up() -> None:
    stats = [{"device": "naa.01", "failed_commands": 2}, {"device": "naa.01", "failed_commands": 3}, {"device": "naa.02", "failed_commands": 0}]
    (found,) = suspect("", stats=stats)
    assert (found["device"], found["counters"], found["evidence"]) == ("naa.01", {"failed_commands": 5}, [])


def test_evidence_shows_some_of_each_kind_in_the_logs_order() -> None:
    (found,) = suspect(failed("naa.01", ERROR) * 20 + failed("naa.01", HANG) + failed("naa.01", "H:0x1 D:0x0 P:0x0"))
    assert len(found["evidence"]) == 5
    assert [line[-40:] for line in found["evidence"]][-2:] == [failed("naa.01", HANG).strip()[-40:], failed("naa.01", "H:0x1 D:0x0 P:0x0").strip()[-40:]]


def test_what_the_role_gets() -> None:
    images = ["rbd/one", 'rbd/{{ lookup("pipe", "id") }}', "rbd/ns/\u2028é\x85\x1b'\"\\ #x", "rbd/held"]
    luns = [lun(number, image, naa=f"0{number}") for number, image in enumerate(images, 1)]
    log = failed("naa.01", HANG) * 3 + failed("naa.02", HANG) * 2 + failed("naa.03", HANG) + failed("naa.04", CONFLICT)
    text = suspects_output.variables(suspect(log, luns))
    yaml.SafeLoader.add_constructor("!unsafe", lambda loader, node: ("unsafe", node.value))
    read = yaml.safe_load(text)
    assert read == {"remediate_watchers_images": [("unsafe", image) for image in images[:3]]}


def test_the_words() -> None:
    lines = suspects_output.summary(suspect(LOG, [lun(eui="6465336666353233")]))
    assert lines[0].startswith("1. eui.6465336666353233 (de3ff523) on esx1: hung")
    assert "   image: rbd/img, LUN 12 of iqn.t (scst, dev12)" in lines
    assert f"   {messages.NO_IMAGE.format(reason=messages.NOT_EXPORTED)}" in lines
    assert suspects_output.summary([]) == [messages.NO_SUSPECT]

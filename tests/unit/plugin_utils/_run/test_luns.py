# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds which host probes which LUN, from records of lun_map."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import luns as run_luns
from ansible_collections.cephops.iscsi_rescue.tests.unit import captured
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import LIO, SCST, Files, krbd, write

IQN = "iqn.2001-04.com.example:storage"
PROBE = "iqn.2026-11.invalid.cephops.iscsi-rescue:probe"
ADDRESSES = {"gw1": "192.0.2.1", "gw2": "2001:db8::2", "gw3": ""}


def lun(image: str, **told: t.Any) -> dict[str, t.Any]:
    whole = {"stack": "lio", "target": IQN, "lun": 12, "device": "d", "backing": "/dev/rbd0", "image": image, "everybody_but": (), "serial": "s1", **told}
    return Lun(**whole).record()


def found(host: str, *luns: dict[str, t.Any], images: t.Sequence[str] = ("rbd/a",)) -> list[dict[str, t.Any]]:
    return flat(run_luns.found([{"item": host, "luns": list(luns)}], images, ADDRESSES, PROBE, "prober"))


def flat(ways: t.Mapping[str, t.Sequence[t.Any]]) -> list[dict[str, t.Any]]:
    """Returns all paths, in the order of the tries."""
    entries = [entry for entries in ways.values() for entry in entries]
    paths = [path for entry in entries for path in (entry, *entry.get("other_paths", []))]
    return [{name: value for name, value in path.items() if name not in ("other_paths", "gateway")} for path in paths]


@pytest.mark.parametrize(
    ("host", "portals", "portal"),
    [
        ("gw1", ["192.0.2.7:3261"], "192.0.2.7:3261"),
        ("gw1", ["0.0.0.0:3260"], "192.0.2.1:3260"),
        ("gw1", ["[::0]:3260"], "192.0.2.1:3260"),
        ("gw2", ["0.0.0.0:3260"], "[2001:db8::2]:3260"),
        ("gw1", ["[2001:db8::7]:3260"], "[2001:db8::7]:3260"),
        ("gw1", ["127.0.0.1:22302,1"], "127.0.0.1:22302"),
        ("gw3", [], "gw3:3260"),
    ],
)
def test_the_portal(host: str, portals: list[str], portal: str) -> None:
    assert found(host, lun("rbd/a", portals=tuple(portals))) == [{"image": "rbd/a", "portal": portal, "target": IQN, "lun": 12, "serial": "s1"}]


def test_the_portal_on_the_gateways_own_address_is_first() -> None:
    ways = found("gw1", lun("rbd/a", portals=("198.51.100.1:3260", "192.0.2.1:3261", "0.0.0.0:3261")))
    assert [way["portal"] for way in ways] == ["192.0.2.1:3261", "198.51.100.1:3260"]


def test_a_local_disk_is_probed_on_its_gateway_and_last() -> None:
    loop = lun("rbd/a", target="naa.5001405aaaaaaaa1", lun=0, disk="/dev/sdb")
    assert found("gw1", loop) == [{"image": "rbd/a", "device": "/dev/sdb", "host": "gw1", "serial": "s1"}]
    ways = run_luns.found([{"item": "gw1", "luns": [loop, lun("rbd/a")]}], ["rbd/a"], ADDRESSES, PROBE, "prober")
    assert [(way.get("host", ""), way.get("lun"), way.get("other_paths")) for way in ways["rbd/a"]] == [("", 12, None), ("gw1", None, None)]
    (both,) = run_luns.found([{"item": "gw1", "luns": [loop, lun("rbd/a")]}], ["rbd/a"], ADDRESSES, PROBE, "gw1")["rbd/a"]
    assert (both["lun"], both["other_paths"]) == (12, [{"device": "/dev/sdb", "serial": "s1", "gateway": "gw1"}])


def test_what_leads_to_no_lun() -> None:
    other = [lun("rbd/b"), lun("rbd/a", stack="krbd", target="", lun=None), lun("rbd/a", snapshot="s"), lun("rbd/a", target="scst_local_tgt")]
    assert found("gw1", *other) == []
    assert run_luns.found([{"item": "gw1", "unreachable": True}, {"item": "gw2", "msg": "no root"}], ["rbd/a"], ADDRESSES, PROBE, "prober") == {}


def test_what_libiscsi_cannot_address_is_no_way() -> None:
    assert [way["lun"] for way in found("gw1", lun("rbd/a", lun=256))] == []
    assert [way["lun"] for way in found("gw1", lun("rbd/a", lun=256), lun("rbd/a", lun=255))] == [255]


@pytest.mark.parametrize(
    ("initiators", "everybody_but", "seen"),
    [
        ((), None, False),
        ((), (), True),
        ((PROBE,), None, True),
        (("iqn.1998-01.com.vmware:esx1",), None, False),
        (("iqn.1998-01.com.vmware:esx1",), (), True),
        ((), (PROBE,), False),
        (("iqn.2026-11.*",), None, True),
        (("iqn.2026-??.invalid*:probe",), None, True),
        (("iqn.2026-?.invalid*",), None, False),
        (("!iqn.1998-01.*",), None, True),
        (("!iqn.2026*",), None, False),
        (("!!iqn.1998-01.*",), None, True),
        (("!!iqn.2026*",), None, True),
        (("IQN.2026-11.Invalid*",), None, True),
        ((), ("IQN.2026-11.*",), False),
        ((), ("iqn.2026-11.*",), False),
        (("iqn.2026[-]11.*",), None, False),
    ],
)
def test_only_what_the_initiator_itself_sees(initiators: tuple[str, ...], everybody_but: tuple[str, ...] | None, seen: bool) -> None:
    assert bool(found("gw1", lun("rbd/a", initiators=initiators, everybody_but=everybody_but))) == seen


IMAGES = ["rbd/img3", "rbd/img4"]
SCST_TARGET = f"{SCST}/targets/iscsi/{IQN}"
LIO_GROUP = f"{LIO}/iscsi/{IQN}/tpgt_1"
DEVICES = {**krbd(3), **krbd(4)}


def on_scst(path: str, number: int, image: int) -> Files:
    device = f"{SCST}/devices/d{image}"
    link = Path("../" * (path.count("/") + 3) + f"devices/d{image}")
    return {f"{SCST_TARGET}/{path}/{number}/device": link, f"{device}/filename": f"/dev/rbd{image}\n", f"{device}/usn": f"serial{image}\n"}


def on_lio(number: int, image: int) -> Files:
    core = f"{LIO}/core/iblock_{image}/d{image}"
    serial = {f"{core}/wwn/vpd_unit_serial": f"T10 VPD Unit Serial Number: serial{image}\n"}
    link = Path(f"../../../../../../target/core/iblock_{image}/d{image}")
    return {f"{LIO_GROUP}/lun/lun_{number}/any": link, f"{core}/udev_path": f"/dev/rbd{image}\n", **serial}


def acl(initiator: str, seen: int, number: int) -> Files:
    return {f"{LIO_GROUP}/acls/{initiator}/lun_{seen}/any": Path(f"../../../../../../../target/iscsi/{IQN}/tpgt_1/lun/lun_{number}")}


def numbers(root: Path, files: Files, initiator: str = PROBE) -> dict[str, int]:
    luns = [one.record() for one in captured.luns(write(root, {**DEVICES, **files}))]
    ways = run_luns.found([{"item": "gw1", "luns": luns}], IMAGES, ADDRESSES, initiator, "prober")
    return {image: entries[0]["lun"] for image, entries in ways.items()}


@pytest.mark.parametrize(("member", "seen"), [("iqn.esx1", {"rbd/img4": 0}), ("iqn.2026-11.*", {"rbd/img3": 0})])
def test_scst_whose_group_has_another_lun_under_the_same_number(tmp_path: Path, member: str, seen: dict[str, int]) -> None:
    group = {**on_scst("ini_groups/esx/luns", 0, 3), f"{SCST_TARGET}/ini_groups/esx/initiators/{member}": f"{member}\n"}
    assert numbers(tmp_path, {**on_scst("luns", 0, 4), **group}) == seen


def test_scst_whose_group_has_no_lun(tmp_path: Path) -> None:
    group: Files = {f"{SCST_TARGET}/ini_groups/none/luns/mgmt": "", f"{SCST_TARGET}/ini_groups/none/initiators/{PROBE}": ""}
    assert numbers(tmp_path, {**on_scst("luns", 0, 4), **group}) == {}


@pytest.mark.parametrize(
    ("initiator", "open_to_all", "seen"),
    [
        (PROBE, "1", {"rbd/img3": 5, "rbd/img4": 0}),
        (PROBE, "0", {}),
        ("iqn.esx1", "1", {"rbd/img3": 0}),
        ("iqn.esx2", "1", {}),
    ],
)
def test_lio_whose_access_list_has_another_lun_under_the_same_number(tmp_path: Path, initiator: str, open_to_all: str, seen: dict[str, int]) -> None:
    lists: Files = {**acl("iqn.esx1", 0, 5), f"{LIO_GROUP}/acls/iqn.esx2/info": "", f"{LIO_GROUP}/attrib/generate_node_acls": f"{open_to_all}\n"}
    assert numbers(tmp_path, {**on_lio(5, 3), **on_lio(0, 4), **lists}, initiator) == seen


def test_the_names_that_the_lun_must_say() -> None:
    (way,) = found("gw1", lun("rbd/a", serial="s1", naa="6001405", eui=""))
    assert (way["serial"], way["naa"], "eui" in way) == ("s1", "6001405", False)
    assert run_luns.by_host([way], ["rbd/a"], "probe", "auto")[0]["luns"] == [{"name": "rbd/a", **{key: way[key] for key in way if key != "image"}}]


def test_every_gateway_is_a_way_and_the_first_is_tried_first() -> None:
    maps = [{"item": host, "luns": [lun("rbd/a"), lun("rbd/b", lun=13)]} for host in ("gw1", "gw2")]
    ways = run_luns.found(maps, ["rbd/a", "rbd/b"], ADDRESSES, PROBE, "prober")
    assert {image: [(way["portal"], way["lun"]) for way in flat({image: entries})] for image, entries in ways.items()} == {
        image: [("192.0.2.1:3260", number), ("[2001:db8::2]:3260", number)] for image, number in (("rbd/a", 12), ("rbd/b", 13))
    }


def test_by_host() -> None:
    luns = [
        {"image": "rbd/a", "portal": "p", "target": IQN, "lun": 1},
        {"image": "rbd/b", "device": "/dev/sdb", "host": "gw1"},
        {"image": "rbd/c", "portal": "p", "target": IQN, "lun": 3, "comment": "not for the module"},
        {"image": "rbd/d", "device": "/dev/sdd"},
    ]
    assert run_luns.by_host(luns, ["rbd/a", "rbd/b", "rbd/c"], "probe", "auto") == [
        {
            "host": "probe",
            "write_path": "auto",
            "luns": [{"name": "rbd/a", "portal": "p", "target": IQN, "lun": 1}, {"name": "rbd/c", "portal": "p", "target": IQN, "lun": 3}],
        },
        {"host": "gw1", "write_path": "auto", "luns": [{"name": "rbd/b", "device": "/dev/sdb"}]},
    ]
    assert run_luns.by_host(luns, [], "probe", "auto") == []


def test_gateways_that_told_nothing() -> None:
    maps = [
        {"item": "gw1", "luns": []},
        {"item": "gw2", "unreachable": True, "msg": "no route"},
        {"item": "gw3", "msg": "takes root"},
        {"item": "gw4", "skipped": True},
    ]
    assert run_luns.unasked(maps) == [{"host": "gw2", "why": "no route"}, {"host": "gw3", "why": "takes root"}]


def test_logs() -> None:
    reads = [{"item": {"item": "gw1"}, "gap": "", "events": [1]}, {"item": {"item": "gw2"}, "unreachable": True}]
    assert run_luns.kernel_logs(reads, "before") == [{"host": "gw1", "phase": "before", "gap": "", "events": [1]}]


def test_targets_that_admit_no_initiator_are_tried_last_and_those_with_sessions_first() -> None:
    off, on = lun("rbd/a", target=f"{IQN}:off", enabled=False), lun("rbd/a", target=f"{IQN}:on")
    used = lun("rbd/a", target=f"{IQN}:used", logged_in=("iqn.esx1",))
    assert [one["target"] for one in found("gw1", off, on, used)] == [f"{IQN}:used", f"{IQN}:on", f"{IQN}:off"]


@pytest.mark.parametrize(
    ("names", "per_portal_acl", "portals"),
    [
        ((f"{PROBE}#192.0.2.1",), True, ["192.0.2.1:3260"]),
        (("*#198.51.100.*",), True, ["198.51.100.1:3260"]),
        ((PROBE,), True, []),
        ((f"{PROBE}#192.0.2.1",), False, []),
        ((PROBE,), False, ["192.0.2.1:3260", "198.51.100.1:3260"]),
    ],
)
def test_names_that_hold_the_portal_are_compared_with_it(names: tuple[str, ...], per_portal_acl: bool, portals: list[str]) -> None:
    one = lun("rbd/a", initiators=names, everybody_but=None, per_portal_acl=per_portal_acl, portals=("192.0.2.1:3260", "198.51.100.1:3260"))
    assert [way["portal"] for way in found("gw1", one)] == portals


def test_an_earlier_group_turns_an_initiator_away() -> None:
    assert found("gw1", lun("rbd/a", initiators=(PROBE,), unless=("iqn.2026-11.*",), everybody_but=None)) == []


def test_a_gateway_that_told_only_a_part_is_named() -> None:
    assert run_luns.unasked([{"item": "gw1", "luns": [], "gaps": ["one", "two"]}]) == [{"host": "gw1", "why": "one; two"}]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"initiators": ("iqn.esx1",), "everybody_but": None}, f"gateway gw1 does not let {PROBE} see LUN 12 of {IQN}"),
        ({"lun": 256}, f"the probe addresses no LUN above 255, and gateway gw1 has LUN 256 of {IQN}"),
        ({"target": "scst_local_tgt"}, "LUN 12 of scst_local_tgt of gateway gw1 is not served over iSCSI"),
        ({"serial": ""}, f"gateway gw1 does not tell the serial number, EUI or NAA of LUN 12 of {IQN}"),
    ],
)
def test_a_lun_that_is_known_and_cannot_be_probed_is_told(told: dict[str, t.Any], why: str) -> None:
    maps = [{"item": "gw1", "luns": [lun("rbd/a", **told), lun("rbd/b"), lun("rbd/c", stack="krbd", target="", lun=None)]}]
    assert run_luns.found(maps, ["rbd/a"], ADDRESSES, PROBE, "prober") == {}
    assert run_luns.pathless(maps, ["rbd/a", "rbd/b", "rbd/c"], ADDRESSES, PROBE) == {"rbd/a": why}


def test_each_path_has_names_of_its_own() -> None:
    """Gateways name the same image differently."""
    maps = [{"item": host, "luns": [lun("rbd/a", serial=f"s-{host}", nv_cache=host == "gw2")]} for host in ("gw1", "gw2")]
    (entry,) = run_luns.found(maps, ["rbd/a"], ADDRESSES, PROBE, "prober")["rbd/a"]
    assert (entry["serial"], [path["serial"] for path in entry["other_paths"]], entry["nv_cache"]) == ("s-gw1", ["s-gw2"], True)


@pytest.mark.parametrize(("mode", "breaks"), [("default", False), ("implicit", True), ("explicit", True)])
def test_a_gateway_that_breaks_locks_is_told_to_the_probe(mode: str, breaks: bool) -> None:
    (way,) = found("gw1", lun("rbd/a", tcmu={"mode": mode}))
    assert way.get("breaks_locks", False) == breaks


def test_the_paths_of_one_gateway_alone() -> None:
    maps = [{"item": host, "luns": [lun("rbd/a", portals=("0.0.0.0:3260", "198.51.100.1:3260"))]} for host in ("gw1", "gw2")]
    entries = run_luns.found(maps, ["rbd/a"], ADDRESSES, PROBE, "prober")["rbd/a"]
    (entry,) = run_luns.through(entries, "gw2")
    assert [path["portal"] for path in flat({"rbd/a": [entry]})] == ["[2001:db8::2]:3260", "198.51.100.1:3260"]
    (probing,) = run_luns.by_host([entry], ["rbd/a"], "prober", "lock")
    assert (probing["write_path"], "gateway" in str(probing["luns"])) == ("lock", False)
    assert run_luns.through(entries, "gw3") == []


def test_a_gateway_that_was_asked_knows_better_than_the_common_configuration() -> None:
    exports = run_luns.exported({"gw9": [lun("rbd/a"), lun("rbd/b"), lun("rbd/c")]}, ["rbd/a", "rbd/b"])
    assert [one["image"] for one in exports[0]["luns"]] == ["rbd/a", "rbd/b"]
    (left,) = run_luns.untold(exports, [{"item": "gw1", "luns": [lun("rbd/a")]}, {"item": "gw2", "msg": "unreachable"}])
    assert (left["item"], [one["image"] for one in left["luns"]]) == ("gw9", ["rbd/b"])


@pytest.mark.parametrize(
    ("gateways", "client"),
    [
        (["gw1.example", "gw2.example"], "192.0.2.1:0/1"),
        (["", "gw2.example"], ""),
        (["gw1.example", "gw1.example"], ""),
        (["gw2.example", "", "gw1.example"], ""),
    ],
    ids=["its own", "none", "two after a restart", "a dead one"],
)
def test_a_lun_of_tcmu_runner_gets_its_client_from_the_service_map(gateways: list[str], client: str) -> None:
    liveness = ("alive", "hung", "orphaned")
    watchers = [{"address": f"192.0.2.{number}:0/1", "gateway": gateway, "liveness": liveness[number - 1]} for number, gateway in enumerate(gateways, 1)]
    image: t.Any = {"spec": "rbd/a", "id": "5e9f", "header": "rbd_header.5e9f", "watchers": watchers}
    gateway = {
        "item": "gw1",
        "hostname": "gw1.example",
        "luns": [lun("rbd/a", tcmu={"mode": "implicit"}), lun("rbd/a"), lun("rbd/other", tcmu={"mode": "implicit"})],
    }
    (told,) = run_luns.joined([gateway], [image])
    assert [(one["header"], one["client_address"]) for one in told["luns"]] == [("rbd_header.5e9f", client), ("", ""), ("", "")]

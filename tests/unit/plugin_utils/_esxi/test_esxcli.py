# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What esxcli prints: the incident's own output, and the same in the shapes of its formatters."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, messages
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import DATA

ESXI = DATA / "esxi"
EXTENT = {
    "volume_name": "2024",
    "vmfs_uuid": "595d1290-79d25d9f-5c14-00e0ed438c52",
    "extent_number": 0,
    "device_name": "eui.99e91f03b82de449",
    "partition": 1,
}
XML = """<?xml version="1.0" encoding="utf-8"?>
<output xmlns="http://www.vmware.com/Products/ESX/5.0/esxcli">
<root>
   <list type="structure">
      <structure typeName="VMFSExtent">
         <field name="DeviceName"><string>eui.99e91f03b82de449</string></field>
         <field name="ExtentNumber"><integer>0</integer></field>
         <field name="Partition"><integer>1</integer></field>
         <field name="VMFSUUID"><string>595d1290-79d25d9f-5c14-00e0ed438c52</string></field>
         <field name="VolumeName"><string>2024</string></field>
      </structure>
   </list>
</root>
</output>
"""


def incident(name: str) -> list[esxcli.Record]:
    return esxcli.records((ESXI / f"esxcli-storage-{name}.txt").read_text(encoding="utf-8"))


def test_the_incidents_counters() -> None:
    (counters,) = incident("core-device-stats-get")
    assert counters["heading"] == counters["device"] == "eui.99e91f03b82de449"
    assert (counters["successful_commands"], counters["failed_commands"], counters["reservation_conflicts"]) == (437865323, 85, 0)
    assert len(counters) == 15


def test_the_incidents_filesystems() -> None:
    found = incident("filesystem-list")
    assert [one["volume_name"] for one in found] == ["124-share", "datastore1", "Presale-lun-v7-new", "SEG-LUN", "QA-lun-v7", "", ""]
    assert found[6] == {
        "mount_point": "/vmfs/volumes/7d3b9479-6b478943-643a-5a641dfcbd57",
        "volume_name": "",
        "uuid": "7d3b9479-6b478943-643a-5a641dfcbd57",
        "mounted": True,
        "type": "vfat",
        "size": 261853184,
        "free": 75464704,
    }


def test_the_incidents_extents() -> None:
    found = incident("vmfs-extent-list")
    assert [(one["volume_name"], one["device_name"], one["partition"]) for one in found] == [
        ("datastore1", "t10.ATA_____INTEL_SSDSC2BB240G4_____________________BTWL30940045240MGN__", 3),
        ("Presale-lun-v7-new", "eui.d8d980790ba184f2", 1),
        ("SEG-LUN", "eui.99e91f03b82de449", 1),
        ("QA-lun-v7", "eui.ea3fcd1f5424a6f3", 1),
    ]


@pytest.mark.parametrize("name", ["vmfs-extent-list", "core-device-stats-get"])
def test_csv_says_the_same_as_the_incidents_table(name: str) -> None:
    """Reads what the stand-in for ESXi prints. It was made from records."""
    recorded = [{key: value for key, value in record.items() if key != "heading"} for record in incident(name)]
    assert esxcli.records((ESXI / f"esxcli-storage-{name}.csv").read_text(encoding="utf-8")) == recorded


@pytest.mark.parametrize(
    "text",
    [
        "Volume Name  VMFS UUID                            Extent Number  Device Name           Partition\n"
        "-----------  -----------------------------------  -------------  --------------------  ---------\n"
        "2024         595d1290-79d25d9f-5c14-00e0ed438c52              0  eui.99e91f03b82de449          1\n",
        "[root@esx1:~] esxcli --formatter=csv storage vmfs extent list\n"
        "DeviceName,ExtentNumber,Partition,VMFSUUID,VolumeName,\neui.99e91f03b82de449,0,1,595d1290-79d25d9f-5c14-00e0ed438c52,2024,\n",
        "VMFSExtent.DeviceName.string=eui.99e91f03b82de449\nVMFSExtent.ExtentNumber.integer=0\nVMFSExtent.Partition.integer=1\n"
        "VMFSExtent.VMFSUUID.string=595d1290-79d25d9f-5c14-00e0ed438c52\nVMFSExtent.VolumeName.string=2024\n",
        "structure[0].VMFSExtent.DeviceName.string=eui.99e91f03b82de449\nstructure[0].VMFSExtent.ExtentNumber.integer=0\n"
        "structure[0].VMFSExtent.Partition.integer=1\nstructure[0].VMFSExtent.VMFSUUID.string=595d1290-79d25d9f-5c14-00e0ed438c52\n"
        "structure[0].VMFSExtent.VolumeName.string=2024\n",
        '[{"Device Name": "eui.99e91f03b82de449", "Extent Number": 0, "Partition": 1,\n'
        '  "VMFS UUID": "595d1290-79d25d9f-5c14-00e0ed438c52", "Volume Name": "2024"}]',
        XML,
        "   Volume Name: 2024\n   VMFS UUID: 595d1290-79d25d9f-5c14-00e0ed438c52\n   Extent Number: 0\n   Device Name: eui.99e91f03b82de449\n   Partition: 1\n",
    ],
    ids=["table", "csv", "keyvalue", "keyvalue of a list", "json", "xml", "indented"],
)
def test_every_shape_says_the_same(text: str) -> None:
    assert esxcli.records(text) == [EXTENT]
    assert esxcli.records(text.replace("\n", "\r\n")) == [EXTENT]


def test_several_indented_records() -> None:
    text = "naa.1\n   Device: naa.1\n   Failed Commands: 2\n   Other UIDs:\n\nnaa.2\n   Device: naa.2\n   Failed Commands: 3\n"
    assert [(one["device"], one["failed_commands"]) for one in esxcli.records(text)] == [("naa.1", 2), ("naa.2", 3)]


def test_the_last_column_may_be_longer_than_its_dashes() -> None:
    assert esxcli.records("A  B\n-  --\n1  a b c\n") == [{"a": 1, "b": "a b c"}]


def test_what_stands_before_a_table_is_passed_over() -> None:
    assert esxcli.records("root@esx1:~ # esxcli x\nwarning: y\nA  B\n-  -\n1  2\n") == [{"a": 1, "b": 2}]


@pytest.mark.parametrize("piece", [" ", "- ", "a:", "-", "\t", '"', ",", "a:1 ", "a:1 /", "/x ", "0-", "~ #", "[a@b", "a@", "A,", "/ $"])
def test_long_lines_are_read_in_no_time(piece: str) -> None:
    """Takes minutes with a quadratic reader, and the test would be killed."""
    for text in (piece * 300_000, f"x\n   {piece * 300_000}x", f"a\n{piece * 300_000}\nb"):
        try:
            esxcli.records(text)
        except InputError:
            continue


def test_several_records_of_keyvalue() -> None:
    text = "structure[0].A.Size.integer=1\nstructure[1].A.Size.integer=2\nstructure[1].A.Note.string=a=b\n"
    assert esxcli.records(text) == [{"size": 1}, {"size": 2, "note": "a=b"}]


@pytest.mark.parametrize(
    ("text", "value"),
    [("12", 12), ("-3", -3), ("1.50", 1.5), ("007", "007"), ("true", True), ("false", False), ("1e5", "1e5"), ("0x1", "0x1"), ("", ""), ("9" * 30, "9" * 30)],
)
def test_numbers_are_numbers_and_nothing_else_is(text: str, value: object) -> None:
    (record,) = esxcli.records(f"A.Size.string={text}")
    assert record == {"size": value}
    assert type(record["size"]) is type(value)


@pytest.mark.parametrize("text", ["", "\n \n", "[root@esx1:~] esxcli storage vmfs extent list\n[root@esx1:~]", "[]"])
def test_nothing_is_no_record(text: str) -> None:
    assert esxcli.records(text) == []


@pytest.mark.parametrize("text", ['[{"Device":', "[" * 100_000, "<output><list>", '<!DOCTYPE x [<!ENTITY a "b">]><output>&a;</output>', "<a>\0</a>"])
def test_what_was_cut_off_or_made_up_is_said(text: str) -> None:
    with pytest.raises(InputError, match="The output of esxcli"):
        esxcli.records(text)


def test_a_field_without_end_is_no_csv() -> None:
    with pytest.raises(InputError, match="begins as CSV, but is not"):
        esxcli.records("Name,Device,\n" + "x" * 140_000 + ",y,\n")


def nested(depth: int) -> float:
    """Returns the CPU seconds for as many nested structures."""
    text = '<root><structure><field name="a">1</field><field name="b">' * depth + "</field></structure></root>" * depth
    began = time.process_time()
    assert len(esxcli.records(text)) == depth
    return time.process_time() - began


def test_structures_in_structures_are_read_in_linear_time() -> None:
    assert min(nested(4000) for _repeat in range(3)) < 16 * min(nested(500) for _repeat in range(3))


HEAD = "Volume Name  Device Name  Partition\n-----------  -----------  ---------\n"


@pytest.mark.parametrize(
    "text",
    [
        f"[root@esx1:/vmfs/volumes/ds one] esxcli storage vmfs extent list\n{HEAD}ds1          naa.01               1\n[root@esx1:/vmfs/volumes/ds one]",
        f"~ # esxcli x\n{HEAD}ds1          naa.01               1\n~ #",
        f"/vmfs/volumes # localcli x\n{HEAD}ds1          naa.01               1\n/vmfs/volumes #",
        f"root@esx1:/tmp # localcli x\n{HEAD}ds1          naa.01               1\nConnection to esx1 closed.",
        f"WARNING: this is slow\nand more\n{HEAD}ds1          naa.01               1\n",
        "\n".join(f"  {line}" for line in f"{HEAD}ds1          naa.01               1".splitlines()),
        # The first line lost its blank when it was copied.
        "Volume Name  Device Name  Partition\n -----------  -----------  ---------\n ds1          naa.01               1\n",
        "WARNING: this is slow\nDeviceName,Partition,VolumeName,\nnaa.01,1,ds1,\n",
        'WARNING: this is slow\n[{"Volume Name": "ds1", "Device Name": "naa.01", "Partition": 1}]',
        "WARNING: this is slow\nA.VolumeName.string=ds1\nA.DeviceName.string=naa.01\nA.Partition.integer=1\n",
        "Warning: this is slow\nds1\n   Volume Name: ds1\n   Device Name: naa.01\n   Partition: 1\n",
    ],
)
def test_what_stands_around_the_output_is_passed_over(text: str) -> None:
    (record,) = esxcli.records(text)
    record.pop("heading", None)
    assert record == {"volume_name": "ds1", "device_name": "naa.01", "partition": 1}


def test_a_directory_of_a_table_is_no_prompt() -> None:
    text = "Mount Point  Volume Name\n-----------  -----------\n/vmfs/v/1    ds # one\n"
    assert [one["volume_name"] for one in esxcli.records(text)] == ["ds # one"]


@pytest.mark.parametrize(
    "row",
    [
        "数据存储     naa.01               1",
        "数据存储  naa.01               1",
        "e\u0301t\u00e9         naa.01               1",
        "été          naa.01               1",
    ],
)
def test_names_with_wide_characters(row: str) -> None:
    """Reads rows padded by characters, by bytes or by the cells of a terminal."""
    (record,) = esxcli.records(HEAD + row)
    assert (record["device_name"], record["partition"]) == ("naa.01", 1)
    assert record["volume_name"] == row.split(maxsplit=1)[0]


def test_several_outputs_are_read_one_by_one() -> None:
    text = f"~ # esxcli a\n{HEAD}ds1          naa.01               1\n~ # esxcli b\nnaa.02\n   Device: naa.02\n~ #\n"
    assert [one.get("device_name", one.get("device")) for one in esxcli.records(text)] == ["naa.01", "naa.02"]


def test_the_map_of_a_support_bundle() -> None:
    text = "naa.60014050000000000000000000000001:1 /vmfs/devices/disks/naa.60014050000000000000000000000001:1 53d6343f-65f9ea4e-602b-508789ad4756  0  ds one\n"
    assert esxcli.records(text) == [
        {
            "device_name": "naa.60014050000000000000000000000001",
            "partition": 1,
            "vmfs_uuid": "53d6343f-65f9ea4e-602b-508789ad4756",
            "extent_number": 0,
            "volume_name": "ds one",
        }
    ]
    assert esxcli.records(text.replace("  ds one", ""))[0]["volume_name"] == ""
    with pytest.raises(InputError, match=messages.NOT_ESXCLI):
        esxcli.records(f"{text}Segmentation fault")


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}ds1 naa.01 1\n",
        f"{HEAD}Error: the connection was lost\n",
        "DeviceName,Partition,\nnaa.01,1,2,3,\n",
        "Error: Unknown command\n",
        "bash: esxcli: not found",
    ],
)
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(InputError, match="output of esxcli"):
        esxcli.records(text)


@pytest.mark.parametrize("text", ["[{}]", "{}", HEAD, "DeviceName,Partition,\n"])
def test_no_record_is_empty(text: str) -> None:
    assert esxcli.records(text) == []

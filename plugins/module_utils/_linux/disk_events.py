# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what the kernel logs about its own disks: a SCSI disk's conflicts and errors, and the lock of an image that krbd has mapped.

Sources: drivers/scsi/scsi_logging.c, scsi_lib.c and scsi_error.c, block/blk-core.c and blk-mq.c, drivers/block/rbd.c of Linux.
"""

from __future__ import annotations

import re

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.event_drafts import Draft, Drafts, Kind, Told, forms, skip
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

_DEVICE = r"\b(?:sd|scsi) (?P<device>\d+:\d+:\d+:\d+): "
_DISK = r"(?:\[(?P<disk>\w+)\] )?"
_TAG = r"(?:tag#(?P<tag>\d+) )?"
_OF_COMMAND = _DEVICE + _DISK + _TAG


class DiskEvents:
    """Turns lines of sd, of the block layer and of krbd into events."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        # By disk and tag: what later lines belong to.
        self._failed: dict[tuple[str, str], Draft] = {}

    def conflict(self, record: Record, told: Told) -> None:
        self._drafts.add("conflict", "sd", record, device=told["device"])

    def result(self, record: Record, told: Told) -> None:
        self._part(record, told, "result").told["status"] = told["status"].strip()

    def sense(self, record: Record, told: Told) -> None:
        draft = self._part(record, told, told["part"])
        draft.told["sense"] = "; ".join(filter(None, (draft.told.get("sense"), told["sense"].strip())))

    def command(self, record: Record, told: Told) -> None:
        """Ends the event: this is the last of the lines about a command."""
        self._part(record, told, "command").told["command"] = told["command"].rstrip(":")
        del self._failed[told["device"], told["tag"]]

    def _part(self, record: Record, told: Told, part: str) -> Draft:
        """Returns the event with this part added: a new event if the last one of this disk and tag has the part already."""
        key = (told["device"], told["tag"])
        draft = self._failed.get(key)
        if draft is None or part in draft.parts:
            draft = self._failed[key] = self._drafts.add("error", "sd", record, device=told["device"], disk=told["disk"])
        else:
            draft.text.append(record.message)
        draft.parts.add(part)
        return draft

    def error(self, record: Record, told: Told) -> None:
        self._drafts.add("error", "sd", record, device=told["device"], disk=told["disk"])

    def block_error(self, record: Record, told: Told) -> None:
        """Adds an error or a conflict. Older kernels call a reservation conflict nexus."""
        kind: Kind = "conflict" if told["status"] in ("reservation conflict error", "critical nexus error") else "error"
        if re.fullmatch(r"rbd\d+", told["disk"]):
            self._drafts.add(kind, "krbd", record, device=told["disk"], status=told["status"])
        else:
            self._drafts.add(kind, "sd", record, disk=told["disk"], status=told["status"])

    def krbd_lock(self, record: Record, told: Told) -> None:
        self._drafts.add("lock", "krbd", record, device=told["device"], old_holder=told["owner"])


FORMS = forms(
    (": reservation conflict", _DEVICE + r"reservation conflict", DiskEvents.conflict),
    ("Result: ", _OF_COMMAND + r"(?:.* )?Result: (?P<status>.*)", DiskEvents.result),
    ("Sense", _OF_COMMAND + r"(?P<part>Sense Key|Add\. Sense) ?: (?P<sense>.*)", DiskEvents.sense),
    ("CDB: ", _OF_COMMAND + r"CDB: (?P<command>[^ \n]+(?: (?![0-9a-f]{2}\b)[^ \n]+)*)", DiskEvents.command),
    ("CDB[", _OF_COMMAND + r"CDB\[[0-9a-f]+\]: ", skip),
    ("rejecting I/O", _OF_COMMAND + r"rejecting I/O", DiskEvents.error),
    ("Device offlined", _OF_COMMAND + r"Device offlined", DiskEvents.error),
    ("timing out command", _OF_COMMAND + r"timing out command", DiskEvents.error),
    ("reset", _OF_COMMAND + r".*\breset\b", DiskEvents.error),
    ("abort", _OF_COMMAND + r".*\babort", DiskEvents.error),
    (" error, dev ", r"(?:^|: )(?P<status>(?:[\w/]+ ){1,3}error), dev (?P<disk>[\w!-]+)", DiskEvents.block_error),
    (
        "rbd: ",
        r"\brbd: (?:(?P<device>rbd\d+)|image \S+): (?=.*\b(?:un)?(?:lock|blocklist|blacklist|watch))(?:.*?\b(?P<owner>client\d+))?",
        DiskEvents.krbd_lock,
    ),
)

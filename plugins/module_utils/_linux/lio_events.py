# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what LIO logs about reservations, and about what hinders them: drivers/target/target_core_pr.c and target_core_tmr.c of Linux."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.event_drafts import Draft, Drafts, Told, forms
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

_MAPPED = r"LUN: \d+ -> MAPPED LUN: (?P<lun>\d{1,20})"


class LioEvents:
    """Turns LIO's lines into events."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        self._conflict: Draft | None = None

    def reserve(self, record: Record, told: Told) -> None:
        self._drafts.add("reserve", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], holder=told["initiator"])

    def release(self, record: Record, told: Told) -> None:
        self._drafts.add("release", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], old_holder=told["initiator"])

    def release_by_reset(self, record: Record, told: Told) -> None:
        self._drafts.add("release", "lio", record)

    def conflict(self, record: Record, told: Told) -> None:
        self._conflict = self._drafts.add("conflict", "lio", record, target=told["fabric"])

    def conflict_holder(self, record: Record, told: Told) -> None:
        if self._conflict and "old_holder" not in self._conflict.told:
            self._conflict.text.append(record.message)
            self._conflict.told.update(told)

    def conflict_attempt(self, record: Record, told: Told) -> None:
        """Ends the event: this is the last of three lines."""
        if self._conflict:
            self._conflict.text.append(record.message)
            self._conflict.told.update(lun=int(told["lun"]), initiator=told["initiator"])
        self._conflict = None

    def error(self, record: Record, told: Told) -> None:
        self._drafts.add("error", "lio", record)


FORMS = forms(
    ("SCSI-2 Reserved", rf"SCSI-2 Reserved (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", LioEvents.reserve),
    ("SCSI-2 Released", rf"SCSI-2 Released reservation for (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", LioEvents.release),
    # Kernels before 2021 misspell it.
    ("SCSI-2 RESERVATION CONFLI", r"SCSI-2 RESERVATION CONFLI[CF]T (?:FOR|for) (?P<fabric>\S+) fabric", LioEvents.conflict),
    ("Original reserver", r"Original reserver LUN: \d+ (?P<old_holder>\S+)", LioEvents.conflict_holder),
    ("Current attempt", rf"Current attempt - {_MAPPED} from (?P<initiator>\S+)", LioEvents.conflict_attempt),
    ("ABORT_TASK: ", r"ABORT_TASK: ", LioEvents.error),
    ("LUN_RESET: ", r"LUN_RESET: SCSI-2 Released reservation", LioEvents.release_by_reset),
    ("LUN_RESET: ", r"LUN_RESET: ", LioEvents.error),
    ("TARGET_CORE[", r"TARGET_CORE\[", LioEvents.error),
)

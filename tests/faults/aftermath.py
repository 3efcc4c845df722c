# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a run left behind: the LUN, a reservation, watchers, the blocklist and leases. Says what of that is wrong."""

from __future__ import annotations

import re
import subprocess
import time
import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, probe, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from lab import BLACKLIST, INITIATOR, LOOK, Lab, LabError, crashed

# Neither the role's probe nor the look at the LUN uses this initiator, so a reservation of theirs would conflict with it.
STRANGER = "iqn.2026-11.invalid.cephops.iscsi-rescue:stranger"
HOLDER = "iqn.2026-11.invalid.cephops.iscsi-rescue:holder"
Entries = t.Mapping[str, str]


class After(t.NamedTuple):
    """``leases``: the addresses that open leases name, of any image."""

    lun: str
    reserved: bool
    watchers: list[str]
    entries: dict[str, str]
    leases: list[str]

    def wrong(self, before: Entries, others: t.Container[str] = (), owed: t.Container[str] = ()) -> list[str]:
        """Returns what is wrong. ``others``: clients that Ceph or another operator might have fenced meanwhile; ``owed``: leases that were open before."""
        leases = [client for client in self.leases if client not in owed]
        return [
            *([f"the LUN is {self.lun}"] if self.lun != "healthy" else []),
            *(["an initiator holds a reservation"] if self.reserved else []),
            *([f"its watchers are {self.watchers}"] if self.watchers != ["alive"] else []),
            *self.wrong_entries(before, others),
            *([f"leases are left: {leases}"] if leases else []),
        ]

    def wrong_entries(self, before: Entries, others: t.Container[str] = ()) -> list[str]:
        lost = {client: until for client, until in before.items() if self.entries.get(client) != until}
        left = [client for client in self.entries if client not in before and client not in others]
        return [
            *([f"entries of others are lost or changed: {lost}"] if lost else []),
            *([f"entries are left: {left}"] if left else []),
        ]


def blacklist(lab: Lab) -> dict[str, t.Any]:
    found = fence.apply({**lab.connection, **BLACKLIST}, dry_run=False)
    if found.unread:
        raise LabError(f"The leases could not be read: {found.unread}")
    return {"entries": found.after, "leases": found.leases}


def look(lab: Lab, image: str) -> After:
    lun, seen = lab.lun(image), blacklist(lab)
    outcome = probe.run(IscsiTransport(lun["portal"], lun["target"], lun["lun"], INITIATOR), Plan(5, 5, "flush"))
    found = detect.look({**lab.connection, **LOOK, "liveness": "all", "images": [f"rbd/{image}"]})["images"][0]
    watchers = [watcher["liveness"] for watcher in found["watchers"]]
    return After(outcome.verdict, reserved(lab, image), watchers, seen["entries"], [one["address"] for one in seen["leases"]])


def faults(lab: Lab, image: str, before: Entries) -> list[str]:
    return look(lab, image).wrong(before)


def reserved(lab: Lab, image: str) -> bool:
    """Returns whether a RESERVE conflicts, from an initiator that has nothing to do with the role. If it does not, RELEASE ends it."""
    lun = lab.lun(image)
    return probe.run(IscsiTransport(lun["portal"], lun["target"], lun["lun"], STRANGER), Plan(5, 5, "none")).verdict == "conflict"


def require_sight(lab: Lab) -> None:
    """Checks that a reservation is seen while it is held. Otherwise, a test that finds none would mean nothing."""
    image = f"sight{time.time():.0f}"
    lab.create(image)
    lab.serve(image)
    lun = lab.lun(image)
    holder = IscsiTransport(lun["portal"], lun["target"], lun["lun"], HOLDER)
    holder.connect(5)
    try:
        while holder.execute(commands.reserve(), 5).is_sense(replies.UNIT_ATTENTION):
            pass
        seen = reserved(lab, image)
    finally:
        holder.close(5)
    if not seen or reserved(lab, image):
        raise LabError("A reservation was not seen while it was held, or was seen after its end. So the tests cannot tell whether one is left.")


def seconds_left(until: str) -> float:
    return (datetime.strptime(until, "%Y-%m-%dT%H:%M:%S.%f%z") - datetime.now(timezone.utc)).total_seconds()


def outcome(run: subprocess.CompletedProcess[str]) -> str:
    """Returns the outcome that a run of the role names; ``stopped`` if it ended before that with one sentence; in capitals, an end that must not happen."""
    said = run.stdout + run.stderr
    if run.returncode < 0:
        return "KILLED"
    if crashed(said):
        return "TRACEBACK"
    found = re.search(r"^(\w+)(?: \(images: [^)]*\))?, looked at", run.stdout, re.MULTILINE)
    ended = found[1] if found else "stopped" if sentence(run) else "NOTHING SAID"
    fails = ended in ("failed", "refused", "partly_healed", "healed_unproven", "stopped")
    return ended if run.returncode == (2 if fails else 0) else f"{ended} BY CODE {run.returncode}"


def sentence(run: subprocess.CompletedProcess[str]) -> str:
    """Returns the last error in words. It is the role's own, if the run came that far."""
    failures = re.findall(r"\[ERROR\]: (?:Task failed: )?(?:Module failed: |Action failed: )?(\S.*)", run.stdout + run.stderr)
    return failures[-1][:160] if failures else ""

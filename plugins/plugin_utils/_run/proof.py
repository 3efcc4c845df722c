# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the probes after a fence prove of an image. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import NOT_REACHED
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import LunResult, Probe, Watcher

_WEAKEST_FIRST = ("none", "cache", "write")


def of_image(luns: t.Sequence[LunResult], why_not: str) -> tuple[str, str]:
    """Returns the proof, see scsi_reserve_probe, and in words what it is. Of several LUNs, the weakest counts. ``why_not``: why none was probed."""
    probed = [lun for lun in luns if lun["after"]]
    if not probed:
        return "none", f"not proven: {why_not}"
    weakest = min(probed, key=lambda lun: _WEAKEST_FIRST.index(_proof(lun["after"])))
    return _proof(weakest["after"]), _words(weakest["before"], weakest["after"])


def _proof(probe: Probe) -> str:
    return probe.get("proof", "none")


def of_lock(before: str, watchers: t.Sequence[Watcher]) -> tuple[str, str] | None:
    """Returns the proof by the lock, of gateways that take it for a write and not earlier. ``before``: the owner's address before the fence."""
    owners = [watcher["address"] for watcher in watchers if watcher.get("lock_owner") and watcher["liveness"] == "alive"]
    moved = [owner for owner in owners if owner != before]
    return ("lock", f"proven: the lock moved to {moved[0]}, which is alive, and a gateway takes it only for a write") if moved else None


def is_reached(probe: Probe) -> bool:
    """Whether the probe led to the LUN that is meant."""
    return probe["verdict"] not in NOT_REACHED


def _words(before: Probe, after: Probe) -> str:
    lun = where(after)
    if _proof(after) == "write":
        return f"proven: a write through {lun} reached the storage"
    if _proof(after) == "cache":
        return f"answered: {lun} {_took(before, after)}"
    return f"not proven: {lun} {'was not written to' if is_reached(after) else 'was not reached'} ({after['verdict']}, {after['reason']})"


def _took(before: Probe, after: Probe) -> str:
    if any(_ended(after, name) == "good" for name in ("ats", "orwrite")):
        return "took a write, which its target might still have in its cache"
    if _ended(before, "flush") == "no_answer":
        return "took a flush, which had timed out before the fence; no write was sent"
    return "took a flush, which its target might answer by itself; no write was proven"


def _ended(probe: Probe, name: str) -> str:
    """How the last step of that name ended, '' for none."""
    return next((step["status"] for step in reversed(probe.get("steps", [])) if step["name"] == name), "")

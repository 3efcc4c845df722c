# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what the probes after a fence prove of an image. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import NOT_REACHED
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import LunResult, Probe, Watcher

_WEAKEST_FIRST = ("none", "cache", "write")


def of_image(luns: t.Sequence[LunResult], why_not: str) -> tuple[str, str]:
    """Returns the proof, see scsi_reserve_probe, and the same in words. Of several LUNs, the weakest proof counts. ``why_not``: why none was probed."""
    probed = [lun for lun in luns if lun["after"]]
    if not probed:
        return "none", messages.NOT_PROVEN.format(reason=why_not)
    weakest = min(probed, key=lambda lun: _WEAKEST_FIRST.index(_proof(lun["after"])))
    return _proof(weakest["after"]), _words(weakest["before"], weakest["after"])


def _proof(probe: Probe) -> str:
    return probe.get("proof", "none")


def of_lock(before: str, watchers: t.Sequence[Watcher]) -> tuple[str, str] | None:
    """Returns the proof by the lock, of gateways that take it for a write and not earlier. ``before``: the owner's address before the fence."""
    owners = [watcher["address"] for watcher in watchers if watcher.get("lock_owner") and watcher["liveness"] == "alive"]
    moved = [owner for owner in owners if owner != before]
    return ("lock", messages.LOCK_MOVED.format(owner=moved[0])) if moved else None


def is_reached(probe: Probe) -> bool:
    """Returns whether the probe led to the LUN that is meant."""
    return probe["verdict"] not in NOT_REACHED


def _words(before: Probe, after: Probe) -> str:
    lun = where(after)
    if _proof(after) == "write":
        return messages.WRITE_PROVEN.format(lun=lun)
    if _proof(after) == "cache":
        return _answer(before, after).format(lun=lun)
    words = messages.NOT_WRITTEN if is_reached(after) else messages.NOT_REACHED
    return words.format(lun=lun, verdict=after["verdict"], reason=after["reason"])


def _answer(before: Probe, after: Probe) -> str:
    if any(_ended(after, name) == "good" for name in ("ats", "orwrite")):
        return messages.WRITE_CACHED
    if _ended(before, "flush") == "no_answer":
        return messages.FLUSH_AGAIN
    return messages.FLUSH


def _ended(probe: Probe, name: str) -> str:
    """Returns how the last step of that name ended, '' for none."""
    return next((step["status"] for step in reversed(probe.get("steps", [])) if step["name"] == name), "")

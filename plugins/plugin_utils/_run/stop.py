# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds why a run must not go on after a phase, or what went wrong: a sentence for each reason, '' for none. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages, proof
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Change, Image, Probe, Run, Watcher

# A lock that is left has a check of its own.
_WELL = ("normal", "locked")
_ANSWERS = ("healthy", "slow", "conflict")
Result = t.Mapping[str, t.Any]


def lun_is_not_probed(run: Run, images: t.Collection[str], probes: t.Sequence[Probe]) -> str:
    """Returns that a host cannot be reached which probes a LUN that the operator names."""
    done, asked = {probe["name"] for probe in probes}, run["settings"]
    hosts = [lun.get("host") or asked["prober"] for lun in asked["luns"] if lun["image"] in images and lun["image"] not in done]
    names = ", ".join(dict.fromkeys(hosts))
    return messages.PROBER_UNREACHABLE.format(hosts=names) if hosts else ""


def lun_is_out_of_reach(run: Run) -> str:
    """Returns that a LUN that the operator names cannot be reached: most likely its address is wrong, and nothing could be proven after a fence.

    A LUN that the role found by itself does not stop the run; the outcome tells it.
    """
    named = [lun["image"] for lun in run["settings"]["luns"]]
    wrong = [probe for probe in run["probes_before"] if probe["name"] in run["healing"] and probe["name"] in named and not proof.is_reached(probe)]
    return "; ".join(messages.OUT_OF_REACH.format(image=probe["name"], lun=where(probe), reason=probe["reason"]) for probe in wrong)


def watchers_are_wrong(run: Run) -> str:
    """Returns that a watcher is still silent or surplus, or that a healed image has none. What living clients contest is left to the operator."""
    contested = {image["spec"] for image in run["detected"].get("images", []) if image["state"] == "contested"}
    still = [image for image in run["verified"].get("images", []) if image["state"] == "contested" and image["spec"] in contested]
    sick = [image for image in run["verified"].get("images", []) if image["state"] not in _WELL and image not in still]
    wrong = [messages.STILL.format(image=image["spec"], state=image["state"]) for image in sick]
    bare = [image["spec"] for image in run["verified"].get("images", []) if image["spec"] in run["serving"] and not _clients(image)]
    wrong += [messages.UNSERVED.format(image=spec) for spec in bare]
    wrong += [messages.LOCK_STAYS.format(image=spec, owner=owner["address"], reason=owner["reasons"][0]) for spec, owner in _still_locked(run)]
    return messages.TIMED_OUT.format(seconds=run["settings"]["gone_timeout"], faults="; ".join(wrong)) if wrong else ""


def _still_locked(run: Run) -> list[tuple[str, Watcher]]:
    """Returns the owners whose lock was to be broken, and that might be alive by now."""
    meant = {(image["spec"], one["address"]) for image in run["detected"].get("images", []) for one in image.get("owner", []) if one["verdict"] == "fence"}
    owners = [(image["spec"], one) for image in run["verified"].get("images", []) for one in image.get("owner", [])]
    return [(spec, one) for spec, one in owners if (spec, one["address"]) in meant and one["verdict"] != "fence"]


def _clients(image: Image) -> list[Watcher]:
    """Returns its watchers without Ceph's own daemons."""
    return [watcher for watcher in image["watchers"] if not watcher.get("daemon")]


def lun_does_not_answer(run: Run) -> str:
    """Returns that a LUN does not respond. A slow one responds, and so does one that another initiator holds by now.

    A LUN that was never reached proves nothing, which the outcome says.
    """
    known = {probe["name"] for probe in run["probes_before"] if proof.is_reached(probe)}
    wrong = [probe for probe in run["probes_after"] if probe["verdict"] not in _ANSWERS and (proof.is_reached(probe) or probe["name"] in known)]
    return "; ".join(messages.LUN_FAILS.format(image=probe["name"], verdict=probe["verdict"], reason=probe["reason"]) for probe in wrong)


def blocklist_is_changed(run: Run) -> str:
    """Returns that an entry that the run touched is not as it was before, and that nothing explains it."""
    if run["check_mode"] or "after" not in run["restored"]:
        return ""
    before, after = run["listed"]["after"], run["restored"]["after"]
    touched = [*run["fenced"].get("added", []), *run["fenced"].get("extended", [])]
    wrong = [client for client in touched if (client in before) != (client in after) and client not in _explained(run["fenced"], run["restored"])]
    return "; ".join((messages.ENTRY_LEFT if client in after else messages.ENTRY_LOST).format(client=client) for client in wrong)


def _explained(fenced: Change, restored: Change) -> set[str]:
    """Returns the entries that stay under a lease, that others made, or that ended while they were extended."""
    ended = {*restored["removed"]} if fenced.get("failed") else {*restored["removed"]} & {*fenced.get("extended", [])}
    return {*(kept["address"] for kept in restored["kept"]), *restored["foreign"], *ended}


def kernels_are_changed(undone: t.Sequence[Result]) -> str:
    """Returns that debug messages that the run switched on are still on. ``undone``: the results of the loops that switch them off."""
    wrong = [one for one in undone if one.get("failed") or one.get("unreachable")]
    return "; ".join(messages.DEBUG_LEFT.format(host=one["item"]["item"], reason=_why(one)) for one in wrong)


def failure(task: str, result: Result) -> str:
    """Returns the message of a failed task, or those of its items that failed."""
    failed = [one for one in result.get("results", [result]) if one.get("failed")]
    return f"{task}: {'; '.join(map(_why, failed))}"


def _why(result: Result) -> str:
    return str(result.get("msg", messages.NO_REASON))

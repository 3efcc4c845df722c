# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a run must not go on after a phase: a sentence for each reason, '' where there is none. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import proof
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Change, Image, Probe, Run, Watcher

# A lock that is left is seen to by itself.
_WELL = ("normal", "locked")
_ANSWERS = ("healthy", "slow", "conflict")
Result = t.Mapping[str, t.Any]


def lun_is_not_probed(run: Run, images: t.Collection[str], probes: t.Sequence[Probe]) -> str:
    """A host that is to probe a LUN which the operator names cannot be reached."""
    done, asked = {probe["name"] for probe in probes}, run["settings"]
    hosts = [lun.get("host") or asked["prober"] for lun in asked["luns"] if lun["image"] in images and lun["image"] not in done]
    names = ", ".join(dict.fromkeys(hosts))
    return f"The host {names}, which is to probe the LUNs, cannot be reached; see remediate_watchers_probe_host." if hosts else ""


def lun_is_out_of_reach(run: Run) -> str:
    """Nothing could be proven afterwards, and most likely an address is wrong. One that the role found by itself and cannot reach is told at the end."""
    named = [lun["image"] for lun in run["settings"]["luns"]]
    wrong = [probe for probe in run["probes_before"] if probe["name"] in run["healing"] and probe["name"] in named and not proof.is_reached(probe)]
    return "; ".join(
        f"{where(probe)} cannot be probed: {probe['reason']}. Nothing was fenced. "
        f"Correct the entry of {probe['name']} in remediate_watchers_luns, or make one. "
        "To heal without proof, leave it out, and set remediate_watchers_find_luns to false; a client that might be alive must then be named in "
        "remediate_watchers_evict."
        for probe in wrong
    )


def watchers_are_wrong(run: Run) -> str:
    """A watcher is still silent or surplus, or an image that was healed has none. What living clients contest is left to the operator."""
    contested = {image["spec"] for image in run["detected"].get("images", []) if image["state"] == "contested"}
    still = [image for image in run["verified"].get("images", []) if image["state"] == "contested" and image["spec"] in contested]
    wrong = [f"{image['spec']} is {image['state']}" for image in run["verified"].get("images", []) if image["state"] not in _WELL and image not in still]
    bare = [image["spec"] for image in run["verified"].get("images", []) if image["spec"] in run["serving"] and not _clients(image)]
    wrong += [f"{spec} has no watcher, so no client serves it" for spec in bare]
    wrong += [f"the lock of {spec} is still that of {owner['address']}, and {owner['reasons'][0]}" for spec, owner in _still_locked(run)]
    return f"{'; '.join(wrong)}: timed out after {run['settings']['gone_timeout']} s" if wrong else ""


def _still_locked(run: Run) -> list[tuple[str, Watcher]]:
    """The owners whose lock was to be broken, and that might be alive by now."""
    meant = {(image["spec"], one["address"]) for image in run["detected"].get("images", []) for one in image.get("owner", []) if one["verdict"] == "fence"}
    owners = [(image["spec"], one) for image in run["verified"].get("images", []) for one in image.get("owner", [])]
    return [(spec, one) for spec, one in owners if (spec, one["address"]) in meant and one["verdict"] != "fence"]


def _clients(image: Image) -> list[Watcher]:
    """Its watchers without Ceph's own daemons."""
    return [watcher for watcher in image["watchers"] if not watcher.get("daemon")]


def lun_does_not_answer(run: Run) -> str:
    """A LUN that another initiator holds by now answers; so does a slow one. One that was never reached proves nothing, which the outcome says."""
    known = {probe["name"] for probe in run["probes_before"] if proof.is_reached(probe)}
    wrong = [probe for probe in run["probes_after"] if probe["verdict"] not in _ANSWERS and (proof.is_reached(probe) or probe["name"] in known)]
    return "; ".join(f"The LUN of {probe['name']} is {probe['verdict']} although its watchers are as they should be: {probe['reason']}" for probe in wrong)


def blocklist_is_changed(run: Run) -> str:
    """An entry that the run touched is not as it was before, and nothing explains it."""
    if run["check_mode"] or "after" not in run["restored"]:
        return ""
    before, after = run["listed"]["after"], run["restored"]["after"]
    touched = [*run["fenced"].get("added", []), *run["fenced"].get("extended", [])]
    wrong = [client for client in touched if (client in before) != (client in after) and client not in _explained(run["fenced"], run["restored"])]
    return "; ".join(
        f"{client} is {'still' if client in after else 'no longer'} on the blacklist, and nothing asks for that; see 'ceph osd blocklist ls' "
        "and put it right by hand."
        for client in wrong
    )


def _explained(fenced: Change, restored: Change) -> set[str]:
    """Entries that stay under a lease, are somebody else's, or ended while they were extended."""
    ended = {*restored["removed"]} if fenced.get("failed") else {*restored["removed"]} & {*fenced.get("extended", [])}
    return {*(kept["address"] for kept in restored["kept"]), *restored["foreign"], *ended}


def kernels_are_changed(undone: t.Sequence[Result]) -> str:
    """Debug messages that the run switched on could not be switched off. ``undone``: the results of the loops that did so."""
    wrong = [one for one in undone if one.get("failed") or one.get("unreachable")]
    return "; ".join(
        f"The debug messages of {one['item']['item']} could not be put back ({one.get('msg', 'no reason given')}); do so by hand, with the modules "
        "dynamic_debug and scst_trace_level."
        for one in wrong
    )


def failure(task: str, result: Result) -> str:
    """What a failed task said, or those of its items that failed."""
    failed = [one for one in result.get("results", [result]) if one.get("failed")]
    return f"{task}: {'; '.join(str(one.get('msg', 'it gave no reason')) for one in failed)}"

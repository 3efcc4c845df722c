# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the result of a run in words, for a person. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STALE
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count, short
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.fenced_living import in_words
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import ImageResult, InFlight, KernelEvent, Probe, Result, Stray

# More lines would not be read on a screen; the result and the report have them all.
SHOWN = 20


def lines(summed: Result) -> list[str]:
    """Returns the result for a person, one fact a line."""
    found = [f"{_headline(summed)}, looked at {count(summed['counts']['images'], 'image')} in {summed['seconds']} s"]
    found += [f"error: {summed['error']}"] if summed["error"] else []
    found += [f"not seen (images: {summed['counts']['unseen']}): {gap}" for gap in summed["incomplete"]]
    found += [f"leases not read: {gap}" for gap in summed["unread"]]
    found += short([f"left over: {_stray(stray)}" for stray in summed["strays"]], "watched headers that belong to no image")
    for image in summed["images"][:SHOWN]:
        found += _image_lines(image, summed)
    if len(summed["images"]) > SHOWN:
        found.append(f"... and {len(summed['images']) - SHOWN} more images, all in the variable remediate_watchers_result and in the report")
    found += short([f"blocklist: {kept['address']} stays until {kept['until']}: {kept['reason']}" for kept in summed["kept"]], "that stay")
    found += _blocklist_lines(summed)
    found += short([f"blocklist: {in_words(one)}" for one in summed["fenced_living"]], "that are alive and fenced")
    found += [f"gateway {one['host']} did not tell all its LUNs: {one['why']}" for one in summed["unasked"]]
    found += [f"kernel of {said['host']}: {said['text']} (for {said['seconds']} s)" for said in summed["lock_waits"]]
    found += [f"kernel of {log['host']}: {log['gap']}" for log in summed["kernel_log"] if log["gap"]]
    found += short([_event(log["host"], event) for log in summed["kernel_log"] for event in log["events"]], "kernel events")
    found += [f"blocklist: {client} was fenced meanwhile, not by this run; its entry was left alone" for client in summed["foreign"]]
    found += [f"{one['spec']}: not freed; still responding: {', '.join(one['clients'])}" for one in summed["in_use"]]
    found += [f"{one['address']} responds on {', '.join(one['images'])}, although its host is given as dead" for one in summed["revived"]]
    return [*found, *_next_lines(summed)]


def _headline(summed: Result) -> str:
    """Returns the outcome, with the numbers where some images were healed and others were refused."""
    both = summed["outcome"] == "partly_healed"
    return f"partly_healed (images: {summed['healed']} healed, {summed['refused']} refused)" if both else summed["outcome"]


def _next_lines(summed: Result) -> list[str]:
    """Returns the advice and, unless that covers the only open item, each open item with its own next step."""
    items = summed["unfinished"]
    told = [item["next"] for item in items] in ([], [summed["advice"]])
    own = [] if told else short([f"open: {item['what']}; next: {item['next']}" for item in items], "open items")
    return [*own, f"next: {summed['advice']}"]


def _stray(stray: Stray) -> str:
    where = "/".join(part for part in (stray["pool"], stray["namespace"], stray["header"]) if part)
    who = ", ".join(watcher["address"] for watcher in stray["watchers"])
    return f"{where} is watched by {who} and belongs to no image: check whether an interrupted removal left it"


def _image_lines(image: ImageResult, summed: Result) -> list[str]:
    stale = [watcher for watcher in image["watchers_before"] if watcher["liveness"] in STALE or watcher["verdict"] == "fence"]
    refused = "refused, " if image["decision"] == "refuse" else ""
    lines = [f"{image['spec']}: {refused}{image['state']}, {'; '.join(image['reasons'])}"]
    lines += [f"{image['spec']}: {watcher['address']} is {watcher['liveness']}: {watcher['reasons'][0]}" for watcher in stale]
    lines += [
        f"{image['spec']}: fenced {_silent(watcher['address'], summed)}" for watcher in image["watchers_before"] if watcher["address"] in summed["fenced"]
    ]
    lines += [f"{image['spec']}: broke the lock of {image['lock_before']}"] if image["unlocked"] else []
    if image["state_after"]:
        lines.append(f"{image['spec']}: watchers {len(image['watchers_before'])} -> {len(image['watchers_after'])}, {image['state']} -> {image['state_after']}")
    lines += [f"{image['spec']}: {_in_flight(flying)}" for flying in summed["in_flight"] if flying["image"] == image["spec"]]
    lines += [f"{image['spec']}: {words}" for words in _breaks(image)]
    lines += [f"{image['spec']}: {_lun_text(lun['before'], lun['after'])}" for lun in image["luns"]]
    lines += [f"{image['spec']}: tried {tried}" for lun in image["luns"] for tried in (lun["after"] or lun["before"]).get("tried", [])]
    if image["state_after"] and advice.is_to_heal(image):
        lines.append(f"{image['spec']}: {image['proven']}")
    return lines


def _breaks(image: ImageResult) -> list[str]:
    """Returns what gateways of ceph-iscsi would do with the lock of a dead client."""
    dead = any(one["address"] == image["lock_before"] and one["liveness"] in STALE for one in image["watchers_before"])
    words = "would itself break the lock of {} at its next write, and blocklist that client"
    return [f"gateway {gateway} {words.format(image['lock_before'])}" for gateway in image["lock_breakers"] if dead]


def _in_flight(flying: InFlight) -> str:
    """Returns what hung before the fence, on the device behind the LUN."""
    return f"gateway {flying['host']} had {flying['writes']} writes and {flying['reads']} reads in flight; none ended within {flying['still_for']} s"


def _silent(client: str, summed: Result) -> str:
    """Returns the client and, if it might have been alive, for how long it was silent directly before its fence."""
    hung = [culprit for culprit in summed["culprits"] if culprit["address"] == client and not culprit["gone_since"]]
    missed = [one["seconds"] for culprit in hung for one in culprit.get("missed", [])[1:]]
    return f"{client}, silent for {missed[-1]:.0f} s in the last notify" if missed else client


def _event(host: str, event: KernelEvent) -> str:
    who = " ".join(event[name] for name in ("initiator", "device", "disk") if event[name])
    holders = f", {event['old_holder'] or 'none'} -> {event['holder'] or 'none'}" if event["old_holder"] or event["holder"] else ""
    return f"kernel of {host} at {float(event['seconds']):.3f} s: {event['stack']} {event['kind']} {who}{holders}"


def _lun_text(before: Probe, after: Probe) -> str:
    which = (before or after).get("device") or f"LUN {(before or after)['lun']}"
    return f"{which} {_probe_text(before)} -> {_probe_text(after)}" if before else f"{which} {_probe_text(after)}"


def _probe_text(probe: Probe) -> str:
    if not probe:
        return "not probed"
    if probe["verdict"] != "healthy":
        holder = f"; its holder is {probe['holder']}" if probe.get("holder") else ""
        return f"{probe['verdict']} ({probe['reason']}{holder})"
    slowest = max(probe["steps"], key=lambda step: step["seconds"])
    notes = probe["reason"].partition("; ")[2]
    return f"{probe['verdict']} (longest step {slowest['name']}, {slowest['seconds']:.2f} s{'; ' * bool(notes)}{notes})"


def _blocklist_lines(summed: Result) -> list[str]:
    before, after = summed["blacklist_before"], summed["blacklist_after"]
    if before is None:
        return []
    if after is None:
        return ["blocklist: not read at the end"]
    if before.keys() == after.keys():
        return [f"blocklist: {len(after)} entries, the same as before"]
    own, would = touched(summed), "would be " if summed["check_mode"] else ""
    came, went = after.keys() - before.keys(), before.keys() - after.keys()
    mine = ((f"{would}added", came & own), (f"{would}removed", went & own))
    others = (("expired meanwhile, or not removed by this run:", went - own),)
    lines = [f"blocklist: {word} {', '.join(short(sorted(clients), 'clients'))}" for word, clients in (*mine, *others) if clients]
    lines += [f"blocklist: {entry['address']} was added meanwhile, not by this run: {entry['whose']}" for entry in summed["came"]]
    return lines if (came | went | after.keys()) & own else ["blocklist: no entry of this run is left", *lines]


def touched(summed: Result) -> set[str]:
    """Returns the addresses whose entries were added, changed or removed by this run, or by an earlier one that it continues."""
    if summed["check_mode"]:
        # The list as it would be has no changes of others.
        return {*(summed["blacklist_before"] or ()), *(summed["blacklist_after"] or ())}
    tried = [culprit["address"] for culprit in summed["culprits"] if summed["fence_failed"]]
    return {*summed["fenced"], *summed["restored"], *summed["fenced_again"], *(kept["address"] for kept in summed["kept"]), *tried}

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of the role came to: from what its tasks returned to one result, and that result in words."""

from __future__ import annotations

import typing as t

Data = t.Mapping[str, t.Any]

# More than this nobody reads on a screen; the result, and the report, have them all.
SHOWN = 20

_NEXT = {
    "nothing_to_do": "If a LUN hangs all the same, the cause is not a stale watcher: look at the target, the network and 'ceph -s'.",
    "healed": "Rescan the LUN on the initiators that had lost it.",
    "healed_restore_pending": "End the client named above, then run this again, or cephops.iscsi_rescue.restore_blacklist: that removes its entry.",
    "refused": "Read the reasons: end the surplus client by hand, or raise remediate_watchers_expected if it is there by right.",
    "would_heal": "Run it without check mode to do so.",
    "failed": "What was fenced and whose client is gone was let in again. Read the error. An image that is normal by now is not looked at closer "
    "by a second run, so probe its LUN yourself, with the module scsi_reserve_probe.",
    "fences open": "Clients may still be fenced under leases. Read the error, then run this again, which goes on from there.",
}


def result(run: Data, tasks: Data) -> dict[str, t.Any]:
    """The run's result.

    ``run``: ``id``, ``began`` and ``ended`` (seconds since the epoch), ``error`` (empty when none), ``check_mode``, ``restore``.
    ``tasks``: what the tasks ``listed`` (the blacklist at first), ``detected``, ``fenced``, ``verified``, ``restored``, and then
    ``refenced`` and ``kept_out`` (for who came back) returned, {} or skipped for one that did not run; the lists ``probes_before`` and ``probes_after``;
    and ``continued``, the images of open leases.
    """
    tasks = {name: {} if isinstance(task, t.Mapping) and task.get("skipped") else task for name, task in tasks.items()}
    detected, fenced, restored = tasks["detected"], tasks["fenced"], tasks["restored"]
    images = [_image(image, tasks) for image in detected["images"] if image["decision"] != "leave"]
    images += [_image(image, tasks) for image in _continued(tasks, [image["spec"] for image in images])]
    summed = {
        "run": run["id"],
        "check_mode": run["check_mode"],
        # A template hands numbers over as text up to ansible-core 2.18.
        "seconds": round(float(run["ended"]) - float(run["began"]), 1),
        "error": run["error"],
        "images": images,
        "culprits": detected["culprits"],
        "counts": detected["counts"],
        "incomplete": detected.get("incomplete", []),
        "unread": (restored or tasks["listed"]).get("unread", []),
        "strays": detected.get("strays", []),
        "fenced": [] if run["check_mode"] else _fenced(fenced),
        "restored": [] if run["check_mode"] else _let_in(restored),
        "kernel_log": tasks.get("kernel_log", []),
        "kept": (tasks["kept_out"] or restored).get("kept", []),
        "foreign": restored.get("foreign", []),
        # Restoring was due and did not come to an end.
        "unsettled": bool(run["error"]) and ("after" not in restored or bool(restored["unread"])) and bool(fenced or tasks["listed"].get("leases")),
        "blacklist_before": tasks["listed"].get("after"),
        "blacklist_after": _blacklist_after(run, tasks),
    }
    return {"outcome": _outcome(run, tasks, summed), **summed}


def _blacklist_after(run: Data, tasks: Data) -> dict[str, str] | None:
    """As the last task left it; in check mode nothing was done in between, so all that would be done is put together."""
    last = tasks["refenced"] or tasks["restored"] or tasks["fenced"] or tasks["listed"]
    if not run["check_mode"] or not tasks["fenced"]:
        return last.get("after")
    gone = tasks["restored"].get("removed", [])
    return {client: until for client, until in tasks["fenced"]["after"].items() if client not in gone}


def _fenced(task: Data) -> list[str]:
    return [*task.get("added", []), *task.get("extended", [])]


def _let_in(task: Data) -> list[str]:
    return [*task.get("removed", []), *task.get("reset", [])]


def _continued(tasks: Data, shown: t.Sequence[str]) -> list[Data]:
    """The images that an earlier run began with, as this run found them."""
    left = [image for image in tasks["verified"].get("images", []) if image["spec"] in tasks["continued"] and image["spec"] not in shown]
    return [{**image, "decision": "continue", "reasons": ["an earlier run fenced a client of it, and this one went on from there"]} for image in left]


def _outcome(run: Data, tasks: Data, summed: Data) -> str:
    if run["error"]:
        return "failed"
    if summed["incomplete"] or summed["unread"] or any(image["decision"] == "refuse" for image in summed["images"]):
        return "refused"
    changes = _fenced(tasks["fenced"]) + tasks["restored"].get("closed", [])
    if run["check_mode"] and changes:
        return "would_heal"
    if summed["kept"]:
        return "healed_restore_pending"
    return "healed" if changes else "nothing_to_do"


def _image(image: Data, tasks: Data) -> dict[str, t.Any]:
    verified = {found["spec"]: found for found in tasks["verified"].get("images", [])}
    after = verified.get(image["spec"], {})
    return {
        "spec": image["spec"],
        "header": image["header"],
        "state": image["state"],
        "decision": image["decision"],
        "reasons": image["reasons"],
        "watchers_before": image["watchers"],
        "watchers_after": after.get("watchers", []),
        "state_after": after.get("state", ""),
        "lun_before": _probe(image["spec"], tasks["probes_before"]),
        "lun_after": _probe(image["spec"], tasks["probes_after"]),
    }


def _probe(spec: str, probes: t.Sequence[Data]) -> dict[str, t.Any]:
    """The first probe of the image's LUN; {} when there was none."""
    return next((dict(probe) for probe in probes if probe["name"] == spec), {})


def confirmed(first: Data, second: Data) -> dict[str, t.Any]:
    """What both looks agree on: an image that the second one does not want healed is as the second one found it, and so are its clients."""
    again = {image["spec"]: image for image in second["images"]}
    images = [_of_both(image, again) if image["decision"] == "fence" else image for image in first["images"]]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    blamed = {culprit["address"]: culprit for culprit in second["culprits"] if culprit["verdict"] == "fence"}
    culprits = [_still(culprit, blamed, healable) for culprit in first["culprits"]]
    return {**first, "images": images, "culprits": culprits}


def _of_both(image: Data, again: t.Mapping[str, Data]) -> Data:
    found = again.get(image["spec"])
    if found is None:
        return {**image, "decision": "leave", "reasons": [*image["reasons"], "when asked again, it was not there any more"]}
    stale = [sorted(watcher["address"] for watcher in one["watchers"] if watcher["verdict"] == "fence") for one in (image, found)]
    if found["decision"] != "fence":
        return {**found, "reasons": [*found["reasons"], f"when asked for the second time; it had been {image['state']} before"]}
    if stale[0] != stale[1]:
        return {**found, "decision": "refuse", "reasons": [*found["reasons"], "two looks do not agree on who is stale: look again"]}
    return image


def _still(culprit: Data, blamed: t.Mapping[str, Data], healable: t.Collection[str]) -> Data:
    if culprit["verdict"] == "fence" and culprit["address"] in blamed and any(spec in healable for spec in culprit["images"]):
        # What it was not found gone from in the second look, it is not gone from.
        since = culprit["gone_since"] if blamed[culprit["address"]]["gone_since"] else 0.0
        return {**culprit, "gone_since": since}
    return {**culprit, "verdict": "spare"}


def owed(leases: t.Sequence[Data], images: t.Sequence[str]) -> list[str]:
    """The addresses that open leases fence for any of these images."""
    return [lease["address"] for lease in leases if set(lease["images"]) & set(images)]


def plan(detected: Data) -> list[str]:
    """What is going to be done and what is not, one line each, with the evidence."""
    fence = [f"fence {one['address']} ({one['client']}): {'; '.join(one['reasons'])}" for one in detected["culprits"] if one["verdict"] == "fence"]
    refuse = [f"refuse {one['spec']} ({one['state']}): {'; '.join(one['reasons'])}" for one in detected["images"] if one["decision"] == "refuse"]
    return _short(fence, "clients") + _short(refuse, "images") + [f"refuse what was not seen: {gap}" for gap in detected.get("incomplete", [])]


def _short(lines: t.Sequence[str], what: str) -> list[str]:
    rest = len(lines) - SHOWN
    return list(lines) if rest <= 0 else [*lines[:SHOWN], f"... and {rest} more {what}"]


def summary(summed: Data) -> list[str]:
    """The result for a person, a line a fact."""
    count = summed["counts"]["images"]
    lines = [f"{summed['outcome']}, looked at {count} image{'s' * (count != 1)} in {summed['seconds']} s"]
    lines += [f"error: {summed['error']}"] if summed["error"] else []
    lines += [f"not seen ({summed['counts']['unseen']} images): {gap}" for gap in summed["incomplete"]]
    lines += [f"leases not read: {gap}" for gap in summed["unread"]]
    lines += _short([f"left over: {_stray(stray)}" for stray in summed["strays"]], "watched headers that belong to no image")
    for image in summed["images"][:SHOWN]:
        lines += _image_lines(image, summed)
    if len(summed["images"]) > SHOWN:
        lines.append(f"... and {len(summed['images']) - SHOWN} more images, all in the fact remediate_watchers_result and in the report")
    lines += _short([f"blacklist: {kept['address']} stays until {kept['until']}: {kept['reason']}" for kept in summed["kept"]], "that stay")
    lines += _blacklist_lines(summed)
    lines += [f"kernel of {log['host']}: {log['gap']}" for log in summed["kernel_log"] if log["gap"]]
    lines += _short([_event(log["host"], event) for log in summed["kernel_log"] for event in log["events"]], "kernel events")
    lines += [f"blacklist: somebody else fenced {client} meanwhile, and that was left alone" for client in summed["foreign"]]
    return [*lines, f"next: {_NEXT['fences open' if summed['unsettled'] else summed['outcome']]}"]


def _stray(stray: Data) -> str:
    where = "/".join(part for part in (stray["pool"], stray["namespace"], stray["header"]) if part)
    who = ", ".join(watcher["address"] for watcher in stray["watchers"])
    return f"{where} is watched by {who} and belongs to no image: see whether it is what an interrupted removal left"


def _image_lines(image: Data, summed: Data) -> list[str]:
    stale = [watcher for watcher in image["watchers_before"] if watcher["liveness"] in ("hung", "orphaned") or watcher["verdict"] == "fence"]
    refused = "refused, " if image["decision"] == "refuse" else ""
    lines = [f"{image['spec']}: {refused}{image['state']}, {'; '.join(image['reasons'])}"]
    lines += [f"{image['spec']}: {watcher['address']} is {watcher['liveness']}: {watcher['reasons'][0]}" for watcher in stale]
    lines += [f"{image['spec']}: fenced {watcher['address']}" for watcher in stale if watcher["address"] in summed["fenced"]]
    if image["state_after"]:
        lines.append(f"{image['spec']}: watchers {len(image['watchers_before'])} -> {len(image['watchers_after'])}, {image['state']} -> {image['state_after']}")
    if image["lun_before"]:
        lines.append(f"{image['spec']}: {_lun(image['lun_before'])} {_probe_text(image['lun_before'])} -> {_probe_text(image['lun_after'])}")
    elif image["lun_after"]:
        lines.append(f"{image['spec']}: {_lun(image['lun_after'])} {_probe_text(image['lun_after'])}")
    elif image["decision"] in ("fence", "continue"):
        lines.append(
            f"{image['spec']}: no LUN of it is known, by remediate_watchers_luns or the gateways, so none was probed: only the watchers tell that it is healed"
        )
    return lines


def _event(host: str, event: Data) -> str:
    who = " ".join(event[name] for name in ("initiator", "device", "disk") if event[name])
    holders = f", {event['old_holder'] or 'nobody'} -> {event['holder'] or 'nobody'}" if event["old_holder"] or event["holder"] else ""
    return f"kernel of {host} at {float(event['seconds']):.3f} s: {event['stack']} {event['kind']} {who}{holders}"


def _lun(probe: Data) -> str:
    return probe.get("device") or f"LUN {probe['lun']}"


def _probe_text(probe: Data) -> str:
    if not probe:
        return "not probed"
    if probe["verdict"] != "healthy":
        holder = f"; its holder is {probe['holder']}" if probe.get("holder") else ""
        return f"{probe['verdict']} ({probe['reason']}{holder})"
    slowest = max(probe["steps"], key=lambda step: step["seconds"])
    return f"{probe['verdict']} (longest step {slowest['name']}, {slowest['seconds']:.2f} s)"


def _blacklist_lines(summed: Data) -> list[str]:
    before, after = summed["blacklist_before"], summed["blacklist_after"]
    if before is None or after is None:
        return []
    if before.keys() == after.keys():
        return [f"blacklist: {len(after)} entries, the same as before"]
    would = "would be " if summed["check_mode"] else ""
    changes = (("added", after.keys() - before.keys()), ("removed", before.keys() - after.keys()))
    return [f"blacklist: {would}{word} {', '.join(_short(sorted(clients), 'clients'))}" for word, clients in changes if clients]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of the role came to: from what its tasks returned to one result. Pure."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import commands_by_hand, timeline
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import unasked

Data = t.Mapping[str, t.Any]


def result(run: Data, tasks: Data) -> dict[str, t.Any]:
    """The run's result.

    ``run``: ``id``, ``began`` and ``ended`` (seconds since the epoch), ``error`` (empty when none), ``check_mode``, ``expire`` (seconds), and ``connection``
    and ``trace`` (see commands_by_hand.by_hand).
    ``tasks``: what the tasks ``listed`` (the blacklist at first), ``detected``, ``fenced``, ``verified``, ``restored``, and then
    ``refenced`` and ``kept_out`` (for who came back) returned, {} or skipped for one that did not run; the lists ``probes_before`` and ``probes_after``;
    ``afterwards`` (the last look); ``lun_maps``, what the gateways told; ``times`` (see timeline); and ``continued``, the images of open leases.
    """
    tasks = {name: {} if isinstance(task, t.Mapping) and task.get("skipped") else task for name, task in tasks.items()}
    detected, fenced, restored = tasks["detected"], tasks["fenced"], tasks["restored"]
    # What was stale at first and is no longer was found all the same.
    images = [_image(image, tasks) for image in detected["images"] if image["decision"] != "leave" or "first" in image]
    images += [_image(image, tasks) for image in _continued(tasks, [image["spec"] for image in images])]
    summed = {
        "run": run["id"],
        "check_mode": run["check_mode"],
        # A template hands numbers over as text up to ansible-core 2.18.
        "seconds": round(float(run["ended"]) - float(run["began"]), 1),
        "began": _utc(run["began"]),
        "ended": _utc(run["ended"]),
        "error": run["error"],
        "expire": run["expire"],
        "timeline": timeline.timeline(run, tasks),
        "images": images,
        "culprits": detected["culprits"],
        "counts": detected["counts"],
        "incomplete": list(dict.fromkeys([*detected.get("incomplete", []), *tasks.get("afterwards", {}).get("incomplete", [])])),
        "unread": (restored or tasks["listed"]).get("unread", []),
        "strays": detected.get("strays", []),
        # How the cluster spells it.
        "word": tasks["listed"].get("word", "blocklist"),
        # What came of it is not known then.
        "fence_failed": bool(fenced.get("failed")),
        "fenced": [] if run["check_mode"] else _fenced(fenced),
        "extended": [] if run["check_mode"] else fenced.get("extended", []),
        "restored": [] if run["check_mode"] else _let_in(restored),
        "reset": [] if run["check_mode"] else restored.get("reset", []),
        "fenced_again": tasks["refenced"].get("added", []),
        "kernel_log": tasks.get("kernel_log", []),
        "unasked": unasked(tasks.get("lun_maps", [])),
        "kept": restored.get("kept", []) + tasks["kept_out"].get("kept", []) + _passed_over(tasks),
        # In check mode, one that would be extended has no lease yet.
        "foreign": [client for client in restored.get("foreign", []) if not (run["check_mode"] and client in fenced.get("extended", []))],
        # Restoring was due and did not come to an end.
        "unsettled": _unsettled(run, tasks),
        "blacklist_before": tasks["listed"].get("after"),
        "blacklist_during": tasks["listed"].get("after") if run["check_mode"] or not fenced else fenced.get("after"),
        "blacklist_after": _blacklist_after(run, tasks),
    }
    summed = {"outcome": _outcome(run, tasks, summed), **summed}
    told = {"advice": advice.advice(summed), "unfinished": advice.unfinished(summed)}
    return {**summed, **told, "by_hand": commands_by_hand.by_hand(summed, run["connection"], run.get("trace", {}))}


def _passed_over(tasks: Data) -> list[dict[str, str]]:
    """Leases for images that are refused, which restoring was not asked to look at; each as one that it kept."""
    refused = {image["spec"] for image in tasks["detected"]["images"] if image["decision"] == "refuse"}
    listed, restored = tasks["listed"], tasks["restored"]
    seen = {*restored.get("closed", []), *(kept["address"] for kept in restored.get("kept", []))}
    left = [lease for lease in listed.get("leases", []) if refused & set(lease["images"]) and lease["address"] not in seen]
    return [_kept(lease, listed["after"][lease["address"]]) for lease in left if lease["address"] in listed["after"]]


def _kept(lease: Data, until: str) -> dict[str, str]:
    reason = "an image that it was fenced for is refused, so this run did not see whether it may be let in: see to that image, then run this again"
    known = {"address": lease["address"], "pool": lease["pool"], "run": lease["run"], "fenced_for": lease["reason"]}
    return {**known, "host": "", "entity": "", "until": until, "reason": reason}


def _unsettled(run: Data, tasks: Data) -> bool:
    fenced, restored = tasks["fenced"], tasks["restored"]
    if not run["error"] or not (fenced or tasks["listed"].get("leases")):
        return False
    return "after" not in restored or bool(restored["unread"]) or bool(fenced.get("failed"))


def _blacklist_after(run: Data, tasks: Data) -> dict[str, str] | None:
    """As the last task left it; in check mode nothing was done in between, so all that would be done is put together."""
    last = tasks["refenced"] or tasks["restored"] or tasks["fenced"] or tasks["listed"]
    if not run["check_mode"] or not tasks["fenced"]:
        return last.get("after")
    gone = tasks["restored"].get("removed", [])
    return {client: until for client, until in tasks["fenced"]["after"].items() if client not in gone}


def _utc(seconds: t.Any) -> str:
    return datetime.fromtimestamp(float(seconds), timezone.utc).isoformat(timespec="seconds")


def _fenced(task: Data) -> list[str]:
    return [*task.get("added", []), *task.get("extended", [])]


def _let_in(task: Data) -> list[str]:
    return [*task.get("removed", []), *task.get("reset", [])]


def _continued(tasks: Data, shown: t.Sequence[str]) -> list[Data]:
    """The images that an earlier run began with. The first look has their watchers only where it was asked for them by name."""
    looked = {image["spec"]: image for image in tasks["detected"]["images"]}
    left = [image for image in tasks["verified"].get("images", []) if image["spec"] in tasks["continued"] and image["spec"] not in shown]
    found = [looked.get(image["spec"], {**image, "watchers": []}) for image in left]
    return [{**image, "decision": "continue", "reasons": ["an earlier run fenced a client of it, and this one went on from there"]} for image in found]


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
    before, after = (image["first"], image) if "first" in image else (image, verified.get(image["spec"], {}))
    last = {found["spec"]: found for found in tasks.get("afterwards", {}).get("images", [])}
    return {
        "spec": image["spec"],
        "header": image["header"],
        "state": before["state"],
        "decision": image["decision"],
        "reasons": image["reasons"],
        "watchers_before": before["watchers"],
        "watchers_after": after.get("watchers", []),
        "state_after": after.get("state", ""),
        "lock_before": timeline.lock_owner(before),
        "lock_after": timeline.lock_owner(last.get(image["spec"], after)),
        "luns": _luns(image["spec"], tasks),
    }


def _luns(spec: str, tasks: Data) -> list[dict[str, t.Any]]:
    """Each LUN of the image with its probes ``before`` and ``after``; {} for one that was not made."""
    probes = {when: {_where(probe): dict(probe) for probe in tasks[f"probes_{when}"] if probe["name"] == spec} for when in ("before", "after")}
    return [{when: found.get(where, {}) for when, found in probes.items()} for where in dict.fromkeys((*probes["before"], *probes["after"]))]


def _where(probe: Data) -> tuple[t.Any, ...]:
    return tuple(probe.get(name) for name in ("portal", "target", "lun", "device"))

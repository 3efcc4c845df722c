# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Concludes a run of the role: makes its result, with the outcome, of its state. Pure."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import short
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice, culprits, dead_hosts, evicted, fenced_living, freeing, messages, proof
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import (
    Change,
    Image,
    ImageResult,
    Kept,
    Lease,
    LunResult,
    NewEntry,
    Probe,
    Result,
    Run,
    Watcher,
)


def conclude(run: Run, ended: float) -> Result:
    """Returns the run's result without its timeline and the commands by hand. ``ended``: seconds since the epoch."""
    found = _found(run, ended)
    summed: Result = {**found, "outcome": _outcome(run, found)}
    left: Result = {**summed, "unfinished": advice.unfinished(summed)}
    return {**left, "advice": advice.next_step(left)}


def _found(run: Run, ended: float) -> Result:
    whole = {"run": run["id"], "check_mode": run["check_mode"], "seconds": round(ended - run["began"], 1), "began": _utc(run["began"]), "ended": _utc(ended)}
    told = {"error": run["error"], "expire": run["settings"]["expire"], "kernel_log": run["kernel_log"], "unasked": run["silent_gateways"]}
    hang = {"in_flight": run["in_flight"], "lock_waits": run["lock_waits"]}
    return t.cast(Result, {**whole, **told, **hang, **_seen(run), **_changed(run), **_blocklists(run), "unsettled": _unsettled(run)})


def _seen(run: Run) -> dict[str, t.Any]:
    detected = run["detected"]
    images = [_image(image, run) for image in detected["images"] if image["decision"] != "leave"]
    images += [_image(image, run) for image in _continued(run, [image["spec"] for image in images])]
    healed = [] if run["check_mode"] or run["error"] else sorted({image["spec"] for image in images} & _healed(run))
    return {
        "images": images,
        "healed": len(healed),
        "healed_images": healed,
        "refused": sum(map(advice.is_left, images)),
        "culprits": detected["culprits"],
        "counts": detected["counts"],
        "incomplete": list(dict.fromkeys([*detected.get("incomplete", []), *run["afterwards"].get("incomplete", [])])),
        "strays": detected.get("strays", []),
    }


def _changed(run: Run) -> dict[str, t.Any]:
    fenced, restored = run["fenced"], run["restored"]
    done: Change = {} if run["check_mode"] else fenced
    undone: Change = {} if run["check_mode"] else restored
    return {
        # Then it is not known which entries were made.
        "fence_failed": bool(fenced.get("failed")),
        "fenced": [] if fenced.get("failed") else _fenced(done),
        "extended": done.get("extended", []),
        "restored": [*undone.get("removed", []), *undone.get("reset", [])],
        "reset": undone.get("reset", []),
        "spared": fenced.get("spared", []),
        "in_use": freeing.in_use(run["settings"]["free"], run["detected"]["images"]),
        "revived": dead_hosts.revived(run["detected"]["images"]),
        "without_effect": evicted.without_effect(run["settings"]["evict"], run["detected"], _fenced(fenced)),
        "fenced_living": fenced_living.told(run["listed"], run["settings"]["gateways"], _told_of(run)),
        "fenced_again": run["refenced"].get("added", []),
        "kept": [*restored.get("kept", []), *run["kept_out"].get("kept", []), *_passed_over(run)],
        # In check mode, one that would be extended has no lease yet.
        "foreign": [client for client in restored.get("foreign", []) if not (run["check_mode"] and client in fenced.get("extended", []))],
    }


def _blocklists(run: Run) -> dict[str, t.Any]:
    listed, fenced = run["listed"], run["fenced"]
    return {
        # How the cluster spells it.
        "word": listed.get("word", "blocklist"),
        "unread": (run["restored"] or listed).get("unread", []),
        "blacklist_before": listed.get("after"),
        "blacklist_during": listed.get("after") if run["check_mode"] or not fenced else fenced.get("after"),
        "blacklist_after": _blacklist_after(run),
        "came": _came(run),
        "lapsed": _lapsed(run),
    }


def _told_of(run: Run) -> list[str]:
    """Returns the entries that this run removed, or that it says the reason of."""
    restored = run["restored"]
    return [*restored.get("removed", []), *restored.get("reset", []), *(one["address"] for one in [*restored.get("kept", []), *_passed_over(run)])]


def _passed_over(run: Run) -> list[Kept]:
    """Returns the leases for images that are refused, each as a kept one: the run did not ask to restore them."""
    refused = {image["spec"] for image in run["detected"]["images"] if image["decision"] == "refuse"}
    listed, restored = run["listed"], run["restored"]
    seen = {*restored.get("closed", []), *(kept["address"] for kept in restored.get("kept", []))}
    left = [lease for lease in listed.get("leases", []) if refused & set(lease["images"]) and lease["address"] not in seen]
    return [_kept(lease, listed["after"][lease["address"]]) for lease in left if lease["address"] in listed["after"]]


def _kept(lease: Lease, until: str) -> Kept:
    known: t.Any = {"address": lease["address"], "pool": lease["pool"], "run": lease["run"], "fenced_for": lease["reason"]}
    return t.cast(Kept, {**known, "host": "", "entity": "", "until": until, "reason": messages.PASSED_OVER})


def _unsettled(run: Run) -> bool:
    fenced, restored = run["fenced"], run["restored"]
    if run["refenced"].get("failed"):
        return True
    if not run["error"] or not (fenced or run["listed"].get("leases")):
        return False
    return "after" not in restored or bool(restored["unread"]) or bool(fenced.get("failed"))


def _blacklist_after(run: Run) -> dict[str, str] | None:
    """Returns the blocklist at the end, None if it was not read. In check mode nothing was done, so it is what would be left."""
    last = run["listed_after"].get("after")
    if not run["check_mode"] or not run["fenced"] or last is None:
        return last
    gone = run["restored"].get("removed", [])
    return {client: until for client, until in {**run["fenced"].get("after", {}), **last}.items() if client not in gone}


def _came(run: Run) -> list[NewEntry]:
    """Returns the entries that were not there at first, and that this run did not make."""
    own = {*_fenced(run["fenced"]), *_fenced(run["refenced"])}
    new = sorted(run["listed_after"].get("after", {}).keys() - run["listed"].get("after", {}).keys() - own)
    return [{"address": client, "whose": _whose(run, client)} for client in new]


def _lapsed(run: Run) -> list[Lease]:
    """Returns the leases whose entry was removed before it expired, as rbd-target-api does when it starts (measured with ceph-iscsi 3.5)."""
    listed = run["listed"]
    return [lease for lease in listed.get("leases", []) if lease["address"] not in listed["after"] and _lasts(lease, run["began"])]


def _lasts(lease: Lease, now: float) -> bool:
    """Returns whether the lease's entry would still be there. An entry without an end was perhaps never made."""
    return bool(lease.get("until")) and lease["added"] + lease["expire"] > now


def _whose(run: Run, client: str) -> str:
    looks = (run["detected"], run["verified"], run["afterwards"])
    images = [image["spec"] for look in looks for image in look.get("images", []) if any(one["address"] == client for one in image["watchers"])]
    if not images:
        return messages.OF_OTHERS
    return messages.OF_GATEWAY.format(image=images[0])


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _fenced(change: Change) -> list[str]:
    return [*change.get("added", []), *change.get("extended", [])]


def _continued(run: Run, shown: t.Sequence[str]) -> list[Image]:
    """Returns the images that an earlier run began with. The first look has the watchers only of images that it was asked for by name."""
    looked = {image["spec"]: image for image in run["detected"]["images"]}
    left = [image for image in run["verified"].get("images", []) if image["spec"] in run["continued"] and image["spec"] not in shown]
    found = [looked.get(image["spec"], t.cast(Image, {**image, "watchers": []})) for image in left]
    return [t.cast(Image, {**image, "decision": "continue", "reasons": [messages.CONTINUED]}) for image in found]


def _healed(run: Run) -> set[str]:
    """Returns the images of which a client was fenced, the lock was broken, or a lease ended."""
    fenced, closed = {*_fenced(run["fenced"])}, {*run["restored"].get("closed", [])}
    now = [spec for culprit in run["detected"].get("culprits", []) if culprit["address"] in fenced for spec in culprit["images"]]
    earlier = [spec for lease in run["listed"].get("leases", []) if lease["address"] in closed for spec in lease["images"]]
    return {*now, *earlier, *run["unlocked"].get("broken", [])} & {*run["verifying"]}


def _outcome(run: Run, found: Result) -> str:
    if run["error"]:
        return "failed"
    if found["incomplete"] or found["unread"] or found["refused"]:
        return "partly_healed" if found["healed"] else "refused"
    changes = _fenced(run["fenced"]) + run["restored"].get("closed", []) + _unlocked(run)
    if run["check_mode"] and changes:
        return "would_heal"
    if any(image["unreached"] for image in found["images"]) and (changes or found["kept"]):
        return "healed_unproven"
    if found["kept"]:
        return "healed_restore_pending"
    return "healed" if changes else "nothing_to_do"


def _unlocked(run: Run) -> list[str]:
    """Returns the images whose lock was broken, or in check mode would be."""
    if not run["check_mode"]:
        return run["unlocked"].get("broken", [])
    gone = run["fenced"].get("vanished", [])
    owners = ((image["spec"], one) for image in run["detected"]["images"] for one in image.get("owner", []))
    return [spec for spec, one in owners if one["verdict"] == "fence" and one["address"] not in gone]


def failure(result: Result, when_refused: bool, when_sick: bool, when_unproven: bool) -> str:
    """Returns why the play fails, '' if it succeeds. What is refused, not proven, or would be healed counts only if the option for it is set."""
    outcome = result["outcome"]
    unproven = when_unproven and any(image["unreached"] for image in result["images"])
    refused = when_refused or (when_sick and bool(advice.would_heal(result)))
    fails = {"failed": True, "refused": refused, "partly_healed": when_refused or unproven, "would_heal": when_sick, "healed_unproven": unproven}
    if not fails.get(outcome, False):
        return ""
    return f"{outcome}: {'; '.join(short(_why(result), 'reasons'))}"


def _why(result: Result) -> list[str]:
    if result["outcome"] == "failed":
        return [result["error"]]
    if result["outcome"] == "would_heal":
        return culprits.in_words(result["culprits"])
    refused = [advice.refusal(image) for image in result["images"] if advice.is_left(image)]
    unreached = [f"{image['spec']}: {image['proven']}" for image in result["images"] if image["unreached"]]
    return [*refused, *unreached, *result["incomplete"], *result["unread"]]


def _image(image: Image, run: Run) -> ImageResult:
    verified = {found["spec"]: found for found in run["verified"].get("images", [])}
    after = verified.get(image["spec"], t.cast(Image, {}))
    last = {found["spec"]: found for found in run["afterwards"].get("images", [])}
    luns = _luns(image["spec"], run)
    at_last = last.get(image["spec"], after)
    lock_before, lock_after = lock_owner(image), lock_owner(at_last)
    level, words = _proof(image, run, luns, lock_before, at_last)
    freed = _is_freed(image["spec"], run, after, at_last)
    return {
        "spec": image["spec"],
        "header": image["header"],
        "state": image["state"],
        "decision": image["decision"],
        "reasons": image["reasons"],
        "watchers_before": image["watchers"],
        "watchers_after": after.get("watchers", []),
        "state_after": after.get("state", ""),
        "lock_breakers": list(run["lock_breakers"].get(image["spec"], {})),
        "lock_before": lock_before,
        "lock_after": lock_after,
        "owner": _holding(image),
        "left_locked": _left_locked(run, image["spec"], at_last),
        "unlocked": image["spec"] in run["unlocked"].get("broken", []) and not run["check_mode"],
        "luns": luns,
        "proof": level,
        "proven": messages.FREE if freed else words,
        "freed": freed,
        "unreached": not freed and image["decision"] in ("fence", "continue") and _is_unreached(run, after, luns),
    }


def _left_locked(run: Run, spec: str, at_last: Image) -> str:
    """Returns why a fenced client still holds the lock, '' if none does."""
    fenced = [*_fenced(run["fenced"]), *(lease["address"] for lease in run["listed"].get("leases", []))]
    left = (f"{one['address']}: {one['reasons'][0]}" for one in at_last.get("owner", []) if one["address"] in fenced)
    return run["unlocked"].get("kept", {}).get(spec, "") or next(left, "")


def _proof(image: Image, run: Run, luns: t.Sequence[LunResult], lock_before: str, at_last: Image) -> tuple[str, str]:
    """Returns what was proven, see proof.of_image() and of_lock(), and the same in words."""
    spec = image["spec"]
    level, words = proof.of_image(luns, _why_not_probed(run, spec, luns))
    if level == "none" and run["lock_breakers"].get(spec):
        level, words = proof.of_lock(lock_before, at_last.get("watchers", [])) or (level, words)
    taken = spec in run["lock_takers"] and lock_owner(at_last) != lock_before
    return level, messages.LOCK_TAKEN.format(proof=words, gateway=run["lock_takers"][spec]) if taken else words


def _is_freed(spec: str, run: Run, after: Image, at_last: Image) -> bool:
    """Returns whether it had no watcher, right after the fence and at the end."""
    watched = after.get("watchers") or at_last.get("watchers")
    return spec in run["detected"].get("look", {}).get("freeing", []) and after.get("state") == "normal" and not watched


def _is_unreached(run: Run, after: Image, luns: t.Sequence[LunResult]) -> bool:
    """Returns whether its watchers are as expected, its LUN is known, and no LUN was reached after the fence."""
    if after.get("state") not in ("normal", "locked"):
        return False
    probed, spec = [lun["after"] for lun in luns if lun["after"]], after["spec"]
    return (spec in run["pathless"] or spec in [lun["image"] for lun in run["luns"]]) and not any(proof.is_reached(probe) for probe in probed)


def _why_not_probed(run: Run, spec: str, luns: t.Sequence[LunResult]) -> str:
    hosts = dict.fromkeys(lun.get("host") or run["settings"]["prober"] for lun in run["luns"] if lun["image"] == spec)
    if hosts:
        return messages.NOT_PROBED_FROM.format(hosts=", ".join(hosts))
    return run["pathless"].get(spec) or (messages.NOT_PROBED if luns else messages.LUN_UNKNOWN)


def _luns(spec: str, run: Run) -> list[LunResult]:
    """Returns each LUN with its probes. A LUN that the role found has several paths, and the probe after the fence might take another one."""
    before, after = ([probe for probe in run[when] if probe["name"] == spec] for when in ("probes_before", "probes_after"))
    if spec in run["found_luns"]:
        last: LunResult = {"before": before[-1] if before else {}, "after": after[-1] if after else {}}
        return [last] if before or after else []
    places = _by_place(before), _by_place(after)
    return [{"before": places[0].get(place, {}), "after": places[1].get(place, {})} for place in dict.fromkeys((*places[0], *places[1]))]


def _by_place(probes: t.Sequence[Probe]) -> dict[tuple[t.Any, ...], Probe]:
    return {tuple(probe.get(name) for name in ("portal", "target", "lun", "device")): probe for probe in probes}


def lock_owner(image: Image) -> str:
    """Returns the address of the client that holds the image's lock, '' if none is known."""
    return next((watcher["address"] for watcher in _holding(image)), "")


def _holding(image: Image) -> list[Watcher]:
    everyone = [*image.get("watchers", []), *image.get("owner", [])]
    return [watcher for watcher in everyone if watcher.get("lock_owner")]

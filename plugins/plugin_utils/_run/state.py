# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reduces a run to its state: each phase hands over what its module returned, and gets the state that follows. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import (
    approval,
    came_back,
    culprits,
    dead_hosts,
    leases,
    lock_path,
    lun_clients,
    luns,
    max_fence,
    messages,
    plan,
    proof,
    proof_of_service,
    protect,
    settings,
    standstill,
    stop,
)
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import (
    Change,
    Culprit,
    HeldLock,
    Image,
    Look,
    Lun,
    Missed,
    Phase,
    Probe,
    Probing,
    Run,
    Unlocked,
    When,
)
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.spare import spare

# What a module returned, or a loop of its calls, as Ansible registers it; {} or "skipped" if it did not run.
Returned = t.Mapping[str, t.Any]


def after(run: Run, phase: Phase, returned: Returned, at: float) -> Run:
    """Returns the state after a phase that ended ``at`` this time, in seconds since the epoch. Raises InputError.

    Before ``begin`` there is no state. A phase that returned nothing changes nothing.
    """
    if phase == "begin":
        return _begun(returned, at)
    # A round of probes without a result must end, too: the role asks for the next round as long as there is one.
    if (not returned or returned.get("skipped")) and not _counts(run, phase):
        return run
    noted: Run = {**run, "times": {**run["times"], _time_of(run, phase): at}}
    return _derived(_STEPS[phase](noted, returned))


def _begun(told: Returned, at: float) -> Run:
    """Returns a run that has done nothing yet. ``told``: ``id``, ``check_mode`` and ``settings``, see model.Settings."""
    asked = settings.read(told["settings"])
    nothing: t.Any = {
        **{
            name: {}
            for name in (
                "listed",
                "listed_after",
                "detected",
                "fenced",
                "unlocked",
                "verified",
                "restored",
                "afterwards",
                "looked_again",
                "refenced",
                "kept_out",
                "times",
            )
        },
        **{name: [] for name in ("silent_gateways", "probes_before", "probes_after", "kernel_log", "healing", "culprits", "plan")},
        **{name: [] for name in ("probed", "in_flight", "lock_waits", "listening")},
        **{name: {} for name in ("found_luns", "pathless", "tries", "lock_breakers", "lock_takers")},
    }
    known = {"id": told["id"], "began": at, "check_mode": bool(told["check_mode"]), "settings": asked, "error": "", "stop": ""}
    return _derived(t.cast(Run, {**nothing, **known, "came_back": {"fence": [], "spare": []}}))


def _counts(run: Run, phase: Phase) -> bool:
    """Returns whether a module that did not run matters: a LUN was not probed, or no gateway was asked while Ceph itself knows the LUN."""
    return (phase in ("probe_before", "probe_after") and bool(run["probing"]) and not run["error"]) or (phase == "find_luns" and bool(run["exported"]))


def _time_of(run: Run, phase: Phase) -> str:
    return "failed_again" if phase == "failed" and "failed" in run["times"] else phase


def _stopped(run: Run, why: str) -> Run:
    """Returns the run with one more reason not to go on, before anything was changed. If there is any reason, no client is fenced."""
    reasons = _joined(run["stop"], why)
    return {**run, "stop": reasons, "culprits": [] if reasons else run["culprits"]}


def _spoilt(run: Run, why: str) -> Run:
    """Returns the run with one more error, after something was changed: it goes on to restore and to report."""
    return {**run, "error": _joined(run["error"], why)}


def _joined(known: str, more: str) -> str:
    return "; ".join(filter(None, [known, more]))


def _looked(run: Run, returned: Returned) -> Run:
    return _planned({**run, "listed": returned["blocklist"]}, _ruled(run, t.cast(Look, returned)))


def _planned(run: Run, detected: Look) -> Run:
    return {**run, "plan": plan.lines(detected), "detected": detected, "healing": _to_heal(detected)["healing"]}


class _Healing(t.TypedDict):
    healing: list[str]
    culprits: list[Culprit]


def _to_heal(detected: Look) -> _Healing:
    healing = [image["spec"] for image in detected["images"] if image["decision"] == "fence"]
    return {"healing": healing, "culprits": culprits.to_fence(detected["culprits"])}


def _ruled(run: Run, look: Look) -> Look:
    """Returns the look after the operator's own rules. In check mode, no client needs an approval: that run shows what there is to approve."""
    asked = run["settings"]
    limited = max_fence.apply(protect.apply(look, asked["protect"]), asked["max_fence"])
    return limited if run["check_mode"] else approval.apply(limited, asked["approved"])


def _found_luns(run: Run, returned: Returned) -> Run:
    maps, asked = luns.joined(returned.get("results", []), run["detected"]["images"]), run["settings"]
    every = [*maps, *luns.untold(run["exported"], maps)]
    addresses = {**{one["item"]: "" for one in [*every, *run["exported"]]}, **asked["gateways"]}
    who = addresses, asked["probe_initiator"]
    found, bare = luns.found(every, run["unnamed"], *who, asked["prober"]), luns.pathless(every, run["unnamed"], *who)
    breakers = lock_path.breakers(every, run["sick"], addresses)
    stands = {"lock_breakers": breakers, "in_flight": standstill.in_flight(maps, run["sick"]), "listening": standstill.listening(maps, run["healing"])}
    told = t.cast(Run, {**run, **stands, "found_luns": found, "pathless": bare, "silent_gateways": luns.unasked(maps)})
    spared = lun_clients.spared([*maps, *run["exported"]], run["detected"]["images"], addresses, asked["evict"])
    return _planned(told, spare(run["detected"], spared))


def _meant(run: Run) -> list[str]:
    """Returns the clients that need no proof of service: those that the operator names, and those of a dead host."""
    return [*run["settings"]["evict"], *dead_hosts.clients(run["detected"]["images"])]


def _lock_waits(run: Run, returned: Returned) -> Run:
    return {**run, "lock_waits": standstill.lock_waits(returned.get("results", []))}


def _probes(returned: Returned) -> list[Probe]:
    return [probe for one in returned.get("results", []) for probe in one.get("probes", [])]


class _Round(t.NamedTuple):
    """A round of probes: the state after it, the probes of finished images, and whether others are tried from another host."""

    run: Run
    probes: list[Probe]
    again: bool


def _round(run: Run, returned: Returned) -> _Round:
    """Returns the round. If a LUN was not reached, the next host that might reach it is next."""
    asked = dict.fromkeys(lun["name"] for one in run["probing"] for lun in one["luns"])
    probes = _probes(returned)
    reached = {probe["name"] for probe in probes if proof.is_reached(probe)}
    again = [spec for spec in asked if spec not in reached and run["tries"].get(spec, 0) + 1 < len(run["found_luns"].get(spec, []))]
    tries = {**run["tries"], **{spec: run["tries"].get(spec, 0) + 1 for spec in again}}
    done: Run = {**run, "tries": tries, "probed": [*run["probed"], *(spec for spec in asked if spec not in again)]}
    return _Round(done, [probe for probe in probes if probe["name"] not in again], bool(again))


def _probed_before(run: Run, returned: Returned) -> Run:
    done, probes, again = _round(run, returned)
    probed: Run = {**done, "probes_before": [*run["probes_before"], *probes]}
    return probed if again else _accused(probed)


def _accused(run: Run) -> Run:
    """Names the clients to fence. Only this step does, also if no LUN was probed."""
    why = stop.lun_is_not_probed(run, run["serving"], run["probes_before"]) or stop.lun_is_out_of_reach(run)
    accused = _to_heal(run["detected"])["culprits"]
    proven = _planned(run, spare(run["detected"], proof_of_service.missing(accused, run["probes_before"], _meant(run))))
    return _stopped({**proven, **_to_heal(proven["detected"])}, why)


def _fenced(run: Run, returned: Returned) -> Run:
    """Spares the clients that answered the last question: they are not stale, and their images are not healed."""
    change = t.cast(Change, returned)
    done = [*change.get("added", []), *change.get("extended", [])]
    detected = spare(run["detected"], {one["address"]: one["reason"] for one in change.get("spared", [])}, done)
    noted = _noting_missed(_noting_vanished(detected, change.get("vanished", [])), change.get("missed", []))
    return {**run, "fenced": change, "detected": noted, **_to_heal(noted)}


def _unlocked(run: Run, returned: Returned) -> Run:
    """Notes broken locks. A lock that stays is an error if the image was locked. Otherwise, a client that is allowed to blocklist the owner can take it."""
    locked = {image["spec"] for image in run["detected"]["images"] if image.get("owner")}
    kept = (messages.LOCK_KEPT.format(image=spec, reason=why) for spec, why in returned.get("kept", {}).items() if spec in locked)
    return _spoilt({**run, "unlocked": t.cast(Unlocked, returned)}, "; ".join(kept))


def _noting_vanished(detected: Look, vanished: t.Collection[str]) -> Look:
    """Notes on each image which of its stale clients stopped watching."""
    return {**detected, "images": [_without(image, vanished) for image in detected["images"]]}


def _noting_missed(detected: Look, missed: t.Sequence[Missed]) -> Look:
    """Notes on each culprit the last notify that timed out."""
    last = {one["address"]: one for one in missed}
    return {**detected, "culprits": [_missing(culprit, last.get(culprit["address"])) for culprit in detected["culprits"]]}


def _missing(culprit: Culprit, last: Missed | None) -> Culprit:
    if last is None:
        return culprit
    when: Missed = {"at": last["at"], "seconds": last["seconds"]}
    words = messages.LAST_NOTIFY.format(seconds=last["seconds"])
    return {**culprit, "missed": [*culprit.get("missed", []), when], "reasons": [*culprit["reasons"], words]}


def _without(image: Image, vanished: t.Collection[str]) -> Image:
    gone = [one["address"] for one in image["watchers"] if one["verdict"] == "fence" and one["address"] in vanished]
    return {**image, "reasons": [*image["reasons"], messages.WENT_BY_ITSELF.format(clients=", ".join(gone))]} if gone else image


def _verified(run: Run, returned: Returned) -> Run:
    reached = {probe["name"] for probe in run["probes_before"] if proof.is_reached(probe)}
    tries = {spec: number for spec, number in run["tries"].items() if spec in reached}
    # A LUN that was not reached while it hung might be reached now, so all hosts are tried again.
    look = t.cast(Look, returned)
    takers = {spec: lock_path.gateway(image, run["lock_breakers"][spec]) for spec, image in _breakable(run, look)}
    ways = {spec: luns.through(run["found_luns"][spec], taker) for spec, taker in takers.items() if taker and spec in run["found_luns"]}
    by_taker = {spec: paths for spec, paths in ways.items() if paths}
    paths = {"found_luns": {**run["found_luns"], **by_taker}, "lock_takers": {spec: takers[spec] for spec in by_taker}}
    tries = {spec: number for spec, number in tries.items() if spec not in by_taker}
    verified = t.cast(Run, {**run, **paths, "verified": look, "tries": tries, "probed": []})
    return _spoilt(verified, stop.watchers_are_wrong(verified))


def _breakable(run: Run, look: Look) -> list[tuple[str, Image]]:
    """Returns the images whose lock a gateway would break for a test write, none if the operator wants no write."""
    if run["settings"]["write_path"] in ("none", "flush"):
        return []
    return [(image["spec"], image) for image in look.get("images", []) if run["lock_breakers"].get(image["spec"])]


def _probed_after(run: Run, returned: Returned) -> Run:
    done, probes, again = _round(run, returned)
    probed: Run = {**done, "probes_after": [*run["probes_after"], *probes]}
    meant = [*probed["serving"], *probed["continued"]]
    return probed if again else _spoilt(probed, stop.lun_is_not_probed(probed, meant, probed["probes_after"]) or stop.lun_does_not_answer(probed))


def _restored(run: Run, returned: Returned) -> Run:
    restored: Run = {**run, "restored": t.cast(Change, returned)}
    return _spoilt(restored, stop.blocklist_is_changed(restored))


def _looked_after(run: Run, returned: Returned) -> Run:
    look, removed = t.cast(Look, returned), run["restored"].get("removed", [])
    back = came_back.clients(look, removed, run["settings"]["protect"])
    return _spoilt({**run, "afterwards": look, "came_back": back}, "; ".join(back["spare"]))


def _looked_again(run: Run, returned: Returned) -> Run:
    look = t.cast(Look, returned)
    back = came_back.confirmed(run["came_back"], look["look"])
    return _spoilt({**run, "looked_again": look, "came_back": back}, "; ".join(back["spare"]))


def _fenced_again(run: Run, returned: Returned) -> Run:
    if returned["fenced"].get("skipped"):
        return run
    fenced: Run = {**run, "refenced": returned["fenced"], "kept_out": returned["asked"]}
    return _spoilt(fenced, came_back.in_words(fenced))


def _failed(run: Run, returned: Returned) -> Run:
    """Notes a failed task. A fence that failed might have been carried out, so this run restores what it was to fence."""
    spoilt = _spoilt(run, stop.failure(returned["task"], returned["result"]))
    if bool(run["culprits"]) and "fence" not in run["times"] and not run["check_mode"]:
        return {**spoilt, "fenced": {"failed": True, "added": [one["address"] for one in run["culprits"]]}}
    again = bool(run["came_back"]["fence"]) and "look_again" in run["times"] and "fence_again" not in run["times"]
    return {**spoilt, "refenced": {"failed": True}} if again else spoilt


def _traced(run: Run, returned: Returned) -> Run:
    when: When = "after" if "verify" in run["times"] else "before"
    undone = [*returned["lio"].get("results", []), *returned["scst"].get("results", [])]
    logs = luns.kernel_logs(returned["said"].get("results", []), when)
    told, wrong = t.cast(Run, {**run, "kernel_log": [*run["kernel_log"], *logs]}), stop.kernels_are_changed(undone)
    return _stopped(told, wrong) if when == "before" else _spoilt(told, wrong)


_STEPS: t.Mapping[Phase, t.Callable[[Run, Returned], Run]] = {
    "look": _looked,
    "find_luns": _found_luns,
    "lock_waits": _lock_waits,
    "probe_before": _probed_before,
    "fence": _fenced,
    "unlock": _unlocked,
    "verify": _verified,
    "probe_after": _probed_after,
    "restore": _restored,
    "look_after": _looked_after,
    "look_again": _looked_again,
    "fence_again": _fenced_again,
    "failed": _failed,
    "trace": _traced,
    "listed_after": lambda run, returned: t.cast(Run, {**run, "listed_after": returned}),
}


def _to_break(run: Run) -> list[HeldLock]:
    """Returns the locks that dead clients hold after the fence: a living client that is not allowed to blocklist them cannot take these."""
    fenced = culprits.addresses_to_fence(run["detected"].get("culprits", []))
    fenced += [lease["address"] for lease in run["listed"].get("leases", []) if lease["address"] in run["listed"]["after"]]
    owners = ((image["spec"], one) for image in run["verified"].get("images", []) for one in image.get("owner", []))
    return [{"image": spec, "owner": one["address"]} for spec, one in owners if one["verdict"] == "fence" and one["address"] in fenced]


def _derived(run: Run) -> Run:
    """Returns the run with all that follows from its other values, the same way in every phase."""
    sick = [image["spec"] for image in run["detected"].get("images", []) if image["decision"] != "leave"]
    freeing = run["detected"].get("look", {}).get("freeing", [])
    open_leases = run["listed"].get("leases", [])
    selected = leases.selected(open_leases, run["settings"])
    continued = [spec for spec in selected if spec not in sick]
    verifying = [*run["healing"], *continued]
    named = [lun["image"] for lun in run["settings"]["luns"]]
    unnamed = [spec for spec in [*sick, *continued] if spec not in named] if run["settings"]["find_luns"] else []
    known = [*run["settings"]["luns"], *(entries[run["tries"].get(spec, 0)] for spec, entries in run["found_luns"].items())]
    return {
        **run,
        "luns": known,
        "sick": sick,
        "locks": _to_break(run),
        "continued": continued,
        "verifying": verifying,
        "touched": list(dict.fromkeys([*verifying, *_of_fenced(run)])),
        "ours": leases.ours(run["fenced"], open_leases, verifying if run["settings"]["restore"] == "always" else selected),
        "unnamed": unnamed,
        "asking": list(run["settings"]["gateways"]) if unnamed or run["healing"] else [],
        "serving": [spec for spec in run["healing"] if spec not in freeing],
        "exported": luns.exported(run["detected"].get("exports", {}).get("luns", {}), {*unnamed, *run["healing"]}),
        "probing": _probing(run, [lun for lun in known if lun["image"] not in freeing], sick, verifying),
    }


def _of_fenced(run: Run) -> list[str]:
    """Returns the images of the fenced clients, also if another client of the image is spared."""
    fenced = {*run["fenced"].get("added", []), *run["fenced"].get("extended", [])}
    return [spec for culprit in run["detected"].get("culprits", []) if culprit["address"] in fenced for spec in culprit["images"]]


def _probing(run: Run, known: t.Sequence[Lun], sick: t.Sequence[str], verifying: t.Sequence[str]) -> list[Probing]:
    """Returns the probes to make. Before a fence, writes are tested only on images to be healed: elsewhere, a living client would be asked for its lock."""
    asked, prober = run["settings"], run["settings"]["prober"]
    if "verify" in run["times"]:
        left = [spec for spec in verifying if spec not in run["probed"]]
        takes, others = ([spec for spec in left if (spec in run["lock_takers"]) == takes] for takes in (True, False))
        return [*luns.by_host(known, takes, prober, "lock"), *luns.by_host(known, others, prober, asked["write_path"])]
    healing, others = ([spec for spec in sick if (spec in run["healing"]) == heals and spec not in run["probed"]] for heals in (True, False))
    return [*luns.by_host(known, healing, prober, asked["probe_before"]), *luns.by_host(known, others, prober, "none")]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run leaves to be done. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import fenced_living, next_steps, proof
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import ImageResult, Kept, Lease, OpenItem, Probe, Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES

# A part of the reason why an entry stays -> its next step.
KEPT = {"before it ends by itself": "kept_never", "may be under way": "kept_busy", "an image that it was fenced for is refused": "kept_passed_over"}


def next_step(summed: Result) -> str:
    """What to do next: about the first item that is open, or else as the outcome says."""
    outcome, items = summed["outcome"], summed["unfinished"]
    if outcome == "failed":
        return next_steps.OPEN["unsettled"] if summed["unsettled"] else OUTCOMES["failed"].step
    if outcome == "nothing_to_do" and summed["in_use"]:
        return next_steps.OPEN["in_use"]
    if outcome == "nothing_to_do" and summed["revived"]:
        return next_steps.OPEN["revived"]
    if outcome == "nothing_to_do" and summed["fenced_living"]:
        return next_steps.OPEN["fenced_living"]
    if outcome == "nothing_to_do" and any(image["decision"] in ("leave", "fence") for image in summed["images"]):
        return next_steps.OPEN["went_by_itself"]
    return items[0]["next"] if items and OUTCOMES[outcome].by_item else OUTCOMES[outcome].step


def unfinished(summed: Result) -> list[OpenItem]:
    """What is still open when the run has ended, each with what to do about it; [] when nothing is."""
    return [item for part in _PARTS for item in part(summed)]


def _item(what: str, step: str) -> OpenItem:
    return {"what": what, "next": step}


def _unsettled(summed: Result) -> list[OpenItem]:
    return [_item("Clients might still be fenced under leases", next_steps.OPEN["unsettled"])] if summed["unsettled"] else []


def _kept(summed: Result) -> list[OpenItem]:
    return [_item(f"{kept['address']} stays on the blacklist until {kept['until']}: {kept['reason']}", _of_kept(kept)) for kept in summed["kept"]]


def _of_kept(kept: Kept) -> str:
    special = next((key for part, key in KEPT.items() if part in kept["reason"]), "")
    return next_steps.OPEN[special or ("kept" if kept.get("host") else "kept_unseen")]


def _lapsed(summed: Result) -> list[OpenItem]:
    return [_item(_gone_early(lease), next_steps.OPEN["lapsed"]) for lease in summed["lapsed"]]


def _gone_early(lease: Lease) -> str:
    return f"{lease['address']}, fenced by run {lease['run']} for {', '.join(lease['images'])}, was removed from the blocklist before its end"


def _refused(summed: Result) -> list[OpenItem]:
    return [_item(_refusal(image), _of_image(image)) for image in summed["images"] if is_left(image)]


def is_left(image: ImageResult) -> bool:
    """Refused, or contested by living clients also after those that are gone were fenced."""
    return image["decision"] == "refuse" or (image["decision"] == "fence" and image["state_after"] == "contested")


def _refusal(image: ImageResult) -> str:
    return f"{image['spec']} is {image['state_after'] or image['state']} and was left so: {'; '.join(image['reasons'])}"


def _of_image(image: ImageResult) -> str:
    if image["decision"] == "fence":
        return next_steps.STATES["contested"]
    return next_steps.of_refusal(image["state_after"] or image["state"], image["reasons"])


def _luns(summed: Result) -> list[OpenItem]:
    """Of an image that was not healed, that its LUN is unwell is no news but where nothing else is said of it."""
    shown = [image for image in summed["images"] if image["decision"] != "refuse" and not summed["check_mode"]]
    return [_item(_unwell(image, probe), _of_probe(image, probe)) for image in shown for probe in _last(image) if probe["verdict"] != "healthy"]


def _last(image: ImageResult) -> list[Probe]:
    """The last probes of the image's LUNs: those after the fence, if there are any."""
    after = [lun["after"] for lun in image["luns"] if lun["after"]]
    return after or [lun["before"] for lun in image["luns"]]


def _unwell(image: ImageResult, probe: Probe) -> str:
    which = f" ({where(probe)})" if len(image["luns"]) > 1 else ""
    return f"The LUN of {image['spec']}{which} was {probe['verdict']} when last probed: {probe['reason']}"


def _of_probe(image: ImageResult, probe: Probe) -> str:
    if not proof.is_reached(probe):
        return next_steps.OPEN["unproven"]
    if not any(lun["after"] for lun in image["luns"]):
        return next_steps.OPEN["not_probed_again"]
    return next_steps.OPEN["conflict" if probe["verdict"] == "conflict" else "unwell"]


def _unknown_luns(summed: Result) -> list[OpenItem]:
    """Healed by the word of its watchers alone."""
    shown = [image for image in summed["images"] if image["decision"] in ("fence", "continue") and not image["freed"]]
    bare = [image for image in shown if image["state_after"] in ("normal", "locked") and not image["luns"]]
    return [_item(_unprobed(image), next_steps.OPEN["pathless" if image["unreached"] else "unknown_lun"]) for image in bare]


def _unprobed(image: ImageResult) -> str:
    return f"No LUN of {image['spec']} was probed, so only its watchers tell that it is healed: {image['proven'].removeprefix('not proven: ')}"


def _gateways(summed: Result) -> list[OpenItem]:
    return [_item(f"Gateway {one['host']} did not tell all its LUNs: {one['why']}", next_steps.OPEN["gateway"]) for one in summed["unasked"]]


def _gaps(summed: Result) -> list[OpenItem]:
    lines = [*(f"Not seen: {gap}" for gap in summed["incomplete"]), *(f"Leases not read: {gap}" for gap in summed["unread"])]
    return [_item(line, next_steps.OPEN["unseen"]) for line in lines]


def _foreign(summed: Result) -> list[OpenItem]:
    return [
        _item(f"Somebody else put {address} on the blacklist meanwhile, and that was left alone", next_steps.OPEN["foreign"]) for address in summed["foreign"]
    ]


def _without_effect(summed: Result) -> list[OpenItem]:
    """Whoever the last question spared has its reason at its image."""
    return [_item(f"Naming {one['address']} in evict had no effect: {one['why']}", next_steps.OPEN["no_effect"]) for one in summed["without_effect"]]


def _in_use(summed: Result) -> list[OpenItem]:
    return [_item(f"{one['spec']} was not freed, since {', '.join(one['clients'])} responds", next_steps.OPEN["in_use"]) for one in summed["in_use"]]


def _revived(summed: Result) -> list[OpenItem]:
    words = "{} on {} responds on {}, although its host is given as dead, and was left"
    told = ((one["address"], one["host"] or "an unknown host", ", ".join(one["images"])) for one in summed["revived"])
    return [_item(words.format(*one), next_steps.OPEN["revived"]) for one in told]


def _strays(summed: Result) -> list[OpenItem]:
    return [_item(f"{stray['header']} in pool {stray['pool']} is watched and belongs to no image", next_steps.OPEN["stray"]) for stray in summed["strays"]]


def _fenced_living(summed: Result) -> list[OpenItem]:
    return [_item(fenced_living.in_words(one), next_steps.OPEN["fenced_living"]) for one in summed["fenced_living"]]


def _left_locked(summed: Result) -> list[OpenItem]:
    left = [image for image in summed["images"] if image["left_locked"]]
    return [_item(f"The lock of {image['spec']} was not broken: {image['left_locked']}", next_steps.OPEN["left_locked"]) for image in left]


_PARTS = (
    _unsettled,
    _refused,
    _left_locked,
    _kept,
    _lapsed,
    _fenced_living,
    _luns,
    _unknown_luns,
    _gaps,
    _gateways,
    _foreign,
    _without_effect,
    _in_use,
    _revived,
    _strays,
)

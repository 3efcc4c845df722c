# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists what is open when a run has ended, and what to do about it. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons as of_cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons as of_fence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import fenced_living, messages, next_steps, proof
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.culprits import addresses_to_fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import ImageResult, Kept, Lease, OpenItem, Probe, Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcomes import OUTCOMES

# The reason why an entry stays -> its next step.
KEPT = {
    of_fence.NEVER: "kept_never",
    of_fence.UNDER_WAY: "kept_busy",
    messages.PASSED_OVER: "kept_passed_over",
    of_cluster.YOUNG_QUORUM: "kept_young",
}


def next_step(summed: Result) -> str:
    """Returns what to do next: about the first open item, or as the outcome says."""
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
    if outcome == "healed" and summed["images"] and all(image["freed"] for image in summed["images"]):
        return next_steps.OPEN["freed"]
    return items[0]["next"] if items and OUTCOMES[outcome].by_item else OUTCOMES[outcome].step


def unfinished(summed: Result) -> list[OpenItem]:
    """Returns the open items, each with what to do about it; [] for none."""
    return [item for part in _PARTS for item in part(summed)]


def _item(what: str, step: str) -> OpenItem:
    return {"what": what, "next": step}


def _unsettled(summed: Result) -> list[OpenItem]:
    return [_item(messages.UNSETTLED, next_steps.OPEN["unsettled"])] if summed["unsettled"] else []


def _kept(summed: Result) -> list[OpenItem]:
    told = ((kept, messages.KEPT.format(address=kept["address"], until=kept["until"], reason=kept["reason"])) for kept in summed["kept"])
    return [_item(words, _of_kept(kept)) for kept, words in told]


def _of_kept(kept: Kept) -> str:
    special = next((key for sentence, key in KEPT.items() if fits(sentence, kept["reason"])), "")
    return next_steps.OPEN[special or ("kept" if kept.get("host") else "kept_unseen")]


def _lapsed(summed: Result) -> list[OpenItem]:
    return [_item(_gone_early(lease), next_steps.OPEN["lapsed"]) for lease in summed["lapsed"]]


def _gone_early(lease: Lease) -> str:
    return messages.LAPSED.format(address=lease["address"], run=lease["run"], images=", ".join(lease["images"]))


def _refused(summed: Result) -> list[OpenItem]:
    return [_item(refusal(image), _of_image(image)) for image in summed["images"] if is_left(image)]


def would_heal(result: Result) -> list[str]:
    """Returns the images that a run would heal, of one in check mode."""
    return [image["spec"] for image in result["images"] if is_to_heal(image)] if _is_plan(result) else []


def would_fence(result: Result) -> list[str]:
    """Returns the addresses of the clients that a run would fence, of one in check mode."""
    return addresses_to_fence(result["culprits"]) if _is_plan(result) else []


def _is_plan(result: Result) -> bool:
    """Returns whether the run only looked, and saw what a run would do."""
    return result["check_mode"] and not result["error"]


def is_to_heal(image: ImageResult) -> bool:
    """Returns whether the run chose to heal it, or went on with what an earlier run began."""
    return image["decision"] in ("fence", "continue")


def is_left(image: ImageResult) -> bool:
    """Returns whether it was refused, or is still contested by living clients after the dead ones were fenced."""
    return image["decision"] == "refuse" or (image["decision"] == "fence" and image["state_after"] == "contested")


def refusal(image: ImageResult) -> str:
    """Returns that an image is left as it is, and why."""
    return messages.REFUSED.format(image=image["spec"], state=image["state_after"] or image["state"], reasons="; ".join(image["reasons"]))


def _of_image(image: ImageResult) -> str:
    if image["decision"] == "fence":
        return next_steps.STATES["contested"]
    return next_steps.of_refusal(image["state_after"] or image["state"], image["reasons"])


def _luns(summed: Result) -> list[OpenItem]:
    """Returns the LUNs that did not respond well. Those of refused images are left out: the refusal has its own item."""
    shown = [image for image in summed["images"] if image["decision"] != "refuse" and not summed["check_mode"]]
    return [_item(_unwell(image, probe), _of_probe(image, probe)) for image in shown for probe in _last(image) if probe["verdict"] != "healthy"]


def _last(image: ImageResult) -> list[Probe]:
    """Returns the last probes of the image's LUNs: those after the fence, if there are any."""
    after = [lun["after"] for lun in image["luns"] if lun["after"]]
    return after or [lun["before"] for lun in image["luns"]]


def _unwell(image: ImageResult, probe: Probe) -> str:
    return messages.LUN_UNWELL.format(image=image["spec"], lun=where(probe), verdict=probe["verdict"], reason=probe["reason"])


def _of_probe(image: ImageResult, probe: Probe) -> str:
    if not proof.is_reached(probe):
        return next_steps.OPEN["unproven"]
    if not any(lun["after"] for lun in image["luns"]):
        return next_steps.OPEN["not_probed_again"]
    return next_steps.OPEN["conflict" if probe["verdict"] == "conflict" else "unwell"]


def _unknown_luns(summed: Result) -> list[OpenItem]:
    """Returns the healed images that only their watchers speak for."""
    shown = [image for image in summed["images"] if is_to_heal(image) and not image["freed"]]
    bare = [image for image in shown if image["state_after"] in ("normal", "locked") and not image["luns"]]
    return [_item(_unprobed(image), _of_unprobed(image)) for image in bare]


def _unprobed(image: ImageResult) -> str:
    return messages.UNPROBED.format(image=image["spec"], reason=image["proven"].removeprefix(messages.NOT_PROVEN.format(reason="")))


def _of_unprobed(image: ImageResult) -> str:
    if not image["unreached"]:
        return next_steps.OPEN["unknown_lun"]
    return next_steps.OPEN["no_access" if fits(messages.NO_ACCESS, image["proven"]) else "pathless"]


def _gateways(summed: Result) -> list[OpenItem]:
    return [_item(messages.GATEWAY_SILENT.format(host=one["host"], reason=one["why"]), next_steps.OPEN["gateway"]) for one in summed["unasked"]]


def _gaps(summed: Result) -> list[OpenItem]:
    unseen = [messages.NOT_SEEN.format(gap=gap) for gap in summed["incomplete"]]
    lines = [*unseen, *(messages.LEASES_UNREAD.format(gap=gap) for gap in summed["unread"])]
    return [_item(line, next_steps.OPEN["unseen"]) for line in lines]


def _foreign(summed: Result) -> list[OpenItem]:
    return [_item(messages.FOREIGN.format(address=address), next_steps.OPEN["foreign"]) for address in summed["foreign"]]


def _without_effect(summed: Result) -> list[OpenItem]:
    """Returns the named clients that were not fenced. For a client that the last question spared, its image has the reason."""
    told = (messages.NO_EFFECT.format(address=one["address"], reason=one["why"]) for one in summed["without_effect"])
    return [_item(words, next_steps.OPEN["no_effect"]) for words in told]


def _in_use(summed: Result) -> list[OpenItem]:
    told = (messages.NOT_FREED.format(image=one["spec"], clients=", ".join(one["clients"])) for one in summed["in_use"])
    return [_item(words, next_steps.OPEN["in_use"]) for words in told]


def _revived(summed: Result) -> list[OpenItem]:
    named = ((one, one["host"] or messages.UNKNOWN_HOST) for one in summed["revived"])
    told = (messages.REVIVED.format(address=one["address"], host=host, images=", ".join(one["images"])) for one, host in named)
    return [_item(words, next_steps.OPEN["revived"]) for words in told]


def _strays(summed: Result) -> list[OpenItem]:
    return [_item(messages.STRAY.format(header=stray["header"], pool=stray["pool"]), next_steps.OPEN["stray"]) for stray in summed["strays"]]


def _fenced_living(summed: Result) -> list[OpenItem]:
    return [_item(fenced_living.in_words(one), next_steps.OPEN["fenced_living"]) for one in summed["fenced_living"]]


def _left_locked(summed: Result) -> list[OpenItem]:
    left = [image for image in summed["images"] if image["left_locked"]]
    told = (messages.LOCK_KEPT.format(image=image["spec"], reason=image["left_locked"]) for image in left)
    return [_item(words, next_steps.OPEN["left_locked"]) for words in told]


_PARTS = (
    _unsettled,
    _refused,
    _kept,
    _left_locked,
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

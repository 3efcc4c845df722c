# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run leaves to be done. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import ImageResult, Probe, Result

_NEXT = {
    "nothing_to_do": "If a LUN hangs all the same, the cause is not a stale watcher: look at the target, the network and 'ceph -s'.",
    "went by itself": "What was stale was no longer so when asked again. See whether the LUN answers, with the module scsi_reserve_probe, "
    "and run this again if it does not.",
    "healed": "Rescan the LUN on the initiators that had lost it.",
    "healed_restore_pending": "End the client that still lives, then run this again, or cephops.iscsi_rescue.restore_blacklist: that removes its entry, unless "
    "remediate_watchers_restore is never; then it stays until it expires.",
    "nobody seen": "Make sure that the fenced client is gone. Then cephops.iscsi_rescue.restore_blacklist, with remediate_watchers_restore=always and the "
    "client's address in restore_blacklist_addresses, removes its entry; otherwise it stays until it expires.",
    "refused": "Read the reasons: end the surplus client by hand, or raise remediate_watchers_expected if it is there by right.",
    "answered": "A client answered before it was fenced, so it is alive: run this again. If the LUN still hangs, look at that client.",
    "unseen": "See to what could not be seen or read, which is listed, then run this again.",
    "would_heal": "Run it without check mode to do so.",
    "failed": "What was fenced and whose client is gone was let in again. Read the error. An image that is normal by now is not looked at closer "
    "by a second run, so probe its LUN yourself, with the module scsi_reserve_probe.",
    "fences open": "Clients may still be fenced under leases. Read the error, then run this again, which goes on from there.",
}


def next_step(summed: Result) -> str:
    """What to do next, in a sentence or two."""
    if summed["unsettled"]:
        return _NEXT["fences open"]
    special = {
        "nothing_to_do": "went by itself" if any(image["decision"] in ("leave", "fence") for image in summed["images"]) else "",
        "refused": _of_refusal(summed),
        "healed_restore_pending": "" if any(kept.get("host") for kept in summed["kept"]) else "nobody seen",
    }
    return _NEXT[special.get(summed["outcome"]) or summed["outcome"]]


def _of_refusal(summed: Result) -> str:
    if summed["spared"]:
        return "answered" if any(one["answered"] for one in summed["spared"]) else "unseen"
    return "" if any(image["decision"] == "refuse" for image in summed["images"]) else "unseen"


def unfinished(summed: Result) -> list[str]:
    """What is still open when the run has ended, a sentence each; [] when nothing is."""
    lines = [f"{kept['address']} stays on the blacklist until {kept['until']}: {kept['reason']}" for kept in summed["kept"]]
    lines += [_refused(image) for image in summed["images"] if image["decision"] == "refuse"]
    lines += [_unwell(image, probe) for image in summed["images"] for probe in _last(image) if probe["verdict"] != "healthy"]
    lines += [f"No LUN of {image['spec']} was probed, so only its watchers tell that it is healed" for image in summed["images"] if _unproven(image)]
    lines += [f"Gateway {one['host']} did not tell its LUNs: {one['why']}" for one in summed["unasked"]]
    lines += [f"Not seen: {gap}" for gap in summed["incomplete"]]
    lines += [f"Leases not read: {gap}" for gap in summed["unread"]]
    lines += [f"Somebody else put {address} on the blacklist meanwhile, and that was left alone" for address in summed["foreign"]]
    lines += [f"{stray['header']} in pool {stray['pool']} is watched and belongs to no image" for stray in summed["strays"]]
    return lines + (["Clients may still be fenced under leases"] if summed["unsettled"] else [])


def _refused(image: ImageResult) -> str:
    return f"{image['spec']} is {image['state_after'] or image['state']} and was left so: {'; '.join(image['reasons'])}"


def _last(image: ImageResult) -> list[Probe]:
    """The last probe of each of the image's LUNs."""
    return [lun["after"] or lun["before"] for lun in image["luns"]]


def _unwell(image: ImageResult, probe: Probe) -> str:
    which = f" ({where(probe)})" if len(image["luns"]) > 1 else ""
    return f"The LUN of {image['spec']}{which} was {probe['verdict']} when last probed: {probe['reason']}"


def _unproven(image: ImageResult) -> bool:
    """Healed by the word of its watchers alone."""
    return image["decision"] in ("fence", "continue") and image["state_after"] == "normal" and not image["luns"]

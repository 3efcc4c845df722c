# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do next: by an image's state, by the reason of a refusal, and by what else is open. The runbook has every sentence."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons as of_cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons as of_fence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons as of_look
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages

STATES = {
    "contested": "Find the client that does not belong there. End it on its host, or name it in remediate_watchers_evict. If all of them belong there, raise "
    "remediate_watchers_expected.",
    "headless": "Check 'ceph -s' and the placement group of the header, then start the gateway. When one watcher responds, rerun. "
    "If the image is no longer served, name it in remediate_watchers_free.",
    "degraded": "Check the silent client: it might be the gateway. If fewer watchers are legitimate, lower remediate_watchers_expected, then rerun.",
    "locked": "Fix what the reasons name, then rerun. Until then, writes to the image can fail.",
    "undetermined": "Rerun. If the result is the same, fix what the reason names.",
    "stale_duplicate": "Fix what the reasons name, then rerun.",
    "normal": "Rerun.",
}

_FIX = "Fix what the reason names, then rerun."
_MOVE = "The client alone serves that image: move it to another host, or end the client by hand. Then rerun."
_RESTART = "Restart tcmu-runner on that gateway. To fence the client all the same, name it in remediate_watchers_evict."
# Reason -> what to do. The first that fits counts.
REASONS: t.Mapping[str, str] = {
    of_cluster.OSDS_CHANGED: "Check 'ceph osd tree'. When all OSDs are up, rerun.",
    of_look.MOVED: "Its watch moved meanwhile: rerun.",
    of_fence.MOVED: "Its watch moved meanwhile: rerun.",
    of_look.ANSWERS_ELSEWHERE: "One process has a dead and a living watch: restart that process.",
    of_look.ONLY_WATCHER: _MOVE,
    of_fence.OTHER_IMAGE: _MOVE,
    of_look.UNSEEN: "Fix what hides the rest: an OSD, a placement group, or a missing cap. Then rerun.",
    of_look.PROTECTED: "Check 'ceph mgr stat' and 'rbd mirror pool status', and restart that daemon.",
    of_look.INACTIVE: "Check 'ceph health detail', and heal that placement group. Then rerun.",
    of_fence.ACKNOWLEDGED: "The client only paused: rerun. If the LUN still hangs, check that client.",
    of_fence.NOT_ASKED: _FIX,
    of_fence.NOT_ASKED_ON: _FIX,
    of_fence.SERVICE_UNKNOWN: _FIX,
    of_look.NOTHING_HEALED: "First follow the reason of that other client.",
    of_fence.SERVER_SILENT: "Check the gateway: it might have ended meanwhile. When it responds, rerun.",
    of_fence.SERVER_LEFT: "Start the gateway, then rerun: that client might have been a command, such as 'rbd snap create'.",
    messages.NO_PROOF_OF_SERVICE: "If the LUN is down, start its target, then rerun. If it is not known, name it in "
    "remediate_watchers_luns. To fence the client all the same, name it in remediate_watchers_evict.",
    messages.BEHIND_LUN: "It is the kernel client behind the LUN: check 'dmesg' on that gateway for why it is silent.",
    messages.LUNS_UNTOLD: "Run lun_map on that gateway: it might lack root, or hang ('ps -eo stat,wchan:30,args' shows state D). Or name the client in "
    "remediate_watchers_evict.",
    of_fence.CAME_BACK: "The client's host is back: rerun.",
    of_look.GATEWAY: _RESTART,
    messages.TCMU_RUNNER: _RESTART,
    of_look.GATEWAY_HOST: _RESTART,
    messages.PROTECTED_BY: "Your own remediate_watchers_protect spares it: end the client by hand, or take the rule away for one run.",
    messages.NOT_APPROVED: "The look before the approval did not name it: look again, then approve what that look names.",
    messages.TOO_MANY: "Look for what the clients have in common: a host, a switch, an OSD. If they are dead, raise remediate_watchers_max_fence.",
    of_look.EVICT_TOO_FEW: "Name other clients in remediate_watchers_evict, or more of them.",
    of_look.UNTESTED_ELSEWHERE: "Check why the OSD of that image does not respond, then rerun.",
    of_look.UNTESTED: "Check why the OSD of that image does not respond, then rerun.",
}

OPEN = {
    "went_by_itself": "The stale watcher was no longer stale when asked again. Probe the LUN with scsi_reserve_probe and write_path=flush. "
    "If it does not respond, rerun.",
    "freed": "Map or delete the image: no client has it open.",
    "kept": "End that client on its host. If that host is off, wait six minutes. Then rerun, or run cephops.iscsi_rescue.restore_blacklist, to remove "
    "its entry.",
    "kept_unseen": "Make sure that the client is gone. Then run cephops.iscsi_rescue.restore_blacklist with remediate_watchers_restore=always and the "
    "address in restore_blacklist_addresses. Otherwise the entry stays until it expires.",
    "kept_young": "Wait until the quorum is five minutes old (remediate_watchers_quorum_settle). Then run cephops.iscsi_rescue.restore_blacklist, without "
    "remediate_watchers_restore=always.",
    "kept_never": "Nothing: remediate_watchers_restore is never, and the entry expires by itself.",
    "kept_busy": "Wait a minute, then run cephops.iscsi_rescue.restore_blacklist.",
    "kept_passed_over": "Heal that image first, then rerun.",
    "lapsed": "Run 'rbd status' on the image. If that client is back, end it. rbd-target-api removes the entries of its host when it starts.",
    "fenced_living": "If that entry is a mistake, remove it: 'ceph osd blocklist rm ENTRY', or 'ceph osd blocklist range rm RANGE'. Then restart the client.",
    "left_locked": "Check whether the remaining client can write: a client that is allowed to blocklist others takes the lock by itself. If it "
    "cannot, fix what the reason names, then rerun.",
    "unproven": "Probe the LUN with scsi_reserve_probe, or give a working path in remediate_watchers_luns. Then rescan it on the initiators.",
    "pathless": "Check on an initiator that the LUN responds. To have it probed, name it in remediate_watchers_luns, with a host that has it as a disk.",
    "no_access": "On the target, give the probe's own name (remediate_watchers_probe_initiator) access to the LUN. Never probe under the name of an ESXi host. "
    "Then probe the LUN with scsi_reserve_probe.",
    "not_probed_again": "Probe the LUN again with scsi_reserve_probe.",
    "unknown_lun": "Check whether the LUN responds. To have it probed, name it in remediate_watchers_luns.",
    "conflict": "Another initiator holds the LUN. If that is wrong, find it with scsi_reserve_probe, kernel_log and, on LIO, lun_map.",
    "unwell": "The fault is in the target or behind it: check its log, and restart the target's LUN.",
    "gateway": "Check that gateway, then rerun.",
    "unseen": "Fix the gap, then rerun.",
    "foreign": "Find out whether an operator or Ceph made that entry. If it is a mistake, remove it: 'ceph osd blocklist rm ENTRY'.",
    "in_use": "End that client on its host, then rerun.",
    "revived": "That client is alive: check remediate_watchers_dead_hosts. If its host should be given up, end the client there.",
    "no_effect": "Check the address with 'rbd status' of the image. A client that responds is fenced only if more clients respond than expected.",
    "stray": "Check whether an interrupted 'rbd rm' left this header.",
    "unsettled": "Read the error, then rerun: the next run restores the entries that this run left.",
}


def of_refusal(state: str, reasons: t.Sequence[str]) -> str:
    """Returns what to do about a refused image: by its reasons, or by its state."""
    fitting = [next((step for sentence, step in REASONS.items() if fits(sentence, reason)), "") for reason in reasons]
    return " ".join(dict.fromkeys(filter(None, fitting))) or STATES[state]

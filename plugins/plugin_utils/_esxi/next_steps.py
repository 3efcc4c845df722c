# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the next step for each pattern, and for each further detail of a device's events. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.failure_pattern import HEALABLE, Pattern

Data = t.Mapping[str, t.Any]

PATTERNS: dict[Pattern, str] = {
    "hung": "Run remediate_watchers with the file of suspects.",
    "mixed": "Find the holder with scsi_reserve_probe and write_path=flush, then run remediate_watchers with the file of suspects.",
    "errors": "Check the storage behind the image. Then run remediate_watchers with the file of suspects, to check its watchers.",
    "slow": "Check the load of the Ceph cluster and the network. Then run remediate_watchers, to check the watchers.",
    "permanent_loss": "Check that the target still exports the LUN. If it was removed on purpose, unmount the datastore and detach the device on ESXi.",
    "all_paths_down": "Check the network, the gateway and its target. When a path is back, rescan on ESXi and run this playbook again. "
    "If other LUNs of that gateway have paths, look at this image with remediate_watchers.",
    "no_space": "Check ceph df and the pool's quota, and free or add space.",
    "miscompare": "Check which hosts share the datastore, and whether commands timed out before. See VMware's article 2113956.",
    "paths": "Check the network, the gateway's iSCSI target and esxcli storage core path list.",
    "conflict": "Find the holder with scsi_reserve_probe and kernel_log, and with lun_map on LIO.",
    "recovered": "Nothing is open. If the trouble comes back, run this playbook while it lasts.",
    "answers": "Nothing.",
    "counters": "Nothing, unless users of this host complain.",
}
# By an event's detail, or by its kind.
DETAILS: dict[str, str] = {
    "all_paths_down": "APD: the host has no path to the device. ESXi waits 140 seconds for one.",
    "permanent_loss": "PDL: the target denied the LUN to the host. Check the target's access list for this initiator.",
    "ats_miscompare": "ATS miscompare: another host was faster, or a command that timed out had been executed. A few are normal.",
    "out_of_space": "Out of space: writes fail until space is freed or added.",
    "all_paths_down_timeout": "APD timeout: since then, ESXi fails I/O of virtual machines at once. When a path is back, restart those that do not recover.",
    "device_blocked": "Device blocked: ESXi holds back its I/O until a path works.",
    "path_dead": "Dead path: check its gateway. If the device has another path, ESXi uses that.",
    "redundancy_lost": "Redundancy lost: restore the path before you take another gateway down.",
    "session_lost": "iSCSI session lost: check the gateway's target and the network between, and the target's own log at this time.",
    "task_management": "An abort or a reset timed out: the target did not respond to it. Check its commands in flight.",
    "heartbeat_timed_out": "Heartbeat timed out: a small write to the datastore timed out. Other hosts can now break this host's locks.",
    "heartbeat_miscompare": "The heartbeat on disk is not what ESXi wrote: look for a command that timed out but was still executed.",
    "reservation_lost": "Reservation lost: a reset or another initiator ended it. Find it with kernel_log on the gateway.",
    "lock_wait": "Lock of VMFS not free: find the host that owns it with vmkfstools -D FILE.",
    "long_reservation": "Long reservation: the LUN was slow while it was reserved, and all other hosts waited.",
    "latency": "Latency: compare with the latency of the pool (ceph osd perf).",
    "busy": "Busy: the target's queue is full (D:0x8, D:0x28), or the adapter was busy (H:0x2). Check the load of the gateway.",
}


# If the image is not known, it is not in the file of suspects.
WITHOUT_IMAGE = "Find the image first: put its gateway into the group iscsi_gateways, then run this playbook again. Or name it in remediate_watchers_images."


def steps(pattern: Pattern, episode: t.Sequence[Data], healable: bool) -> list[str]:
    """Returns what to do: the pattern's own step, then a sentence for each detail, in the order of their appearance."""
    told = dict.fromkeys(_key(event) for event in episode)
    first = PATTERNS[pattern] if healable or pattern not in HEALABLE else WITHOUT_IMAGE
    return [first, *(DETAILS[one] for one in told if one in DETAILS)]


def _key(event: Data) -> str:
    return str(event["detail"] if event["detail"] in DETAILS else event["kind"])

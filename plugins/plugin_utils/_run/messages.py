# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what a run says, by name. The next steps are in next_steps, and the words of outcomes in outcomes.

Settings have their messages where they are checked. Fields are in braces; the runbook writes a reason's fields in capitals.
"""

from __future__ import annotations

# Why a run must not go on, or failed.
PROBER_UNREACHABLE = "Ansible cannot reach {hosts}, which probes the LUNs. Check that host, or name another one in remediate_watchers_probe_host."
OUT_OF_REACH = (
    "{image}: {lun} cannot be probed: {reason}. Nothing was fenced. Correct its entry in remediate_watchers_luns, or add one. "
    "To heal without proof, remove that entry and set remediate_watchers_find_luns to false. "
    "A client that might be alive is then fenced only if remediate_watchers_evict names it."
)
TIMED_OUT = "Timed out after {seconds} s: {faults}"
STILL = "{image} is still {state}"
UNSERVED = "{image} has no watcher, so no client serves it"
LOCK_STAYS = "the lock of {image} still belongs to {owner}, and {reason}"
LOCK_KEPT = "The lock of {image} was not broken: {reason}"
LUN_FAILS = "{image}: its LUN is {verdict}, although its watchers are as expected: {reason}"
ENTRY_LEFT = "{client} is still blocklisted, but no lease explains it. Check 'ceph osd blocklist ls', and remove the entry by hand."
ENTRY_LOST = "{client} is no longer blocklisted, but no lease explains it. Check 'ceph osd blocklist ls', and add the entry by hand."
DEBUG_LEFT = "Gateway {host}: its debug messages could not be switched off ({reason}). Do so by hand, with the modules dynamic_debug and scst_trace_level."
NO_REASON = "no reason given"

# Clients that come back after their entry was removed.
BACK_FENCED = "{clients} came back after the entry was removed, and was fenced again: {reasons}"
BACK_SPARED = "{client} came back after the entry was removed, and was not fenced again: {reason}"
NO_OTHER_RESPONDS = "no other watcher of {image} responds"
PROTECTED = "remediate_watchers_protect protects it"
UNCONFIRMED = "a second look did not confirm it"

# Why a client is spared.
PROTECTED_BY = "it is protected by '{rule}'"
NOT_APPROVED = "remediate_watchers_approved does not name it"
TOO_MANY = "clients to fence: {n}, remediate_watchers_max_fence: {m}; so many rarely die at once: check the network and the OSDs, or raise the limit"
BEHIND_LUN = "gateway {host} serves a LUN through it; to fence it anyway, name it in remediate_watchers_evict"
LUNS_UNTOLD = "gateway {host} did not tell its LUNs, so whether it serves one through this client is not known"
TCMU_RUNNER = "gateway {host} serves {image} by tcmu-runner, which might be this client"
NO_PROOF_OF_SERVICE = (
    "the client might be alive, and no LUN of {image} responded, so the client that responds might be a command that waits for it; "
    "give the LUN in remediate_watchers_luns, or name the client in remediate_watchers_evict"
)

# What is added to the reasons of an image or a client.
LAST_NOTIFY = "a last notify before the fence timed out after {seconds:.0f} s"
WENT_BY_ITSELF = "{clients} stopped watching by itself before the fence"
CONTINUED = "an earlier run fenced a client of this image, and this run continues it"
PASSED_OVER = "it was fenced for an image that is refused now, so this run did not check whether the client is gone"

# What the probes after the fence prove.
FREE = "free: map or delete it"
NOT_PROVEN = "not proven: {reason}"
NOT_WRITTEN = "not proven: {lun} was not written to ({verdict}, {reason})"
NOT_REACHED = "not proven: {lun} was not reached ({verdict}, {reason})"
WRITE_PROVEN = "proven: a write through {lun} reached the storage"
LOCK_MOVED = "proven: the lock moved to {owner}, which is alive, and gateways take it only to write"
WRITE_CACHED = "answered: {lun} took a write, which might still be in the target's cache"
FLUSH_AGAIN = "answered: {lun} took a flush, which had timed out before the fence; no write was sent"
FLUSH = "answered: {lun} took a flush, which its target might answer by itself; no write was proven"
LOCK_TAKEN = "{proof}; gateway {gateway} took the lock for that"
LUN_UNKNOWN = "its LUN is not known"
NOT_PROBED = "its LUN was not probed after the fence"
NOT_PROBED_FROM = "its LUN was not probed after the fence, from {hosts}"

# Why the LUN of an image has no path.
NO_NAME = "gateway {gateway} does not tell the serial number, EUI or NAA of {lun}"
NOT_ISCSI = "{lun} of gateway {gateway} is not served over iSCSI"
LUN_TOO_HIGH = "the probe addresses no LUN above {highest}, and gateway {gateway} has {lun}"
NO_ACCESS = "gateway {gateway} does not let {initiator} see {lun}"

# What is open when a run has ended.
UNSETTLED = "The blocklist was not restored: clients might still be fenced under open leases"
KEPT = "{address} stays blocklisted until {until}: {reason}"
LAPSED = "{address}: the entry that run {run} made for {images} was removed before it expired"
REFUSED = "{image} is still {state}: {reasons}"
LUN_UNWELL = "{image}: {lun} was {verdict} when last probed: {reason}"
UNPROBED = "{image}: only its watchers show that it is healed, since no LUN was probed: {reason}"
GATEWAY_SILENT = "Gateway {host} did not tell all its LUNs: {reason}"
NOT_SEEN = "Not seen: {gap}"
LEASES_UNREAD = "Leases not read: {gap}"
FOREIGN = "{address}: its blocklist entry was not made by this run, and was left alone"
NO_EFFECT = "{address} in remediate_watchers_evict had no effect: {reason}"
NOT_WATCHING = "it watches no image that is sick or that was named"
NOT_FREED = "{image} was not freed: {clients} uses it"
REVIVED = "{address} on {host} responds on {images}, although remediate_watchers_dead_hosts names its host: it was not fenced"
UNKNOWN_HOST = "an unknown host"
STRAY = "{header} in pool {pool} has watchers, but belongs to no image"
FENCED_LIVING = "{client} is alive and fenced by {entry} until {until}"
FENCED_LIVING_BY_RUN = "{client} is alive and fenced by {entry} until {until}, by run {run} of this role"

# The origin of an entry that this run did not make.
OF_OTHERS = "a manager or an operator"
OF_GATEWAY = "probably a gateway that took the lock of {image}, which that client watched"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds every sentence that a look gives as a reason. Code, tests and next steps name a sentence instead of quoting it.

Fields are in braces. The runbook writes each field in capitals.
"""

from __future__ import annotations

# Of one watcher.
ACKNOWLEDGED = "it acknowledged the notify"
SILENT = "it did not answer the notify"
SILENT_FOR = "it was silent for {seconds} s in {n} notifies"
GONE = "{reason}, and has no session on any monitor: the client is gone, or silent for over 5 minutes"
HAS_SESSION = "{reason}, but still has a session on a monitor, from host {host}"
SESSION_UNKNOWN = "{reason}, and whether the client is still running is unknown ({gap})"
OTHER_ADDRESS = "a monitor has a session of its id at another address"
NO_SESSIONS = "no sessions were read"
MOVED = "its watch appeared or disappeared during the notify"
NOT_ASKED = "its liveness was not tested"

# Of the owner of a lock.
OWNS = "it holds the exclusive lock without watching the image"
OF_OWNER = "{address}: {reason}"

# Of an image: its state.
COUNTS = "watchers: {n}, expected: {m} (alive: {alive}, stale: {stale}, unknown: {unknown})"
NORMAL = "watchers: {n}, expected: {m}"
CONTESTED = "{counts}; more clients respond than expected, and the evidence does not tell which one is wrong"
HEADLESS = "{counts}; no watcher responded, so the OSDs or the network might be at fault"
DEGRADED = "{counts}; an expected watcher is silent, but there is no duplicate to fence"
UNDETERMINED = "the evidence does not tell which watcher is stale: rerun"
UNTESTED = "{address} could not be tested: {reason}"
UNREADABLE = "its watchers could not be read: {reason}"
DAEMON = "{reason}; {what} also watches it, but serves no initiator"
PLACE = "its header is in {pg}"

# Of an image: what happens to it.
NEVER_FENCED = "{reason}; no client is fenced"
FREED = "it is to be freed, and no client serves it"
NOT_FREED_DAEMON = "it is not freed, since {address} ({what}) watches it: wait until Ceph has finished its work on the image"
NOT_FREED_LIVING = "it is not freed, since {address} might be alive: end that client on its host, or name it in evict"
ON_DEAD_HOST = "{address} responds, although its host is given as dead, and is not fenced"
ALL_DEAD = "all its clients are on hosts that are given as dead"
ONLY_GONE = "only the clients that are gone are fenced: {address}"
EVICT_TOO_FEW = "evict would leave {n} watchers, expected are {m}, all alive: name other clients, or more"
EVICTED = "evict names {address} as the surplus"
NOTHING_HEALED = "another surplus watcher of its images is spared, so fencing it would heal nothing"

# Of a client to fence.
ON_IMAGE = "on {image} {reason}"
ON_IMAGE_EVICTED = "on {image} {reason}, and evict names it"
REACH = "it also watches {image}: fencing cuts it off there, too"

# Against fencing a client: one or more for each guard.
ANSWERS_ELSEWHERE = "the same client responds on {image}: fencing its address would cut off a healthy watch"
ONLY_WATCHER = "the client might still be running, and {image} has no other responding watcher: fencing it would take {image} offline"
UNTESTED_ELSEWHERE = "the client might still be running, and could not be tested on {image}: {reason}"
UNSEEN = "the client might still be running, and what else it serves is unknown: {gap}"
PROTECTED = "it is {what}, which belongs to Ceph itself"
GATEWAY = "it is the gateway {host} of {image}, by the service map: restart tcmu-runner there, or name the client in evict"
GATEWAY_HOST = "it is on the host of gateway {host}, which responds for other clients: restart tcmu-runner there, or name the client in evict"
INACTIVE = "the header of {image} is in {pg}: heal the placement group first"

# What a look could not see.
SKIPPED = "it was skipped, since {n} other images of pool '{pool}' timed out"
READ_FAILED = "reading it failed: {reason}"
IMAGES_UNREAD = "{image} could not be read: {reason}"
PLACE_UNKNOWN = "its placement group is unknown: {reason}"
IN_INACTIVE_GROUPS = "watchers in {n} inactive placement groups cannot be seen ({pg}): check 'ceph health detail'"
OSDS_DOWN = "OSDs {osd} are down, and {gap}"
ODD_WATCH = "an OSD lists a watch in an unknown form: {what}"
MIRRORS_UNKNOWN = "whether it is an rbd-mirror, since the service map could not be read: {gap}"

# How the watchers were read, and why so.
BY_REQUEST = "survey asks for it"
ONLY_NAMED = "only named images are looked at"
NO_SWEEP = "the OSDs do not list their watchers to this user: {reason}"
SWEPT = "{n} OSDs listed all their watchers"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds every sentence on why a client is not fenced, or an entry or a lock stays. Code, tests and next steps name a sentence instead of quoting it.

Fields are in braces. The runbook writes each field in capitals.
"""

from __future__ import annotations

# Why a client is not fenced, by the last notify.
ACKNOWLEDGED = "it acknowledged the last notify on {image} before the fence, so it is alive"
MOVED = "its watch on {image} appeared or disappeared during the last notify"
NOT_ASKED = "it could not be asked before the fence: {reason}"
NOT_ASKED_ON = "it could not be asked on {image} before the fence: {reason}"
SERVICE_UNKNOWN = "whether its images are still served could not be read before the fence: {reason}"
SERVER_SILENT = "no client that served {image} in the look acknowledged the last notify before the fence"
SERVER_LEFT = "the client that served {image} in the look closed the image before the fence"
NOT_FREED = "another client acknowledged the last notify on {image}, so it is not to be freed"
OTHER_IMAGE = "it also watches {image}, where no other client acknowledged the last notify: fencing it might take that image offline"
CAME_BACK = "it was gone in the look, and has a session again, so it might be alive: rerun"

# Why an entry stays.
NEVER = "restore is never, so the entry stays until it expires"
UNDER_WAY = "run {run} fenced it less than {n} s ago and might still be active: wait for it, then rerun restore_blacklist"
ALIVE = (
    "the client still has a session on a monitor, as {user} on host {host}: end it there, then rerun restore_blacklist; "
    "if its entry were removed now, the client would take the image back"
)
LIFE_UNKNOWN = "whether the client is still running is unknown ({gap}): rerun restore_blacklist once all monitors answer"
SEEN_ONCE = "it was found gone only once"
POOL_STAYS = "the leases in pool '{pool}' stay open: {reason}"

# Why a lock is not broken.
LOCK_UNREAD = "its lock could not be read: {reason}"
OWNER_WATCHES = "{address} holds its lock, and watches it"
OWNER_LIVES = "{address} holds its lock, and might be alive: {reason}"
OWNER_HAS_SESSION = "it has a session on a monitor"
OWNER_NOT_FENCED = "{address} holds its lock, and is not blocklisted: if it came back, it would continue to write"

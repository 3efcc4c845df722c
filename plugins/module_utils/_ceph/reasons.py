# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds every sentence on what the cluster did not tell, or why a notify proves nothing. Code, tests and next steps name a sentence instead of quoting it.

Fields are in braces. The runbook writes each field in capitals.
"""

from __future__ import annotations

# Of a notify.
NOT_SENT_IN_TIME = "the notify could not be sent in time: check whether the monitors have a quorum"
NOT_SENT = "the notify could not be sent: {reason}"
OSD_SILENT = "the OSD that holds the header did not answer the notify"
NOTIFY_FAILED = "the notify failed: {reason}"
OSDS_CHANGED = "the OSDs that serve its header changed at {time}, and clients need up to {n} s to watch again: check 'ceph osd tree', then rerun"
HISTORY_UNKNOWN = "the history of its placement group could not be read: {reason}"
GROUP_UNKNOWN = "the placement group of its header is unknown: {reason}"
NO_LEADER = "no OSD leads its placement group: check 'ceph osd tree'"
DELIVERY_UNPROVEN = "whether its OSD delivers notifies is not proven: {reason}"
CONTROL_TIMED_OUT = "no time was left after {n} s"
CONTROL_NO_NAME = "no object of pool {pool} was found that osd.{osd} leads"
CONTROL_UNHEARD = "a notify to this module's own watch ended without reaching it"

# Of the monitors' sessions.
SESSIONS_UNREAD = "the monitors' sessions could not be read: {reason}"
NO_SESSION_LIST = "this release of Ceph does not list its monitors' sessions to clients"
YOUNG_QUORUM = "{n} of {m} monitors are in quorum, since {seconds} s ago, and a client that was silent meanwhile would have no session"
EMPTY_SESSIONS = "a monitor listed no sessions"
ODD_SESSION = "the session of {client} has no readable address"

# Of placement groups and headers.
GROUPS_UNREAD = "the states of the placement groups could not be read: {reason}"
MANAGER_WAITS = "the manager does not know all placement groups yet"
HEADERS_UNREAD = "{what} could not be read: {reason}"
ODD_ERROR = "{what} failed: {reason}"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds every sentence that a probe gives as its reason. Code and tests name a sentence instead of quoting it.

A note follows the reason, after a semicolon. Fields are in braces.
"""

from __future__ import annotations

# Reasons.
HEALTHY = "every step responded in time"
SLOW = "{steps}, limit: {seconds} s"
SLOW_STEP = "{what} took {seconds} s"
TIMED_OUT = "{what} timed out after {seconds} s"
CONFLICT = "another initiator holds the LUN: {what} met a reservation conflict, so the LUN does not hang"
REGISTERED = "persistent reservation keys are registered ({what}), so RESERVE would conflict and was not sent; every other step responded"
FAULT = "the LUN answered {what} with {status} ({sense})"
NO_SENSE = "no sense"
UNKNOWN_COMMAND = "the LUN does not know the command of write_path={what}: choose another write_path"
NO_CAPACITY = "the LUN does not tell its capacity"
LOGIN_TIMED_OUT = "the login to the target timed out after {seconds} s"
NO_SUCH_LUN = "the target has no such LUN"
MISMATCH = "another LUN than the wanted one is there: {what}"
OTHER_NAME = "its {what} is {name}, not {wanted}"

# Why the session is lost, or there is none.
SESSION_LOST = "the session was lost at {what}: {reason}"
NO_CONNECTION = "no TCP connection to the portal {portal}: it was refused or reset"
CONNECTION_LOST = "the connection was lost"
CLOSED = "the target closed the connection"
NO_ADDRESS = "the name {host} has no address: {reason}"
NO_NAME = "it is no host name"
LOOKUP_TIMED_OUT = "the lookup timed out"
HELPER_KILLED = "the helper process was killed"
HELPER_FAILED = "the helper process failed at {what}: {reason}"
DEVICE_SAYS = "{device} reports: {reason}"
NOT_DELIVERED = "the kernel could not deliver {what}: {reason}"

# Notes.
OWN_RESERVATION = "RESERVE was not sent, since this initiator itself holds the LUN, and RELEASE would end that"
KEYS_CUT = "registered keys: {n}, listed: {m}"
NOT_WRITTEN_CHECK_MODE = "writes: not tested in check mode"
NOT_WRITTEN_LOCK = "writes: not tested, since this gateway would break the image's lock and blocklist its owner; write_path=lock tests them anyway"
NOT_WRITTEN = "writes: not tested, since the LUN refused SYNCHRONIZE CACHE ({sense})"
ONLY_FLUSHED = "writes: only flushed"
NO_COMPARE_AND_WRITE = "the LUN has no COMPARE AND WRITE"
REFUSED_COMPARE_AND_WRITE = "the LUN refused COMPARE AND WRITE ({sense})"

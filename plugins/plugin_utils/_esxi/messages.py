# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds what a diagnosis of ESXi says, by name. The words of patterns are in failure_pattern, and the next steps in next_steps."""

from __future__ import annotations

# What was read.
LOG_READ = "log of {log}{parts}: {lines}, {troubled} tell of devices in trouble{dropped}{ended}"
PARTS = " with {parts}"
DROPPED = ", the {number} oldest of them left out"
ENDED = ", {number} tell that a trouble ended"
NOT_UNDERSTOOD = "log of {log}: {lines} of storage modules not understood. Please report the most frequent: {examples}"
GATEWAY_READ = "gateway {gateway}: {luns}"

# What was not read.
NOT_GIVEN = "{host} did not give its {what}: {reason}"
ENDED_EARLY = "the {what} of {host} ended early: {reason}"
UNREADABLE = "the {what} of {host} cannot be read: {reason}"
TOO_LONG = "the {what} of {host} has {size:,} bytes, of which the last {read:,} were read: raise diagnose_esxi_log_bytes to read more"
GATEWAY_SILENT = "gateway {gateway} did not tell its LUNs: {reason}"
OTHER_LOG = "{log} is no vmkernel.log, vmkwarning.log or vobd.log: none of its lines has the form of these logs"
NO_ANSWER = "no answer"

# Output of esxcli.
NOT_ESXCLI = "this is not output of esxcli"
BAD_CSV = "The output of esxcli begins as CSV, but is not valid CSV ({error}). Check where it comes from."
SHORT_CSV = "The output of esxcli is CSV with {number} names, but one line has other fields: {line!r}."
BAD_JSON = "The output of esxcli begins as JSON, but is not valid JSON ({error}). Check whether it was cut off."
BAD_XML = "The output of esxcli begins as XML, but is not valid XML ({error}). Check whether it was cut off."
DECLARED_XML = "The output of esxcli is XML with declarations, which esxcli never prints. Check where it comes from."
BAD_TABLE = "The output of esxcli is a table, but one line does not fit its columns: {line!r}. Use --formatter=csv."

# The suspects.
NO_SUSPECT = "The logs show no device in trouble."
UNNAMED = "a device that no line names"
SEEN = "seen: {counts}{when}"
JUDGED = "judged by one of {number} episodes: {counts}{when}"
AMBIGUOUS = "several LUNs have this name, so none of these images is in the file of suspects: give each LUN a unique name"
NO_IMAGE = "no image: {reason}"
NO_DEVICE = "no line names the device of this path or volume; give the datastores' extents (diagnose_esxi_extents) and older parts of the log"
NO_RBD_IMAGE = "{stack} serves it from {backing}, which is no RBD image"
NOT_EXPORTED = "no gateway exports a LUN of this name; check that its gateway is in the group iscsi_gateways"

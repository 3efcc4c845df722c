# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the status words of a SCSI command as ESXi logs them: host, device and plugin status, and sense data. Pure.

Sources: Broadcom's articles 289902 (host status), 338435 (device status), 330644 (plugin status) and 318712 (the sense data of a permanent device loss);
SPC-4 4.5.6 (sense keys).
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import Kind, Meaning

STATUS = re.compile(
    r"H:(0x[0-9a-f]{1,8}) D:(0x[0-9a-f]{1,8}) P:(0x[0-9a-f]{1,8})(?: (\w+) sense data:? (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}))?"
)
OPCODE = re.compile(r"(?:Cmd|Command|command)(?: ?\(0x[0-9a-f]{1,16}\))? (0x[0-9a-f]{1,2})\b")

_CONFLICT, _GOOD = "0x18", "0x0"
_ATS = "0x89"
# No sense, recovered error, illegal request, unit attention, miscompare. The device is well, but did not execute this command.
_WELL = frozenset(("0x0", "0x1", "0x5", "0x6", "0xe"))
# Article 318712: logical unit not supported, failed self-configuration, failed self-test, failure. SPC-4: 27h/07h is "space allocation failed".
_SENSE: dict[str, Kind] = {
    "0x5 0x25 0x0": "permanent_loss",
    "0x4 0x4c 0x0": "permanent_loss",
    "0x4 0x3e 0x3": "permanent_loss",
    "0x4 0x3e 0x1": "permanent_loss",
    "0x7 0x27 0x7": "out_of_space",
}
_MISCOMPARE = "0xe 0x1d 0x0"
_DEVICE_STATUS: dict[str, Kind] = {_CONFLICT: "reservation_conflict", "0x2": "check_condition", "0x8": "busy", "0x28": "busy"}
# Timed out, aborted, reset; no connection; bus busy.
_HOST_STATUS: dict[str, Kind] = {"0x3": "timeout", "0x5": "timeout", "0x8": "timeout", "0x1": "no_connection", "0x2": "busy"}
# These say more than the sense data beside them.
_PLUGIN_FIRST: dict[str, Kind] = {"0x5": "ats_miscompare", "0x8": "out_of_space"}
# A transient error, a reservation lost, a command put back into the queue, a thin LUN that grows.
_PLUGIN_STATUS: dict[str, Kind] = {"0x1": "command_failed", "0x3": "reservation_lost", "0x4": "busy", "0x6": "busy"}


def search(message: str) -> t.Optional[re.Match[str]]:
    """Finds the status words: host, device and plugin status, then the validity of the sense data and its three numbers."""
    return STATUS.search(message) if "H:0x" in message else None


def opcode(message: str) -> str:
    """Returns the operation code of the command, such as 0x2a, or ''."""
    hit = OPCODE.search(message) if " 0x" in message else None
    return hit[1] if hit else ""


def sense(status: re.Match[str]) -> str:
    """Returns sense key, code and qualifier if ESXi calls them valid, otherwise ''. Only valid ones come from the device."""
    return " ".join(status.groups()[4:]) if status[4] == "Valid" else ""


def meaning(status: re.Match[str], message: str) -> t.Optional[Meaning]:
    """Returns what the status words tell, None for nothing."""
    kind = _kind(status[1], status[2], status[3], sense(status), message)
    return Meaning(kind) if kind else None


def _kind(host: str, device: str, plugin: str, told: str, message: str) -> t.Optional[Kind]:
    if device == _CONFLICT:
        return "reservation_conflict"
    if plugin in _PLUGIN_FIRST:
        return _PLUGIN_FIRST[plugin]
    if told in _SENSE:
        return _SENSE[told]
    if told == _MISCOMPARE and opcode(message) in (_ATS, ""):
        return "ats_miscompare"
    if told.partition(" ")[0] in _WELL:
        return "answered"
    if device in _DEVICE_STATUS:
        return _DEVICE_STATUS[device]
    return _HOST_STATUS.get(host, "command_failed") if host != _GOOD else _PLUGIN_STATUS.get(plugin)

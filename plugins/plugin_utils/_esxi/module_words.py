# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the words of the VMkernel's storage modules: the first phrase of a table that a message holds counts. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import NOTHING, Detail, Kind, Meaning, Read

Row = tuple[str, Read]
# A word that all phrases of a subject share, and the phrases. Most messages hold none of these words, so most phrases are never looked for.
Subject = tuple[str, tuple[Row, ...]]

# Modules that speak of SCSI devices, of paths to them, and of VMFS on them.
_SCSI = "NMP HPP ScsiDeviceIO ScsiDevice ScsiDeviceToken ScsiCore ScsiPath ScsiScan Scsi SCSI StorageApdHandler StorageApdHandlerEv"
_SATP = "VMW_SATP_ALUA VMW_SATP_ALUA_CX VMW_SATP_DEFAULT_AA VMW_SATP_DEFAULT_AP VMW_SATP_LOCAL VMW_SATP_CX VMW_SATP_SYMM VMW_SATP_SVC VMW_SATP_EQL VMW_SATP_MSA"
_PSP = "VMW_PSP_RR VMW_PSP_FIXED VMW_PSP_MRU vmw_psp_rr vmw_psp_fixed vmw_psp_mru"
_VMFS = "Partition LVM Vol3 Fil3 FS3 FS3J FS3Misc HBX J3 J6 Res3 Res6 DLX ATSLock VMFS"
_ISCSI, _FSS = "iscsi_vmk", "FSS"
MODULES = frozenset(f"{_SCSI} {_SATP} {_PSP} {_VMFS} {_ISCSI} {_FSS}".split())


def _rows(kind: Kind, detail: Detail, *phrases: str) -> tuple[Row, ...]:
    return tuple((phrase, Meaning(kind, detail)) for phrase in phrases)


def _nothing(*phrases: str) -> tuple[Row, ...]:
    return tuple((phrase, NOTHING) for phrase in phrases)


_RESERVES: Subject = (
    "reserv",
    (*_rows("reservation_conflict", "", "reservation conflict"), *_rows("reserve_failed", "", "failed to reserve volume", "reservation error")),
)
_APD: Subject = (
    "apd",
    (
        *_rows("recovered", "all_paths_down_exit", "apd exit", "apd_exit", "out of apd"),
        *_nothing("apd handle", "timer killed", "apd unregist"),
        *_rows("path_in_doubt", "all_paths_down_timeout", "apd timeout", "apd_timeout"),
        *_rows("path_in_doubt", "all_paths_down", "all paths down", "apd start", "apd_start", "apd timer"),
    ),
)
_ALL_PATHS_DOWN: Subject = (
    "all paths down",
    (
        *_rows("recovered", "all_paths_down_exit", "exited the all paths down"),
        *_rows("path_in_doubt", "all_paths_down_timeout", "all paths down timeout"),
        *_rows("path_in_doubt", "all_paths_down", "all paths down"),
    ),
)
_PDL: Subject = (
    "perm",
    (
        *_rows("recovered", "device_restored", "no longer permanently"),
        *_rows("permanent_loss", "", "permanently inaccessible", "permanently unavailable", "perm loss", "permanent device loss"),
    ),
)
_HEARTBEAT = (
    *_rows("ats_miscompare", "heartbeat_miscompare", "miscompare"),
    *_nothing("reclaiming"),
    *_rows("recovered", "heartbeat_reclaimed", "reclaimed"),
    *_rows("timeout", "heartbeat_timed_out", "timed out", "timeout"),
)
_PATHS: Subject = (
    "path",
    (
        *_rows("recovered", "path_restored", "from dead"),
        *_rows("path_in_doubt", "no_path", "could not select path", "no active path", "no working path"),
        *_rows("path_in_doubt", "path_dead", "to dead", "is down"),
        *_rows("path_in_doubt", "path_changed", "changing active path"),
        *_nothing("add path", "claimed path"),
    ),
)
_PERFORMANCE: Subject = ("performance has", (*_rows("slow", "latency", "deteriorated"), *_rows("recovered", "latency_improved", "improved")))
_DEVICE: Subject = (
    "device",
    (
        *_rows("path_in_doubt", "device_blocked", "is blocked", "to quiesced dev"),
        *_rows("permanent_loss", "", "due to not found"),
        *_rows("recovered", "all_paths_down_exit", "state back to 0x2"),
        *_rows("recovered", "connectivity_restored", "retry world recovered"),
        *_rows("recovered", "device_restored", "turned on administratively"),
        # A device without volumes, a new one, and what ESXi does after a LUN was taken from it.
        *_nothing("does not contain a logical volume", "detected to be a snapshot", "successfully registered", "retry world"),
        *_nothing("unregister", "turned off administratively", ": not found"),
    ),
)
_LOCKS = _rows("lock_wait", "", "checking liveness", "not free")

_SUBJECTS: tuple[Subject, ...] = (
    _RESERVES,
    _APD,
    _ALL_PATHS_DOWN,
    _PDL,
    ("heartbeat", _HEARTBEAT),
    (" hb", _HEARTBEAT),
    ("[hb state", _HEARTBEAT),
    _PERFORMANCE,
    _PATHS,
    _DEVICE,
    ("taskmgmt", _rows("timeout", "task_management", "timeout", "failed")),
)
_PHRASES: tuple[Row, ...] = (
    *_rows("slow", "long_reservation", "rsv time"),
    *_LOCKS,
    *_rows("ats_miscompare", "", "ats miscompare"),
    # Logged without status words where a path is tested.
    *_rows("permanent_loss", "", "0x5 0x25 0x0"),
    *_nothing("deletepath", "unclaim", "power-on reset occurred", "have been discovered"),
    *_rows("answered", "", "not supported"),
    *_rows("timeout", "", "timeout", "timed out", "virt-reset", "exceeded for caller"),
    *_rows("path_in_doubt", "state_in_doubt", "state in doubt", "fastdeviceprobe", "fast path state update"),
    *_rows("command_failed", "", "throttlelog", "nmp_completecommand", "last error status"),
    *_rows("io_error", "", "i/o error", "no such partition"),
    *_rows("no_connection", "", "no connection"),
    *_rows("io_error", "", "failed", "couldn't", "could not"),
)
_SESSIONS: tuple[Row, ...] = (
    *_rows("recovered", "session_recovered", 'marked "online"'),
    *_rows("no_connection", "session_lost", 'marked "offline"', "failed to receive", "failed to transmit"),
    *_rows(
        "no_connection",
        "session_lost",
        "notifying failure",
        "connection closed",
        "nop timeout",
        "nop-out",
        "login fail",
        "login auth",
        "failed to login",
    ),
    # What follows such a line tells its session and its addresses.
    *_nothing("sess [", "conn [", "network tracker", "network resource pool"),
)
_TASKS: tuple[Subject, ...] = (("task mgmt", (*_rows("timeout", "task_management", "timed out"), *_nothing("response received"))),)
# Programs open files that others have open all the time, so "failed" alone is nothing here.
_FILES: tuple[Row, ...] = (
    *_rows("lock_wait", "", "not free"),
    *_rows("timeout", "", "timeout", "timed out", "virt-reset"),
    *_rows("io_error", "", "i/o error"),
    *_rows("no_connection", "", "no connection"),
    *_nothing("busy", "no fs driver claimed", "not found"),
)


def meaning(module: str, message: str) -> Read:
    """Returns what the words of a module tell: a meaning, NOTHING, or None where they are not understood."""
    lower = message.lower()
    if module == _ISCSI:
        return _of_subjects(lower, _TASKS) or _first(lower, _SESSIONS) or _first(lower, _PHRASES)
    if module == _FSS:
        return _of_subjects(lower, (_APD, _ALL_PATHS_DOWN, _PDL)) or _first(lower, _FILES)
    return _of_subjects(lower, _SUBJECTS) or _first(lower, _PHRASES)


def _of_subjects(lower: str, subjects: t.Sequence[Subject]) -> Read:
    for word, rows in subjects:
        found = _first(lower, rows) if word in lower else None
        if found:
            return found
    return None


def _first(lower: str, rows: t.Sequence[Row]) -> Read:
    # A loop, for it is done for every line, and a generator takes twice as long.
    for phrase, read in rows:
        if phrase in lower:
            return read
    return None

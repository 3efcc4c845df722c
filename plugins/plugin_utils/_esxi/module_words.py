# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the words of the VMkernel's storage modules: the first phrase of a table that a message holds counts. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import NOTHING, Detail, Kind, Meaning, Read

Row = tuple[str, Read]
# A word that all phrases of a subject share, and the phrases. Most messages hold none of these words, so most phrases are never looked for.
Subject = tuple[str, tuple[Row, ...]]


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
_DEVICES: Subject = (
    "device",
    (
        *_rows("path_in_doubt", "device_blocked", "is blocked", "to quiesced dev"),
        *_rows("permanent_loss", "", "due to not found"),
        *_rows("recovered", "all_paths_down_exit", "state back to 0x2"),
        *_rows("recovered", "connectivity_restored", "retry world recovered"),
        *_rows("recovered", "device_restored", "turned on administratively"),
        # A new device, and what ESXi does after a LUN was taken from it.
        *_nothing("successfully registered", "retry world", "unregister", "turned off administratively"),
    ),
)
# A device without volumes, and a LUN that was taken from ESXi.
_VOLUMES: Subject = ("device", _nothing("does not contain a logical volume", "detected to be a snapshot", ": not found", "have been discovered"))
_TASK_MANAGEMENT: Subject = ("taskmgmt", _rows("timeout", "task_management", "timeout", "failed"))
_HEARTBEATS: tuple[Subject, ...] = (("heartbeat", _HEARTBEAT), (" hb", _HEARTBEAT), ("[hb state", _HEARTBEAT))

_FAILED: tuple[Row, ...] = (
    *_rows("answered", "", "not supported"),
    *_rows("timeout", "", "timeout", "timed out"),
    *_rows("path_in_doubt", "state_in_doubt", "state in doubt", "fastdeviceprobe", "fast path state update"),
    *_rows("command_failed", "", "throttlelog", "nmp_completecommand", "last error status"),
    *_rows("io_error", "", "i/o error", "no such partition"),
    *_rows("no_connection", "", "no connection"),
    *_rows("io_error", "", "failed", "couldn't", "could not"),
)
_OF_VMFS: tuple[Row, ...] = (
    *_rows("slow", "long_reservation", "rsv time"),
    *_rows("lock_wait", "", "checking liveness", "not free"),
    *_rows("ats_miscompare", "", "ats miscompare"),
    *_rows("timeout", "", "virt-reset", "exceeded for caller"),
    *_FAILED,
)
_OF_SCSI: tuple[Row, ...] = (
    # Logged without status words where a path is tested.
    *_rows("permanent_loss", "", "0x5 0x25 0x0"),
    *_nothing("deletepath", "unclaim", "power-on reset occurred"),
    *_FAILED,
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
# Programs often open files that others have open, so "failed" alone means nothing here.
_FILES: tuple[Row, ...] = (
    *_rows("lock_wait", "", "not free"),
    *_rows("timeout", "", "timeout", "timed out", "virt-reset"),
    *_rows("io_error", "", "i/o error"),
    *_rows("no_connection", "", "no connection"),
    *_nothing("busy", "no fs driver claimed", "not found"),
)


# Modules for SCSI devices, for paths to them, and for VMFS on them -> the subjects of their messages, and further words.
_SCSI = "NMP HPP ScsiDeviceIO ScsiDevice ScsiDeviceToken ScsiCore ScsiPath ScsiScan Scsi SCSI"
_SATP = "VMW_SATP_ALUA VMW_SATP_ALUA_CX VMW_SATP_DEFAULT_AA VMW_SATP_DEFAULT_AP VMW_SATP_LOCAL VMW_SATP_CX VMW_SATP_SYMM VMW_SATP_SVC VMW_SATP_EQL VMW_SATP_MSA"
_PSP = "VMW_PSP_RR VMW_PSP_FIXED VMW_PSP_MRU vmw_psp_rr vmw_psp_fixed vmw_psp_mru"
_VMFS = "Partition LVM Vol3 Fil3 FS3J FS3Misc J3 J6 Res3 Res6 DLX ATSLock VMFS"
Words = tuple[tuple[Subject, ...], tuple[Row, ...]]
_WORDS: dict[str, Words] = {
    **dict.fromkeys(f"{_SCSI} {_SATP} {_PSP}".split(), ((_APD, _ALL_PATHS_DOWN, _PDL, _PERFORMANCE, _PATHS, _DEVICES, _TASK_MANAGEMENT), _OF_SCSI)),
    **dict.fromkeys(("StorageApdHandler", "StorageApdHandlerEv"), ((_APD, _ALL_PATHS_DOWN), _FAILED)),
    **dict.fromkeys(_VMFS.split(), ((_RESERVES, _APD, _ALL_PATHS_DOWN, _PDL, _VOLUMES), _OF_VMFS)),
    **dict.fromkeys(("HBX", "FS3"), ((_RESERVES, _APD, _ALL_PATHS_DOWN, _PDL, *_HEARTBEATS), _OF_VMFS)),
    "iscsi_vmk": (_TASKS, (*_SESSIONS, *_FAILED)),
    "FSS": ((_APD, _ALL_PATHS_DOWN, _PDL), _FILES),
}
MODULES = frozenset(_WORDS)


def meaning(module: str, message: str) -> Read:
    """Returns what the words of one of MODULES tell: a meaning, NOTHING, or None if they are not understood."""
    lower = message.lower()
    subjects, rows = _WORDS[module]
    # Loops, since this runs for every line, and a generator takes twice as long.
    for word, of_subject in subjects:
        if word in lower:
            for phrase, read in of_subject:
                if phrase in lower:
                    return read
    for phrase, read in rows:
        if phrase in lower:
            return read
    return None

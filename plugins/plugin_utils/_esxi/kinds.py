# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names each kind of event that ESXi's logs tell of, and each detail of a kind. Pure.

Sources: Broadcom's articles 289902 and 338435 (host and device status), 330644 (plugin status), 318712 (APD and PDL), 326437 (ATS miscompares).
"""

from __future__ import annotations

import typing as t

Kind = t.Literal[
    "reservation_conflict",
    "reserve_failed",
    "reservation_lost",
    "timeout",
    "no_connection",
    "busy",
    "check_condition",
    "command_failed",
    "io_error",
    "path_in_doubt",
    "permanent_loss",
    "ats_miscompare",
    "out_of_space",
    "lock_wait",
    "slow",
    "answered",
    "recovered",
]
Detail = t.Literal[
    "",
    "all_paths_down",
    "all_paths_down_timeout",
    "all_paths_down_exit",
    "connectivity_lost",
    "connectivity_restored",
    "device_restored",
    "path_dead",
    "path_changed",
    "path_restored",
    "no_path",
    "device_blocked",
    "state_in_doubt",
    "redundancy_lost",
    "redundancy_restored",
    "session_lost",
    "session_recovered",
    "task_management",
    "heartbeat_timed_out",
    "heartbeat_reclaimed",
    "heartbeat_miscompare",
    "long_reservation",
    "latency",
    "latency_improved",
]


class Meaning(t.NamedTuple):
    """What a line tells. ``detail`` is '' if the kind says everything."""

    kind: Kind
    detail: Detail = ""


# What a line tells that was understood, and tells of no trouble.
NOTHING: t.Literal["nothing"] = "nothing"
Read = t.Union[Meaning, t.Literal["nothing"], None]

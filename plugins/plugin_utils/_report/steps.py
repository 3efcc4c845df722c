# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells in words how a step of a probe ended, and which steps tell most. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Probe, Step

# The commands of the write path -> their names in the standard.
WRITES = {"ats": "COMPARE AND WRITE", "orwrite": "ORWRITE", "flush": "flush"}
_SHORTEST_S = 0.0001
# A step that takes longer than this is worth a look.
_LONG_S = 0.1
# The LUN does not have the command, or refuses it: the probe goes on with another one.
_REFUSED = "check_condition"


def words(step: Step) -> str:
    """Returns how long the step took, and how it ended where that was not well."""
    took = seconds(float(step["seconds"]))
    if step["status"] == "good":
        return took
    return f"timed out after {took}" if step["status"] == "no_answer" else f"{step['status'].replace('_', ' ')}, {took}"


def seconds(value: float) -> str:
    """Returns a time with as many digits as mean something."""
    if value >= 1:
        return f"{value:.1f} s"
    if value < _SHORTEST_S:
        return "under 0.1 ms"
    return f"{value * 1000:.0f} ms" if value >= 0.1 else f"{value * 1000:.2g} ms"


def matters(step: Step) -> bool:
    """Returns whether a verdict rests on the step, or something is unusual about it."""
    return step["name"] in ("reserve", "read", *WRITES) or step["status"] != "good" or float(step["seconds"]) >= _LONG_S


def reserve(probe: Probe) -> t.Optional[Step]:
    """Returns the RESERVE of the probe, None where none was sent."""
    return next((step for step in probe["steps"] if step["name"] == "reserve"), None)


def write(probe: Probe) -> t.Optional[Step]:
    """Returns the command that tells most of the write path: the first that failed, or else the first that ended well. None where none was sent."""
    sent = [step for step in probe["steps"] if step["name"] in WRITES]
    failed = [step for step in sent if step["status"] not in ("good", _REFUSED)]
    good = [step for step in sent if step["status"] == "good"]
    return next(iter([*failed, *good, *sent]), None)

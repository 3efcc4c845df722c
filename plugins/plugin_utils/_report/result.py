# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the result of a run as programs read it: its outcome, its timeline, and the commands that do the same by hand. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import commands_by_hand, timeline
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import outcome
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Result, Run


def of_run(run: Run, ended: float) -> Result:
    """Returns the result. ``ended``: seconds since the epoch."""
    came_to, asked = outcome.conclude(run, ended), run["settings"]
    told = {"timeline": timeline.entries(run, ended), "by_hand": commands_by_hand.lines(came_to, asked["connection"], asked["trace"])}
    return t.cast(Result, {**came_to, **told})

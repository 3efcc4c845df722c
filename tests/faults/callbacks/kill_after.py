# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills ansible-playbook, with all its children, right after the task that the environment names by its number.

KILL_AFTER=N: after the N-th task that was done (skipped ones do not count). The name of that task goes to the file KILL_NOTE.
"""

from __future__ import annotations

import os
import signal
import typing as t
from pathlib import Path

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kill_after"

    def __init__(self) -> None:
        super().__init__()
        self._left = int(os.environ["KILL_AFTER"])

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._left -= 1
        if not self._left:
            Path(os.environ["KILL_NOTE"]).write_text(result.task.get_name() if hasattr(result, "task") else result._task.get_name())
            os.killpg(0, signal.SIGKILL)

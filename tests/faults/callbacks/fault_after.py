# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets something happen right after a task of the playbook, once.

FAULT_AFTER: the end of the task's name. FAULT_COMMAND: what the shell is to do then, to its end or its first error. The file FAULT_NOTE gets the command's
exit code, and what it said.
"""

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "fault_after"

    def v2_runner_on_ok(self, result: t.Any) -> None:
        name, note = (result.task if hasattr(result, "task") else result._task).get_name(), Path(os.environ["FAULT_NOTE"])
        if name.endswith(os.environ["FAULT_AFTER"]) and not note.exists():
            command = ["timeout", "120", "bash", "-ec", os.environ["FAULT_COMMAND"]]
            done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            note.write_text(f"{done.returncode} {done.stdout}{done.stderr}")

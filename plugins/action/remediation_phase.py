# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Adds what a phase returned to the state of a run. Documented in plugins/modules/remediation_phase.yml."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import state
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Run

_OPTIONS = {"phase": {"type": "str", "required": True}, "run": {"type": "dict", "default": {}}, "returned": {"type": "dict", "required": True}}
# What Ansible adds to a result.
_OF_ANSIBLE = ("changed", "failed", "msg")


class ActionModule(ActionBase):
    """Found by Ansible."""

    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Returns the state. If a phase cannot be added, it fails and returns the state before it, which the rescue and the report need."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        run = {name: value for name, value in options["run"].items() if name not in _OF_ANSIBLE}
        try:
            return {**state.after(t.cast(Run, run), options["phase"], options["returned"], time.time()), "changed": False}
        except RescueError as error:
            return {**run, "failed": True, "msg": str(error)}
        except Exception as error:
            return {**run, "failed": True, "msg": f"Phase {options['phase']} returned an unexpected result: {error!r}. Report this as a bug."}

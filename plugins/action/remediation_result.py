# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Concludes a run and writes its report. Documented in plugins/modules/remediation_result.yml."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import files, result, summary
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import artifacts, outcome

_OPTIONS = {
    "run": {"type": "dict", "required": True},
    "report_dir": {"type": "path"},
    "template": {"type": "path", "required": True},
    "fail_when_refused": {"type": "bool", "required": True},
    "fail_when_sick": {"type": "bool", "required": True},
    "fail_when_unproven": {"type": "bool", "required": True},
}


class ActionModule(ActionBase):
    """Found by Ansible."""

    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Returns the result of the run, with its summary, and why the play fails."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        came_to = result.of_run(options["run"], time.time())
        failure = outcome.failure(came_to, options["fail_when_refused"], options["fail_when_sick"], options["fail_when_unproven"])
        lines = summary.lines(came_to)
        if options["report_dir"] and not came_to["check_mode"]:
            try:
                lines.append(f"report: {files.write(came_to, options['report_dir'], options['template'])}")
            except Exception as error:  # the outcome is shown in any case
                failure = "; ".join(filter(None, [failure, f"The report was not written: {error}. Check remediate_watchers_report_dir."]))
        return {**came_to, "summary": lines, "failure": failure, "artifacts": artifacts.of_result(came_to), "changed": False}

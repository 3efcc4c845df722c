# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints lines as they are, with any callback. Documented in plugins/modules/remediation_show.yml."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import printable

_OPTIONS = {"lines": {"type": "list", "elements": "str", "required": True}, "failure": {"type": "str", "default": ""}}


class ActionModule(ActionBase):
    """Found by Ansible."""

    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Prints the lines, and fails if a failure is given."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        for line in options["lines"]:
            Display().display(printable(line))
        return {"failed": True, "msg": options["failure"]} if options["failure"] else {"changed": False}

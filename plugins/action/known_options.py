# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a play that was given an unknown option. Documented in plugins/modules/known_options.yml."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._options import known

_OPTIONS = {"of": {"type": "list", "elements": "str", "required": True}}


class ActionModule(ActionBase):
    """Found by Ansible."""

    _requires_connection = False

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        """Fails with a sentence for each variable of the host that begins like an option and is none."""
        super().run(tmp, task_vars)
        _result, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        words = known.of_prefixes(task_vars or {}, options["of"])
        return {"failed": True, "msg": " ".join(words)} if words else {"changed": False}

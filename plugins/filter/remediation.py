# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role remediate_watchers; each has its documentation in a file of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _luns, _policy, _remediation
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._report import result, summary
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils import _page


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name -> function."""
        return {
            "remediation_policy": _policy.apply,
            "remediation_confirmed": _remediation.confirmed,
            "remediation_by_host": _luns.by_host,
            "remediation_found_luns": _luns.found,
            "remediation_kernel_logs": _luns.logs,
            "remediation_owed": _remediation.owed,
            "remediation_plan": _remediation.plan,
            "remediation_report": _page.render,
            "remediation_returned": _remediation.returned,
            "remediation_result": result.result,
            "remediation_summary": summary.summary,
        }

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role remediate_watchers; each has its documentation in a file of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import page, summary
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import luns, outcome, policy, remediation


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Name -> function."""
        return {
            "remediation_policy": policy.apply,
            "remediation_confirmed": remediation.confirmed,
            "remediation_by_host": luns.by_host,
            "remediation_found_luns": luns.found,
            "remediation_kernel_logs": luns.logs,
            "remediation_owed": remediation.owed,
            "remediation_plan": remediation.plan,
            "remediation_report": page.render,
            "remediation_returned": remediation.returned,
            "remediation_result": outcome.result,
            "remediation_summary": summary.summary,
        }

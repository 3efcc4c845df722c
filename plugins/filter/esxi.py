# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes filters that find images by what ESXi logs. Each is documented in a file of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import esxcli, host_answers, scsi_id, suspects, suspects_output, vmkernel


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Returns name -> function."""
        return {
            "esxi_diagnosis": host_answers.diagnose,
            "vmkernel_events": vmkernel.events,
            "esxcli": esxcli.records,
            "scsi_id": scsi_id.parse,
            "suspect_luns": suspects.from_events,
            "suspect_luns_summary": suspects_output.summary,
            "suspect_luns_vars": suspects_output.variables,
        }

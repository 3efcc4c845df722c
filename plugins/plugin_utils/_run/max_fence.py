# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits how many clients a run fences: remediate_watchers_max_fence. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.culprits import addresses_to_fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Look
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.spare import spare


def apply(look: Look, limit: int) -> Look:
    """Returns the look, with everything refused if more clients than ``limit`` would be fenced; 0 for any number."""
    fenced = addresses_to_fence(look["culprits"])
    if not limit or len(fenced) <= limit:
        return look
    return spare(look, dict.fromkeys(fenced, messages.TOO_MANY.format(n=len(fenced), m=limit)))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the plan of a run: what it will fence and what it refuses, with the evidence. Pure."""

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import short
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import culprits
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Look


def lines(detected: Look) -> list[str]:
    """Returns a line for each client to fence, each image that is refused, and each gap."""
    fence = culprits.in_words(detected["culprits"])
    refuse = [f"refuse {one['spec']} ({one['state']}): {'; '.join(one['reasons'])}" for one in detected["images"] if one["decision"] == "refuse"]
    unseen = [f"not seen: {gap}" for gap in detected.get("incomplete", [])]
    return [*short(fence, "clients"), *short(refuse, "images"), *unseen]

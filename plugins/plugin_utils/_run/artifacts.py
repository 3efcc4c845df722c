# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run leaves to the jobs after it in a workflow. Pure.

AWX makes these extra variables of later jobs, which win over all others: so none has the name of an option, or of anything that the role sets.
"""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.reasons import NEVER
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Result


def of_result(result: Result) -> dict[str, t.Any]:
    """Returns the artifacts; images are POOL/NAME, clients are addresses.

    A client that stays fenced by the operator's own setting is not told: there is nothing to do about it. ``unsettled``: others might be fenced, too.
    """
    return {
        "iscsi_rescue_outcome": result["outcome"],
        "iscsi_rescue_would_heal": advice.would_heal(result),
        "iscsi_rescue_would_fence": advice.would_fence(result),
        "iscsi_rescue_healed": result["healed_images"],
        "iscsi_rescue_refused": [image["spec"] for image in result["images"] if advice.is_left(image)],
        "iscsi_rescue_still_fenced": [kept["address"] for kept in result["kept"] if not fits(NEVER, kept["reason"])],
        "iscsi_rescue_unsettled": bool(result["unsettled"] or result["fence_failed"] or result["unread"]),
    }

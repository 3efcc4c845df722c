# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decides after which replies to repeat a command: a unit attention, by which a LUN reports an event, and a busy LUN."""

from __future__ import annotations

import time

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply

_PAUSE_S = 0.2
# Several might be pending, so the first are repeated without a pause; a LUN that never answers otherwise is faulty.
_AT_ONCE, _MOST = 5, 20
_BUSY = (replies.BUSY, replies.TASK_SET_FULL)


def calls_again(reply: Reply, until: float, tries: int) -> bool:
    """Returns whether to send the command again, after a pause if one is due; ``until`` is on the monotonic clock."""
    attention = reply.is_sense(replies.UNIT_ATTENTION)
    if time.monotonic() + _PAUSE_S > until or (attention and tries >= _MOST):
        return False
    if reply.status in _BUSY or (attention and tries >= _AT_ONCE):
        time.sleep(_PAUSE_S)
    return reply.status in _BUSY or attention

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a probe needs of the way to a LUN."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply


class NoAnswer(Exception):
    """The deadline came before the answer."""


class Unreachable(Exception):
    """There is no session with the target, in words why."""


class Transport(t.Protocol):
    """One session with one LUN. ``seconds``: how long the call may take at most."""

    def connect(self, seconds: float) -> None:
        """Raises Unreachable or NoAnswer."""

    def execute(self, command: Command, seconds: float) -> Reply:
        """Returns the device's reply. Raises Unreachable when the session is lost and NoAnswer at the deadline."""

    def close(self, seconds: float) -> None:
        """Ends the session, and with it what the target keeps for it. Raises nothing."""

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defines what a probe needs from a path to a LUN."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply


class NoAnswer(Exception):
    """Says that the deadline came before the answer."""


class Unreachable(Exception):
    """Says why there is no session with the target."""


class Transport(t.Protocol):
    """Describes one session with one LUN. ``seconds``: the longest time for the call."""

    def connect(self, seconds: float) -> None:
        """Opens the session. Raises Unreachable or NoAnswer."""

    def execute(self, command: Command, seconds: float) -> Reply:
        """Returns the device's reply. Raises Unreachable if the session is lost, and NoAnswer at the deadline."""

    def close(self, seconds: float) -> None:
        """Ends the session and its reservation. Raises nothing."""

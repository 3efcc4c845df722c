# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speaks SCSI to a disk of this host: the kernel's sg driver, through a helper process that can wait longer than the probe."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, reasons, sg_helper
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.disk import Disk
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import NoAnswer, Unreachable

_POLL_S = 0.01
# How long a helper can take to end: an idle one, and one with a pending command.
_GRACE_S, _SHORT_GRACE_S = 0.5, 0.05


@dataclass(frozen=True)
class Lingering:
    """Holds a helper process that still runs, and the command for which it waits."""

    pid: int
    waits_for: str


class SgTransport:
    """Speaks to one LUN by its sg device. It starts a process immediately, so create it before any thread."""

    def __init__(self, disk: Disk) -> None:
        self.lingering: Lingering | None = None
        self._generic = disk.generic
        self._under_way = ""
        self._start()

    def connect(self, seconds: float) -> None:
        """Opens the sg device. Raises Unreachable or NoAnswer."""
        self._ask(None, seconds)

    def execute(self, command: Command, seconds: float) -> Reply:
        """Sends one command. Raises Unreachable or NoAnswer, and then no other command is sent."""
        return self._ask(command, seconds)

    def close(self, seconds: float) -> None:
        """Ends the helper; ``lingering`` holds it if it has to wait for a command first."""
        self._channel.close()
        end = time.monotonic() + (_SHORT_GRACE_S if self._under_way else _GRACE_S)
        while not self._ended():
            if time.monotonic() > end:
                self.lingering = Lingering(self._helper, self._under_way or "release")
                return
            time.sleep(_POLL_S)

    def _ask(self, command: Command | None, seconds: float) -> Reply:
        if self._under_way:
            raise NoAnswer
        try:
            self._channel.send(command)
            self._under_way = command.name if command else "open"
            if not self._channel.poll(seconds):
                raise NoAnswer
            reply = self._channel.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self._release_for_it()
            raise Unreachable(reasons.HELPER_KILLED) from None
        self._under_way = ""
        if isinstance(reply, Unreachable):
            raise reply
        return t.cast(Reply, reply)

    def _release_for_it(self) -> None:
        """Starts another helper that releases: a killed one might have reserved the LUN and not released it."""
        self._ended()
        self._start()
        with contextlib.suppress(OSError):
            self._channel.send(commands.release())
        self._under_way = "release"

    def _start(self) -> None:
        ours, theirs = multiprocessing.Pipe()
        self._helper = os.fork()
        if self._helper == 0:
            sg_helper.run(self._generic, theirs)
        theirs.close()
        self._channel = ours

    def _ended(self) -> bool:
        try:
            return os.waitpid(self._helper, os.WNOHANG)[0] != 0
        except ChildProcessError:
            return True

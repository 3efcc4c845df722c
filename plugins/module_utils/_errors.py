# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the one exception family of the library; a module turns it into ``fail_json`` in ``main()``."""

from __future__ import annotations


class RescueError(Exception):
    """Says what failed, on what, and what to do, in one sentence."""


class InputError(RescueError):
    """Says that an option cannot be used."""


class ClusterError(RescueError):
    """Says that the Ceph cluster refused, timed out, or could not be reached. ``code``: the positive errno, 0 if there is none."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class MissingLibraryError(RescueError):
    """This host's Python has no librados or librbd. ``names`` are its names for them."""

    def __init__(self, names: str, why: str) -> None:
        super().__init__(f"The Python libraries {names} cannot be imported ({why}).")
        self.names = names
        self.why = why


class FencedError(RescueError):
    """Says that this host is itself on the blocklist, so that it can read nothing: the whole look fails."""


class TargetError(RescueError):
    """Says that the iSCSI target could not be reached or ended the session."""


class ProcessError(RescueError):
    """Says that a process could not be found or signalled."""


class KernelError(RescueError):
    """Says that the kernel refused, or lacks a feature."""

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception family of the library; a module turns it into ``fail_json`` in ``main()``."""

from __future__ import annotations


class RescueError(Exception):
    """Something could not be done: one sentence with what failed, on what, and what to do."""


class InputError(RescueError):
    """What the user gave cannot be used as it is."""


class ClusterError(RescueError):
    """The Ceph cluster refused, did not answer in time, or could not be reached. ``code``: the errno behind it, positive, 0 when there is none."""

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
    """This host is itself on the blocklist, so nothing can be seen from it. No part of a look that failed: the whole look."""


class TargetError(RescueError):
    """The iSCSI target could not be reached or ended the session."""


class ProcessError(RescueError):
    """A process could not be found or signalled."""


class KernelError(RescueError):
    """The kernel refused, or lacks what was asked of it."""

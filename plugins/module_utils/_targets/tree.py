# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads sysfs and configfs below a root: of the running kernel, or of a captured one."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.patient_reads import PatientReads

_T = t.TypeVar("_T")


@dataclass(frozen=True)
class Tree:
    """Holds a ``root``, which has ``sys`` below it. ``patience``: for reads that might not return; without it, the caller waits.

    A missing file reads as empty, since targets are added and removed during the reads. So does an impossible path, such as one with a NUL.
    """

    root: str
    patience: t.Optional[PatientReads] = None

    def __post_init__(self) -> None:
        if not os.path.isdir(self.root):
            raise InputError(f"root '{self.root}' is no directory: give the directory that holds sys, which is / for the running kernel.")

    @property
    def live(self) -> bool:
        """Returns whether the root is of the running kernel."""
        return not self.root.strip("/")

    def data(self, path: str) -> bytes:
        """Returns a file's content. Attributes without a value can answer ENODEV, as tcm_loop's nexus does. Raises TargetError."""
        return self._patiently(path, lambda: _content(os.path.join(self.root, path)), b"")

    def text(self, path: str) -> str:
        """Returns a file's content as text, whatever its bytes."""
        return self.data(path).decode(errors="replace")

    def line(self, path: str) -> str:
        """Returns a file's first line. SCST's attributes can have a second line, ``[key]``: set by the administrator."""
        return self.text(path).partition("\n")[0].strip()

    def names(self, path: str) -> list[str]:
        """Returns the names in a directory, sorted; none if there is no directory. Raises TargetError."""
        return self._patiently(path, lambda: _listed(os.path.join(self.root, path)), [])

    def oldest_first(self, path: str) -> list[str]:
        """Returns the names in the order of their creation. A copy has lost that order, and is sorted by name.

        sysfs counts its inodes up, __kernfs_new_node() in fs/kernfs/dir.c of Linux.
        """
        names = self.names(path)
        return sorted(names, key=lambda name: self._patiently(path, lambda: _inode(os.path.join(self.root, path, name)), 0)) if self.live else names

    def link(self, path: str) -> list[str]:
        """Returns the parts of a symbolic link's target, as it is written; nothing if it is no link."""
        return self._patiently(path, lambda: _followed(os.path.join(self.root, path)), [])

    def note(self, gap: str) -> None:
        """Notes what could not be read."""
        if self.patience:
            self.patience.note(gap)

    def _patiently(self, path: str, function: t.Callable[[], _T], absent: _T) -> _T:
        return self.patience.read(path, function, absent) if self.patience else function()


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except PermissionError as error:
        raise _denied(error) from error
    except (OSError, ValueError):
        return b""


def _listed(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except PermissionError as error:
        raise _denied(error) from error
    except (OSError, ValueError):
        return []


def _inode(path: str) -> int:
    try:
        return os.lstat(path).st_ino
    except (OSError, ValueError):
        return 0


def _followed(path: str) -> list[str]:
    try:
        return os.readlink(path).split("/")
    except (OSError, ValueError):
        return []


def _denied(error: PermissionError) -> TargetError:
    return TargetError(f"Reading '{error.filename}' was denied: run the task as root or with become.")

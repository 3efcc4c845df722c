# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading sysfs and configfs below a root: the running kernel's, or a captured one's."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, TargetError


@dataclass(frozen=True)
class Tree:
    """``root`` is where ``sys`` is found.

    What is absent reads as empty, for targets come and go while they are read. So does a path that cannot be, as one with a NUL from a file's content.
    """

    root: str

    def __post_init__(self) -> None:
        if not os.path.isdir(self.root):
            raise InputError(f"root '{self.root}' is no directory: give the one that holds sys, which is / for the running kernel.")

    @property
    def live(self) -> bool:
        """Whether it is the running kernel's."""
        return not self.root.strip("/")

    def data(self, path: str) -> bytes:
        """A file's content. Attributes also answer ENODEV where there is nothing to tell, as tcm_loop's nexus does. Raises TargetError."""
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                return file.read()
        except PermissionError as error:
            raise _denied(error) from error
        except OSError:
            return b""

    def text(self, path: str) -> str:
        """A file's content as text, whatever it holds."""
        return self.data(path).decode(errors="replace")

    def line(self, path: str) -> str:
        """A file's first line. SCST's attributes may have a second one, ``[key]``: set by the administrator."""
        return self.text(path).partition("\n")[0].strip()

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; nothing when it is none. Raises TargetError."""
        try:
            return sorted(os.listdir(os.path.join(self.root, path)))
        except PermissionError as error:
            raise _denied(error) from error
        except (OSError, ValueError):
            return []

    def link(self, path: str) -> list[str]:
        """The parts of a symbolic link's target, as it is written; nothing when it is none."""
        try:
            return os.readlink(os.path.join(self.root, path)).split("/")
        except (OSError, ValueError):
            return []


def _denied(error: PermissionError) -> TargetError:
    return TargetError(f"Reading '{error.filename}' was denied: run the task as root or with become.")

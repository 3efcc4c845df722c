# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a module on a Python that is too old, before it imports what such a Python cannot read.

Each module imports this file before any other of the collection. So this one keeps to what old Pythons understand.
"""

from __future__ import annotations

import json
import sys

OLDEST = (3, 9)


def refusal(version: tuple, executable: str) -> str:
    """Returns what to tell the user of a Python that is too old; an empty string for one that is not."""
    if version[:2] >= OLDEST:
        return ""
    found, oldest = (".".join(map(str, numbers)) for numbers in (version[:3], OLDEST))
    return f"{executable} on this host is Python {found}, and the module needs {oldest} or later: set ansible_python_interpreter to one."


_REFUSAL = refusal(sys.version_info, sys.executable)
if _REFUSAL:
    # No AnsibleModule yet: it would first ask for the module's options.
    sys.stdout.write(json.dumps({"failed": True, "msg": _REFUSAL}) + "\n")
    raise SystemExit(1)

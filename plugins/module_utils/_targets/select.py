# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects the wanted LUNs."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Lun

Entry = t.Mapping[str, t.Any]

# As ESXi and Linux write such a name before the digits.
_PREFIXED = ("eui", "naa")


def matching(luns: t.Sequence[Lun], wanted: t.Sequence[Entry]) -> tuple[list[Lun], list[dict[str, t.Any]]]:
    """Returns (LUNs that any entry fits, entries that fit none). Raises InputError for an empty entry."""
    given = [{name: value for name, value in entry.items() if value is not None} for entry in wanted]
    looked_for = [_normal(number, entry) for number, entry in enumerate(given, 1)]
    missing = [entry for entry, normal in zip(given, looked_for) if not any(_fits(lun, normal) for lun in luns)]
    return [lun for lun in luns if any(_fits(lun, normal) for normal in looked_for)], missing


def _normal(number: int, entry: Entry) -> dict[str, t.Any]:
    """Returns an entry as LUNs have it. An empty value would fit LUNs without that name, so it is refused."""
    normal = {name: bare(name, value) if name in _PREFIXED else value for name, value in entry.items()}
    empty = [name for name, value in normal.items() if value == ""]
    if not normal or empty:
        fault = f"has an empty {empty[0]}" if empty else "is empty"
        raise InputError(f"Entry {number} of wanted {fault}: give at least one of eui, naa, serial, lun and image.")
    return normal


def bare(name: str, value: str) -> str:
    """Returns a name without the prefix of its kind, as LUNs have it."""
    return value.strip().lower().removeprefix(f"{name}.")


def _fits(lun: Lun, entry: Entry) -> bool:
    return all(getattr(lun, name) == value for name, value in entry.items())

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is at the ends of nested variables. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping


def leaves(value: t.Any, name: str = "") -> list[dict[str, t.Any]]:
    """Returns a ``name``, the dotted path, and a ``value`` for each value that is neither a dictionary nor a list, itself untouched."""
    if isinstance(value, Mapping):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, f"{name}.{key}" if name else str(key))]
    # Until ansible-core 2.18 a vaulted value is a sequence, too.
    if isinstance(value, (list, tuple)):
        return [leaf for number, inner in enumerate(value) for leaf in leaves(inner, f"{name}[{number}]")]
    return [{"name": name, "value": value}]

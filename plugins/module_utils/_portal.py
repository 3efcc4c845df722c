# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the address of a portal."""

from __future__ import annotations


def portal_at(address: str, port: int | str) -> str:
    """Returns C(ADDRESS:PORT), an IPv6 address in brackets (RFC 3720, section 12.8)."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

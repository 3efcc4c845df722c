# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the forms in which monitors print a time, for strptime."""

from __future__ import annotations

# From release 15 on with the offset from UTC.
TIME = "%Y-%m-%dT%H:%M:%S.%f%z"
# Before Ceph 15: the monitor's local time, without its zone.
TIME_WITHOUT_ZONE = "%Y-%m-%d %H:%M:%S.%f"

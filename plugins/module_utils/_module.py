# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share: the options of the Ceph connection."""

from __future__ import annotations

import typing as t


def ceph_options() -> dict[str, dict[str, t.Any]]:
    """Argument spec of the doc fragment C(cephops.iscsi_rescue.ceph)."""
    return {
        "conf": {"type": "path", "default": "/etc/ceph/ceph.conf"},
        "client": {"type": "str", "default": "client.admin"},
        "keyring": {"type": "path", "no_log": False},
        "key": {"type": "str", "no_log": True},
        "timeout": {"type": "int", "default": 10},
        "quorum_settle": {"type": "int", "default": 300},
        "osd_settle": {"type": "int", "default": 15},
    }


# Of the options above.
CEPH_EXCLUSIVE = [("keyring", "key")]

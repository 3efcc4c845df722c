# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules share: the options of the Ceph connection, and how an error is reported."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import MissingLibraryError, RescueError

_PURPOSE = "to reach the Ceph cluster: install the packages python3-rados and python3-rbd, of these names on Debian and on RPM systems"


def ceph_options() -> dict[str, dict[str, t.Any]]:
    """Returns the argument spec of the doc fragment C(cephops.iscsi_rescue.ceph)."""
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


def in_words(error: RescueError) -> str:
    """Returns what fail_json tells of it."""
    return f"{missing_required_lib(error.names, _PURPOSE)} ({error.why})" if isinstance(error, MissingLibraryError) else str(error)

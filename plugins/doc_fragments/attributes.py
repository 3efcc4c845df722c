# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in check mode and say what it would change, without changing it.
  diff_mode:
    description: Returns what changes, or in check mode would change, in diff format.
  idempotent:
    description: A second run with the same options changes nothing.
requirements:
  - Python 3.9 or later on the host that runs the module
"""

    WRITING = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
"""

    READ_ONLY = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: It only looks.
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
    details: It changes nothing.
"""

    CEPH_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/cephops.iscsi_rescue.ceph) in C(module_defaults) to set the connection options once for all modules.
    support: full
    membership:
      - cephops.iscsi_rescue.ceph
"""

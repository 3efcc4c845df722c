# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import placement


def test_inactive_placement_groups() -> None:
    # `ceph pg dump_stuck inactive --format json` of Ceph 16.2.15, cut; a plain list before Ceph 14.2.5.
    rows = [{"pgid": "2.6", "state": "unknown", "up": [], "acting": [], "acting_primary": -1}]
    assert placement.parse({"pg_ready": True, "stuck_pg_stats": rows}) == placement.parse(rows) == placement.Inactive({"2.6": "unknown"})
    assert placement.parse(None) == placement.parse({"pg_ready": True, "stuck_pg_stats": []}) == placement.Inactive({})
    assert placement.parse({"pg_ready": False}).gap

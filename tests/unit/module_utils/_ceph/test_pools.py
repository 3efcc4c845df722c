# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.pools import parse


def test_pools_by_their_tag() -> None:
    pools = parse({"pools": [{"pool_name": "meta", "pool": 1}, {"pool_name": "rbd", "pool": 2, "application_metadata": {"rbd": {}}}]})
    assert (pools.tagged, pools.others, pools.every) == (("rbd",), ("meta",), ("rbd", "meta"))
    assert pools.numbers == {"meta": 1, "rbd": 2}

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.pools import parse
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


def test_pools_by_their_tag() -> None:
    pools = parse({"pools": [{"pool_name": "meta", "pool": 1}, {"pool_name": "rbd", "pool": 2, "application_metadata": {"rbd": {}}}]})
    assert (pools.tagged, pools.others, pools.every) == (("rbd",), ("meta",), ("rbd", "meta"))
    assert pools.numbers == {"meta": 1, "rbd": 2}


@pytest.mark.parametrize(
    ("pool", "code", "hides"),
    [
        ({"application_metadata": {"rbd": {}}}, errno.EPERM, True),
        ({"application_metadata": {"rbd": {}, "cephfs": {}}, "type": 3}, errno.ETIMEDOUT, True),
        ({}, errno.ETIMEDOUT, True),
        ({"application_metadata": {}, "type": 1}, errno.EIO, True),
        ({}, errno.EPERM, False),
        ({"type": 3}, errno.ETIMEDOUT, False),
        ({"application_metadata": {"cephfs": {}}, "type": 1}, errno.ETIMEDOUT, False),
        ({"application_metadata": {"iscsi": {}}, "type": 1}, errno.ETIMEDOUT, True),
    ],
)
def test_a_pool_that_cannot_be_read_hides_something_where_it_can_hold_images(pool: dict[str, t.Any], code: int, hides: bool) -> None:
    pools = parse({"pools": [{"pool_name": "some", "pool": 1, **pool}]})
    assert bool(pools.gaps({"some": ClusterError("no answer", code)})) is hides
    assert ("some" in pools.likely) is hides or code == errno.EPERM

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import service_map
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.service_map import ServiceMap
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# As Ceph 16.2.15 prints it, with tcmu-runner 1.5.4; shortened.
RUNNER = {
    "start_epoch": 2,
    "gid": 4117,
    "addr": "127.0.0.1:0/1228389250",
    "metadata": {"daemon_prefix": "guest", "hostname": "guest", "image_id": "1011d5721008", "image_name": "img1", "pool_name": "rbd"},
    "task_status": {},
}
MIRROR = {"gid": 4200, "addr": "192.0.2.9:0/77", "metadata": {"hostname": "m"}}


def test_gateways_with_the_image_that_each_serves() -> None:
    services = {"tcmu-runner": {"daemons": {"summary": "", "guest:rbd/img1": RUNNER}}, "rbd-mirror": {"daemons": {"summary": "", "4200": MIRROR}}}
    assert service_map.parse({"epoch": 2, "services": services}) == ServiceMap(
        frozenset({"192.0.2.9:0/77"}), {("127.0.0.1:0/1228389250", "1011d5721008"): "guest"}
    )


@pytest.mark.parametrize("dump", [None, {}, {"services": {}}, {"services": {"mgr": {"daemons": {"summary": ""}}}}])
def test_without_such_daemons(dump: dict[str, object] | None) -> None:
    assert service_map.parse(dump) == ServiceMap()


def test_another_form() -> None:
    with pytest.raises(ClusterError, match="service dump"):
        service_map.parse({"services": {"tcmu-runner": {"daemons": {"x": {"metadata": {}}}}}})

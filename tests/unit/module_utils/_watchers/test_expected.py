# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.service_map import ServiceMap
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.expected import Expected
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Image, WatchedImage
from ansible_collections.cephops.iscsi_rescue.tests.unit.watched import A, B, C

RULES = [{"pattern": "rbd/mirrored-*", "watchers": 2}, {"pattern": "rbd/*", "watchers": 3}]


def image(spec: str, *watchers: t.Any) -> WatchedImage:
    pool, *namespace, name = spec.split("/")
    return WatchedImage(Image(pool, "".join(namespace), name, "id1"), watchers)


def gateways(*clients: t.Any, image_id: str = "id1") -> ServiceMap:
    return ServiceMap(gateways={(client.address, image_id): f"gw{number}" for number, client in enumerate(clients, 1)})


@pytest.mark.parametrize(("spec", "number"), [("rbd/mirrored-1", 2), ("rbd/lun", 3), ("rbd/tenant/lun", 3), ("other/lun", 1), ("other/rbd/lun", 1)])
def test_the_first_pattern_that_matches_counts(spec: str, number: int) -> None:
    assert Expected.from_options({"expected": 1, "expected_for": RULES}).of(image(spec)) == number


@pytest.mark.parametrize(("default", "special"), [(0, 1), (1, 0), (-1, 5)])
def test_every_served_image_has_a_watcher(default: int, special: int) -> None:
    with pytest.raises(InputError, match="at least 1"):
        Expected.from_options({"expected": default, "expected_for": [{"pattern": "*", "watchers": special}]})


@pytest.mark.parametrize(
    ("services", "watchers", "number"),
    [
        (ServiceMap(), (A, B), 1),
        (ServiceMap(gap="no cap"), (A, B), 1),
        (gateways(A), (A, B), 1),
        (gateways(A, B), (A, B), 2),
        (gateways(A, B), (A, B, C), 2),
        (gateways(A, B), (B, C), 1),
        (gateways(A, B, image_id="other"), (A, B), 1),
    ],
)
def test_auto_counts_the_gateways_that_watch(services: ServiceMap, watchers: tuple[t.Any, ...], number: int) -> None:
    auto = Expected.from_options({"expected": "auto", "expected_for": []}).by(services)
    assert auto.of(image("rbd/lun", *watchers)) == number
    assert Expected.from_options({"expected": "3", "expected_for": []}).by(services).of(image("rbd/lun", *watchers)) == 3


@pytest.mark.parametrize("told", ["two", "", "1.5", None])
def test_what_is_no_number(told: t.Any) -> None:
    with pytest.raises(InputError, match="give a number, or auto"):
        Expected.from_options({"expected": told, "expected_for": []})

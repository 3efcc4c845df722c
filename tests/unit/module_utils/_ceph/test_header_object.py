# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import header_object


@pytest.mark.parametrize(
    ("name", "found"),
    [("rbd_header.5", ("5", "")), ("lun.rbd", ("", "lun")), ("rbd_header.1.rbd", ("1.rbd", "rbd_header.1")), ("rbd_directory", ("", ""))],
)
def test_what_a_name_tells(name: str, found: tuple[str, str]) -> None:
    assert header_object.read(name) == found
    assert header_object.is_header(name) == any(found)


def test_names_of_both_formats() -> None:
    assert header_object.name_of("5", "lun") == "rbd_header.5"
    assert header_object.name_of("", "lun") == "lun.rbd"

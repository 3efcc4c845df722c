# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import check_name, split_portal


@pytest.mark.parametrize(
    ("portal", "parts"),
    [
        ("192.0.2.1", ("192.0.2.1", 3260)),
        ("192.0.2.1:21302", ("192.0.2.1", 21302)),
        ("gateway.example:3261", ("gateway.example", 3261)),
        ("[2001:db8::1]:3261", ("2001:db8::1", 3261)),
        ("[2001:db8::1]", ("2001:db8::1", 3260)),
        ("2001:db8::1", ("2001:db8::1", 3260)),
    ],
)
def test_portals(portal: str, parts: tuple[str, int]) -> None:
    assert split_portal(portal) == parts


def test_names() -> None:
    for name in ("iqn.2001-04.com.example:storage.disk1", "eui.02004567A425678D", "naa.62004567BA64678D0123456789ABCDEF"):
        check_name(name)


@pytest.mark.parametrize("name", ["", "gateway1", "iqn.2001-04.com.example:a b", "iqn.2001-04.com.example/x", "eui.0200", "iqn.2001-04." + "x" * 220])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="is no iSCSI name"):
        check_name(name)


@pytest.mark.parametrize("portal", ["", ":3260", "host:0", "host:65536", "host:iscsi", "host:-1"])
def test_anything_else_is_refused(portal: str) -> None:
    with pytest.raises(InputError, match="is no portal"):
        split_portal(portal)

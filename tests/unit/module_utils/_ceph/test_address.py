# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1.1.2.1:0/1193546917", "1.1.2.1:0/1193546917"),
        ("  192.0.2.7:0/1 ", "192.0.2.7:0/1"),
        ("192.0.2.7:6801/4346", "192.0.2.7:6801/4346"),
        ("v1:192.0.2.7:0/5", "192.0.2.7:0/5"),
        ("any:192.0.2.7:0/5", "192.0.2.7:0/5"),
        ("[2001:db8::1]:0/4294967295", "[2001:db8::1]:0/4294967295"),
        ("[2001:0DB8:0:0:0:0:0:1]:0/7", "[2001:db8::1]:0/7"),
    ],
)
def test_an_address_has_one_normal_form(text: str, normal: str) -> None:
    assert str(address.parse(text)) == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.7",
        "192.0.2.7:0",
        "192.0.2.7/5",
        "192.0.2.7:0/",
        "192.0.2.7:0/4294967296",
        "192.0.2.7:65536/5",
        "192.0.2.256:0/5",
        "192.0.2:0/5",
        "0.0.0.0:0/5",
        "[::]:0/5",
        "2001:db8::1:0/5",
        "[2001:db8::g]:0/5",
        "host:0/5",
        "192.0.2.0/24",
        "192.0.2.7:0/5 192.0.2.8:0/6",
        "192.0.2.7:0/5\n192.0.2.8:0/6",
        "192.0.2.7:0/-5",
        "192.0.2.7:0/٣",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a client address"):
        address.parse(text)


@pytest.mark.parametrize("text", ["192.0.2.7:0/0", "[2001:db8::1]:0/0"])
def test_a_whole_host_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="every client of a host"):
        address.parse(text)


def test_what_the_cluster_lists_besides_clients_stays_as_it_is() -> None:
    assert address.normal("192.0.2.7:0/0") == "192.0.2.7:0/0"
    assert address.normal("cidr:192.0.2.0:0/24") == "cidr:192.0.2.0:0/24"


@pytest.mark.parametrize(
    ("entry", "client", "fenced"),
    [
        ("192.0.2.7:0/5", "192.0.2.7:0/5", True),
        ("192.0.2.7:0/5", "192.0.2.7:0/6", False),
        ("192.0.2.7:0/0", "192.0.2.7:0/6", True),
        ("192.0.2.8:0/0", "192.0.2.7:0/6", False),
        ("[2001:db8::1]:0/0", "[2001:db8::1]:0/5", True),
        (address.network("cidr:192.0.2.0:0/24"), "192.0.2.7:0/6", True),
        (address.network("cidr:198.51.100.0:0/24"), "192.0.2.7:0/6", False),
        (address.network("cidr:[2001:db8::]:0/64"), "[2001:db8::1]:0/5", True),
        (address.network("cidr:[2001:db8::]:0/64"), "192.0.2.7:0/6", False),
    ],
)
def test_an_entry_is_for_a_client_a_host_or_a_network(entry: str, client: str, fenced: bool) -> None:
    """The ranges as Ceph 16.2.15 prints them."""
    assert address.covers(entry, client) is fenced

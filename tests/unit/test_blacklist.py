# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.blacklist import Blacklist, parse
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


@pytest.mark.parametrize("word", ["blocklist", "blacklist"])
def test_both_spellings(word: str) -> None:
    assert parse({word: {"[2001:DB8::1]:0/5": "then"}}) == Blacklist(word, {"[2001:db8::1]:0/5": "then"})


def test_a_release_with_neither_is_an_error() -> None:
    with pytest.raises(ClusterError, match="neither"):
        parse({"epoch": 1})

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages


@pytest.mark.parametrize(
    ("message", "text", "found"),
    [
        ("{host} (of {pool}) hangs", "see: gw1 (of rbd) hangs", True),
        ("{host} (of {pool}) hangs", "see: gw1 (of rbd) lives", False),
        ("it hangs", "now it hangs, too", True),
        ("begins {a} ends", "begins\n ends", False),
        ("begins{a}ends", "begins\nends", True),
    ],
)
def test_a_message_is_found_whatever_its_fields_have(message: str, text: str, found: bool) -> None:
    assert messages.is_in(message, text) == found

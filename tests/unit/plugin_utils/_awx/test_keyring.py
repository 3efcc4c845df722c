# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.keyring import key_of

# Made up: base64 of forty times the same letter.
MINE, OTHER = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYQ==", "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYg=="
KEYRING = f'[client.other]\n\tkey = {OTHER}\n\tcaps mon = "allow *"\n\n[client.iscsi-rescue]\n\tkey = {MINE}\n\tcaps osd = "allow key = {OTHER}"\n'


@pytest.mark.parametrize("client", ["client.iscsi-rescue", "iscsi-rescue"])
def test_the_key_of_the_user_that_is_asked_for(client: str) -> None:
    assert key_of(KEYRING, client) == MINE


@pytest.mark.parametrize("text", [MINE, f"  {MINE}\n\n"])
def test_a_key_alone(text: str) -> None:
    assert key_of(text, "client.iscsi-rescue") == MINE


@pytest.mark.parametrize(
    "text", ["", "\n", "[client.iscsi-rescue]\n", "[client.iscsi-rescue]\nkey = short\n", "not a key", f"[client.other]\nkey = {OTHER}\n", f"key = {OTHER}\n"]
)
def test_no_key_of_that_user(text: str) -> None:
    assert key_of(text, "client.iscsi-rescue") == ""

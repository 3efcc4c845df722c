# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that the operator names has an effect, or a reason."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import evicted, messages

ALIVE, STALE, ELSEWHERE = "192.0.2.1:0/1", "192.0.2.2:0/2", "192.0.2.3:0/3"
LOOK: t.Any = {
    "images": [{"spec": "rbd/a", "state": "normal", "watchers": [{"address": ALIVE, "reasons": ["it acknowledged the notify"]}]}],
    "culprits": [{"address": STALE, "verdict": "fence"}],
}


def test_each_that_is_left_has_its_reason() -> None:
    found = evicted.without_effect([ALIVE, STALE, ELSEWHERE, ALIVE], LOOK, [])
    assert [one["address"] for one in found] == [ALIVE, ELSEWHERE]
    assert found[0]["why"] == "rbd/a is normal, it acknowledged the notify"
    assert found[1]["why"] == messages.NOT_WATCHING


def test_naming_a_client_that_is_fenced_has_an_effect() -> None:
    assert evicted.without_effect([ELSEWHERE], {}, [ELSEWHERE]) == []

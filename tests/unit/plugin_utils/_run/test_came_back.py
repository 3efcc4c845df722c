# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import came_back, messages

ADDRESS = "192.0.2.7:0/1193546917"
GOOD = {"address": "192.0.2.8:0/1", "liveness": "alive", "host": "gateway1"}
BACK = {"address": ADDRESS, "liveness": "alive", "host": "gateway2"}


@pytest.mark.parametrize(
    ("state", "watchers", "protect", "fence", "spare"),
    [
        ("contested", [GOOD, BACK], [], [ADDRESS], ""),
        ("stale_duplicate", [GOOD, {**BACK, "liveness": "hung"}], ["10.0.0.0/8"], [ADDRESS], ""),
        ("contested", [GOOD, BACK], ["host == 'gateway2'"], [], messages.PROTECTED),
        ("stale_duplicate", [{**GOOD, "liveness": "hung"}, BACK], [], [], messages.NO_OTHER_RESPONDS.format(image="rbd/lun")),
        ("normal", [BACK], [], [], ""),
        ("contested", [GOOD, {**GOOD, "address": "192.0.2.9:0/1"}], [], [], ""),
    ],
)
def test_a_client_that_came_back_is_fenced_only_if_another_answers(
    state: str, watchers: list[dict[str, t.Any]], protect: list[str], fence: list[str], spare: str
) -> None:
    found = came_back.clients({"images": [{"spec": "rbd/lun", "state": state, "watchers": watchers}]}, [ADDRESS], protect)
    assert found["fence"] == fence
    assert [spare in why for why in found["spare"]] == ([True] if spare else [])
    assert came_back.clients({}, [ADDRESS]) == {"fence": [], "spare": []}


def test_a_client_that_came_back_and_alone_serves_another_image_is_not_fenced() -> None:
    images = [{"spec": "rbd/lun", "state": "contested", "watchers": [GOOD, BACK]}, {"spec": "rbd/other", "state": "normal", "watchers": [BACK]}]
    found = came_back.clients({"images": images}, [ADDRESS])
    assert found["fence"] == []
    assert messages.NO_OTHER_RESPONDS.format(image="rbd/other") in found["spare"][0]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import confirm
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.test_outcome import WATCHERS, conclude, culprit, detected, image


def test_two_looks_that_agree() -> None:
    both = confirm.confirmed(detected("fence"), detected("fence"))
    assert both == detected("fence")


def test_a_client_that_woke_up_is_not_fenced() -> None:
    woken = {**detected("fence"), "images": [{**image("fence"), "decision": "refuse", "state": "contested"}], "culprits": []}
    both = confirm.confirmed(detected("fence"), woken)
    assert [(one["decision"], one["state"]) for one in both["images"]] == [("refuse", "contested")]
    assert [one["verdict"] for one in both["culprits"]] == ["spare"]
    assert conclude("fence", detected=both)["outcome"] == "refused"


def test_an_image_that_healed_by_itself_is_left() -> None:
    well = {**detected("fence"), "images": [{**image("leave")}], "culprits": []}
    for second in (well, {**well, "images": []}):
        both = confirm.confirmed(detected("fence"), second)
        assert [one["decision"] for one in both["images"]] == ["leave"]
        assert conclude("fence", detected=both)["outcome"] == "nothing_to_do"


def test_two_looks_that_blame_others_are_not_enough() -> None:
    other = {**image("fence"), "watchers": [WATCHERS[0], {**WATCHERS[1], "address": "192.0.2.9:0/9"}]}
    both = confirm.confirmed(detected("fence"), {**detected("fence"), "images": [other]})
    assert [one["decision"] for one in both["images"]] == ["refuse"]
    assert [one["verdict"] for one in both["culprits"]] == ["spare"]


def test_a_client_that_the_second_look_saw_is_not_gone() -> None:
    seen = {**detected("fence"), "culprits": [{**culprit("fence"), "gone_since": 0.0}]}
    assert confirm.confirmed(detected("fence"), seen)["culprits"][0]["gone_since"] == 0.0

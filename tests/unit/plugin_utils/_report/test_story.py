# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the first screen of the report tells of an image."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import story
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._report.test_report import (
    DEAD,
    LIVE,
    QUIET,
    healed,
    image,
    probe,
    run,
    run_detected,
    watcher,
)


def only(summed: dict[str, t.Any]) -> story.Card:
    [card] = story.cards(t.cast(t.Any, summed))
    return card


def rows(found: list[story.Row]) -> dict[str, tuple[str, str]]:
    return {row.name: (row.before.text, row.after.text) for row in found}


def test_a_healed_image_has_symptom_culprit_and_proof() -> None:
    naa = {"naa": "600", "eui": ""}
    card = only(run(probes_before=[probe("rbd/lun", "hung", identity=naa)], probes_after=[probe("rbd/lun", "healthy", identity=naa, proof="cache")]))
    [lun] = card.luns
    assert (lun.where, lun.device) == ("LUN 12 of iqn.t at 192.0.2.10:3260", "naa.600")
    assert rows(lun.rows) == {"LUN": ("hung", "healthy"), "RESERVE": ("under 0.1 ms",) * 2, "Write path": ("flush: timed out after 9.5 s", "flush: 12 ms")}
    assert rows(card.rows) == {"Image": ("stale_duplicate", "normal"), "Watchers": ("2, stale: 1", "1"), "Lock": ("stale client", "live client")}
    assert card.clients == [story.Client(DEAD, "client.1", "", "It is orphaned.", "Its blocklist entry is removed.")]
    assert card.proven == "Answered: the LUN took a flush, which had timed out before the fence; no write was sent."
    assert (card.decided, card.broken, card.again) == ("", "", True)


def test_what_is_wrong_is_shown_as_such() -> None:
    card = only(run(probes_after=[probe("rbd/lun", "slow")]))
    tones = {row.name: (row.before.tone, row.after.tone) for row in (*card.luns[0].rows, *card.rows)}
    assert tones == {
        "LUN": ("bad", "care"),
        "RESERVE": ("", ""),
        "Write path": ("bad", ""),
        "Image": ("bad", "good"),
        "Watchers": ("bad", ""),
        "Lock": ("bad", ""),
    }


@pytest.mark.parametrize(
    ("more", "entry"),
    [
        ({"kept": [{"address": DEAD, "until": "then", "reason": "it lives"}]}, "Blocklisted until then."),
        ({"fenced_again": [DEAD]}, "It came back, and was fenced again."),
        ({"restored": []}, ""),
        ({"restored": [DEAD], "reset": [DEAD]}, "The blocklist entry that it had before is back."),
    ],
)
def test_a_client_that_is_still_fenced_is_said_to_be(more: dict[str, t.Any], entry: str) -> None:
    assert [client.entry for client in only({**run(), **more}).clients] == [entry]


def test_a_refused_image_says_why_and_proves_nothing() -> None:
    card = only(run(**{**QUIET, "detected": {**run_detected(), "images": [image(decision="refuse", state="contested")]}}))
    assert (card.clients, card.luns, card.proven, card.again) == ([], [], "", False)
    assert card.decided == "Watchers: 2, expected: 1."
    assert rows(card.rows)["Image"] == ("contested", "not read")


def test_after_a_fence_that_failed_nothing_is_said_to_be_known() -> None:
    card = only(run(error="Fence: no", fenced={"failed": True, "msg": "m"}, restored={}, verified={}, afterwards={}, probes_after=[]))
    assert card.decided.startswith("It is not known whether a client is fenced")
    assert rows(card.luns[0].rows)["LUN"] == ("hung", "not probed")


def test_each_lun_has_its_rows_and_the_proof_says_which() -> None:
    probes = [probe("rbd/lun", "healthy"), probe("rbd/lun", "conflict", lun=13, steps=[])]
    card = only(run(probes_before=[probe("rbd/lun", "hung", lun=13)], probes_after=probes))
    assert [lun.where.partition(" of")[0] for lun in card.luns] == ["LUN 13", "LUN 12"]
    assert rows(card.luns[0].rows)["Write path"] == ("flush: timed out after 9.5 s", "not sent")
    assert "LUN 1" in card.proven


def test_a_client_that_holds_the_lock_without_watching_is_a_culprit_once() -> None:
    owner = watcher(DEAD, True, "orphaned")
    card = only(run(detected={**run_detected(), "images": [image(watchers=[watcher(LIVE)], owner=[owner])], "culprits": []}))
    assert [client.address for client in card.clients] == [DEAD]
    assert rows(card.rows)["Watchers"] == ("1", "1")
    assert rows(card.rows)["Lock"] == ("stale client", "live client")


def test_an_image_that_an_earlier_run_began_with_has_no_first_look() -> None:
    card = only(run(**{**QUIET, "continued": ["rbd/lun"], "verified": {"images": [healed("rbd/lun", lock=False)]}}))
    assert rows(card.rows) == {"Image": ("normal", "normal"), "Watchers": ("not read", "1")}
    assert card.decided.startswith("An earlier run fenced")


@pytest.mark.parametrize(("owner", "told"), [("", "not held"), ("192.0.2.9:0/9", "unknown client")])
def test_a_lock_that_is_free_or_held_by_a_stranger(owner: str, told: str) -> None:
    summed = run()
    summed["images"][0]["lock_after"] = owner
    assert rows(only(summed).rows)["Lock"] == ("stale client", told)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source: what a survey gives rise to, and its options."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.extensions.eda.plugins.event_source.duplicate_watchers import (
    Known,
    changes,
    checked,
    module_args,
    nothing_seen,
)

HOLD = 600


def image(spec: str = "rbd/one", state: str = "stale_duplicate", decision: str = "fence", watchers: int = 2) -> dict[str, t.Any]:
    return {"spec": spec, "state": state, "decision": decision, "reasons": ["why"], "watchers": [{"address": str(number)} for number in range(watchers)]}


def culprit(address: str = "1", *images: str) -> dict[str, t.Any]:
    return {"address": address, "images": list(images or ["rbd/one"])}


def survey(*images: dict[str, t.Any], culprits: t.Sequence[t.Any] = (), incomplete: t.Sequence[str] = (), unseen: int = 0) -> dict[str, t.Any]:
    return {"images": list(images), "culprits": list(culprits), "incomplete": list(incomplete), "counts": {"unseen": unseen}}


def told(*surveys: dict[str, t.Any], every: float = 1) -> list[list[str]]:
    """Returns the events of each survey after the other."""
    known, said = Known(), []
    for number, one in enumerate(surveys):
        events, known = changes(known, one, number * every, HOLD)
        said.append([" ".join(filter(None, (event["duplicate_watchers"]["change"], event["duplicate_watchers"].get("image")))) for event in events])
    return said


WELL, SICK, OUTAGE = survey(), survey(image()), nothing_seen("no answer")


@pytest.mark.parametrize(
    ("surveys", "expected"),
    [
        ([WELL, SICK, SICK, WELL, WELL], [[], ["found rbd/one"], [], ["gone rbd/one"], []]),
        ([survey(image(), image("rbd/two")), survey(image("rbd/two"))], [["found rbd/one", "found rbd/two"], ["gone rbd/one"]]),
        # One that is named is listed when it is normal, too.
        ([SICK, survey(image(state="normal", decision="leave", watchers=1), incomplete=["osd.1"], unseen=1)], [["found rbd/one"], ["unseen", "gone rbd/one"]]),
        ([SICK, OUTAGE, OUTAGE, SICK, WELL], [["found rbd/one"], ["unseen"], [], ["seen"], ["gone rbd/one"]]),
        ([OUTAGE, SICK], [["unseen"], ["seen", "found rbd/one"]]),
        ([SICK, OUTAGE, WELL], [["found rbd/one"], ["unseen"], ["seen", "gone rbd/one"]]),
        # Not listed, and not everything was seen.
        ([SICK, survey(incomplete=["osd.1 did not answer"], unseen=3)], [["found rbd/one"], ["unseen"]]),
        ([SICK, survey(unseen=1)], [["found rbd/one"], []]),
        # Named, and could not be read.
        ([SICK, survey(image(state="undetermined", decision="refuse", watchers=0), incomplete=["rbd/one"], unseen=1)], [["found rbd/one"], ["unseen"]]),
        ([survey(image(state="undetermined", decision="refuse", watchers=0), incomplete=["rbd/one"], unseen=1)], [["unseen"]]),
        # Found by a look that did not see all else.
        ([survey(image(), incomplete=["osd.1"], unseen=3)], [["unseen", "found rbd/one"]]),
    ],
)
def test_what_is_told(surveys: list[dict[str, t.Any]], expected: list[list[str]]) -> None:
    assert told(*surveys) == expected


@pytest.mark.parametrize(
    "other",
    [
        survey(image(state="contested", decision="fence")),
        survey(image(decision="refuse")),
        survey(image(), culprits=[culprit("2")]),
    ],
)
def test_what_changed_is_told_once_the_hold_is_over(other: dict[str, t.Any]) -> None:
    first = survey(image(), culprits=[culprit()])
    assert told(first, other, other) == [["found rbd/one"], [], []]
    assert told(first, other, other, other, every=HOLD / 2) == [["found rbd/one"], [], ["changed rbd/one"], []]
    # What was over before the hold was is not told.
    assert told(first, other, first, first, every=HOLD / 2) == [["found rbd/one"], [], [], []]


def test_another_images_culprits_are_no_change() -> None:
    assert told(survey(image()), survey(image(), culprits=[culprit("2", "rbd/two")]), every=HOLD) == [["found rbd/one"], []]


def test_what_comes_and_goes_is_found_once_in_the_hold() -> None:
    assert told(*[SICK, WELL] * 4, every=HOLD / 4) == [["found rbd/one"], ["gone rbd/one"], [], [], ["found rbd/one"], ["gone rbd/one"], [], []]


def test_nothing_is_kept_of_what_is_long_well() -> None:
    _events, known = changes(Known(), SICK, 0, HOLD)
    _events, known = changes(known, WELL, 1, HOLD)
    assert known.told
    _events, known = changes(known, WELL, HOLD, HOLD)
    assert not known.told


def test_what_an_event_holds() -> None:
    (event,), _known = changes(Known(), survey(image(), culprits=[culprit(), culprit("2", "rbd/two")]), 0, HOLD)
    assert event["duplicate_watchers"] == {
        **{"change": "found", "image": "rbd/one", "image_urlencoded": "rbd/one", "state": "stale_duplicate", "decision": "fence", "reasons": ["why"]},
        **{"watchers": image()["watchers"], "culprits": [culprit()]},
    }


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "{% x %}", "{# x #}", "a b\n\"'$(id)`id`", "\u202e\U0001f600", "%7B%7B", "\udce4"])
def test_a_name_is_handed_on_in_letters_without_another_meaning(name: str) -> None:
    (event,), _known = changes(Known(), survey(image(f"rbd/{name}")), 0, HOLD)
    encoded = event["duplicate_watchers"]["image_urlencoded"]
    assert not set(encoded) & set("{}%#$`'\" \n") - {"%"} and "{%" not in encoded
    assert encoded.isascii() and urllib.parse.unquote(encoded, errors="surrogatepass") == f"rbd/{name}"


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"intervall": 3}, "unknown option"),
        ({"interval": 0}, "at least 1"),
        ({"interval": "60"}, "whole number"),
        ({"timeout": True}, "whole number"),
        ({"hold": -1}, "at least 0"),
        ({"expected": 0}, "at least 1"),
        ({"images": "rbd/one"}, "list of texts"),
        ({"images": [1]}, "list of texts"),
        ({"images": ["rbd/{{ x }}"]}, "!unsafe"),
        ({"expected_for": [{"pattern": "{% x %}", "watchers": 1}]}, "!unsafe"),
        ({"expected_for": ["rbd/*"]}, "pattern and watchers"),
        ({"conf": 3}, "text"),
        ({"inventory": "/nowhere/at/all"}, "exists"),
        ({"inventory": ""}, "ANSIBLE_INVENTORY"),
    ],
)
def test_a_wrong_option_is_named(wrong: dict[str, t.Any], word: str, tmp_path: Path) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=word) as told:
        checked({"inventory": str(tmp_path), **wrong}, {})
    assert f"duplicate_watchers: {name} is " in str(told.value)


def test_the_inventory_is_named_once(tmp_path: Path) -> None:
    assert checked({}, {"ANSIBLE_INVENTORY": str(tmp_path)})["inventory"] == str(tmp_path)
    with pytest.raises(ValueError, match="ANSIBLE_INVENTORY"):
        checked({}, {})


def test_what_is_not_given_comes_from_the_inventory(tmp_path: Path) -> None:
    given = module_args(checked({"inventory": str(tmp_path), "pools": ["rbd"], "timeout": 7}, {}))
    assert given["pools"] == ["rbd"]
    assert given["images"] == "{{ remediate_watchers_images | default(omit, true) }}"
    # The source's own timeout is for the whole look.
    assert given["timeout"] == "{{ remediate_watchers_ceph_timeout | default(omit, true) }}"
    assert not {"inventory", "hosts", "interval", "hold"} & set(json.loads(json.dumps(given)))

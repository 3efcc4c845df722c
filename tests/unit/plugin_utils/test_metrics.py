# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text that node_exporter reads. That promtool takes it is tested beside a cluster, in tests/events."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STATES
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils import _metrics
from hypothesis import given
from hypothesis import strategies as st

LINE = re.compile(r'[a-z_]+(\{[a-z]+="(\\[\\"n]|[^\\"\n])*"(,[a-z]+="(\\[\\"n]|[^\\"\n])*")*\})? [0-9.]+')


def image(name: str = "one", liveness: t.Sequence[str] = ("alive", "orphaned"), state: str = "stale_duplicate") -> dict[str, t.Any]:
    return {"pool": "rbd", "namespace": "", "name": name, "state": state, "decision": "fence", "watchers": [{"liveness": one} for one in liveness]}


def survey(*images: dict[str, t.Any], unseen: int = 0, incomplete: t.Sequence[str] = ()) -> dict[str, t.Any]:
    counts = {**{state: sum(one["state"] == state for one in images) for state in STATES}, "normal": 7, "unseen": unseen}
    return {"images": list(images), "counts": counts, "incomplete": list(incomplete)}


def samples(text: str) -> dict[str, str]:
    pairs = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
    return dict(pairs)  # type: ignore[arg-type]


def test_a_sick_image() -> None:
    read = samples(_metrics.render(survey(image(liveness=["alive", "orphaned", "hung", "unknown"])), [], 12.5))
    assert read['rbd_image_watchers{pool="rbd",namespace="",image="one",state="stale_duplicate",decision="fence"}'] == "4"
    assert read['rbd_image_watchers_stale{pool="rbd",namespace="",image="one"}'] == "2"
    assert read['rbd_images{state="stale_duplicate"}'] == "1"
    assert read['rbd_images{state="normal"}'] == "7"
    assert read["rbd_watchers_last_success_timestamp_seconds"] == "12.5"


def test_an_image_that_is_well_has_no_series_of_its_own() -> None:
    assert "one" not in _metrics.render(survey(image(state="normal")), [], 0)


def test_what_was_not_seen() -> None:
    read = samples(_metrics.render(survey(unseen=3, incomplete=["osd.1 did not answer", "osd.2 did not answer"]), [], 0))
    assert (read["rbd_images_unseen"], read["rbd_watchers_gaps"]) == ("3", "2")


def test_leases() -> None:
    read = samples(_metrics.render(survey(), [{"added": 9.0}, {"added": 5.0}, {"added": 7.0}], 0))
    assert (read["osd_blacklist_leases"], read["osd_blacklist_oldest_lease_timestamp_seconds"]) == ("3", "5.0")
    none = samples(_metrics.render(survey(), [], 0))
    assert none["osd_blacklist_leases"] == "0"
    assert "osd_blacklist_oldest_lease_timestamp_seconds" not in none


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ('a"b', 'a\\"b'),
        ("a\\b", "a\\\\b"),
        ("a\nb", "a\\nb"),
        ("{{ x }}", "{{ x }}"),
        ("\udce4", "\\\\udce4"),
        ('"} 1\nrbd_images_unseen 0', '\\"} 1\\nrbd_images_unseen 0'),
    ],
)
def test_hostile_names(name: str, written: str) -> None:
    assert f'rbd_image_watchers_stale{{pool="rbd",namespace="",image="{written}"}} 1\n' in _metrics.render(survey(image(name)), [], 0)


def test_two_names_that_are_written_alike_are_one_series() -> None:
    text = _metrics.render(survey(image("\udce4"), image("\\udce4", ["hung", "hung"])), [], 0)
    assert text.count("rbd_image_watchers_stale{") == 1
    assert 'image="\\\\udce4"} 2\n' in text


@given(st.text(st.characters()))
def test_any_name_is_one_line_that_can_be_written(name: str) -> None:
    text = _metrics.render(survey(image(name)), [], 0)
    lines = text.encode().decode().split("\n")
    assert lines.pop() == ""
    assert all(line.startswith("#") or LINE.fullmatch(line, 0) for line in lines)

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Grafana dashboard shows each metric that is exported. That its queries find something is tested by promtool, in tests/events."""

from __future__ import annotations

import itertools
import json
import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STATES
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils import _metrics
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

DASHBOARD = json.loads((ROOT / "extensions" / "grafana" / "rbd_watchers.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, t.Any]] = DASHBOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAME = r"\b(?:rbd|osd)_\w+"


def exported() -> set[str]:
    image = {"pool": "rbd", "namespace": "", "name": "one", "state": "stale_duplicate", "decision": "fence", "watchers": [{"liveness": "orphaned"}]}
    survey = {"images": [image], "counts": {**dict.fromkeys(STATES, 1), "unseen": 0}, "incomplete": []}
    return set(re.findall(rf"^# TYPE ({NAME})", _metrics.render(survey, [{"added": 5.0}], 0), re.MULTILINE))


def test_each_metric_is_shown_and_no_other() -> None:
    assert {name for query in QUERIES for name in re.findall(NAME, query)} == exported()


def test_the_documentation_names_each_metric() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    assert set(re.findall(rf"^\| `({NAME})", page, re.MULTILINE)) == exported()


def test_every_query_takes_the_chosen_host_and_data_source() -> None:
    assert all('instance=~"$instance"' in query for query in QUERIES)
    assert {target["datasource"]["uid"] for panel in PANELS for target in [panel, *panel["targets"]]} == {"${datasource}"}


def test_no_panel_covers_another() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    cells = [set(itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))) for at in (panel["gridPos"] for panel in PANELS)]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(cells, 2))
    assert max(x for cell in cells for x, _y in cell) < 24


def test_every_panel_says_what_it_shows() -> None:
    assert all(panel["description"] for panel in PANELS)

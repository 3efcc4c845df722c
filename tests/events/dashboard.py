# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks promtool each query of the Grafana dashboard, of what the exporter writes in an incident, and of nothing.

A query is named that is wrong, that finds nothing in an incident, or that shows a number where nothing was exported: that would look as if all were well.

usage: dashboard.py PROMTOOL
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STATES
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils import _metrics

DASHBOARD = Path(__file__).parents[2] / "extensions" / "grafana" / "rbd_watchers.json"
IMAGE = {
    "pool": "rbd",
    "namespace": "",
    "name": "one",
    "state": "stale_duplicate",
    "decision": "fence",
    "watchers": [{"liveness": "alive"}, {"liveness": "orphaned"}],
}
INCIDENT = {"images": [IMAGE], "counts": {**dict.fromkeys(STATES, 0), "normal": 7, "stale_duplicate": 1, "unseen": 2}, "incomplete": ["osd.1 did not answer"]}
LEASES = [{"added": 0.0}]
# Grafana puts in what is chosen; at first, all.
CHOSEN = {"$instance": ".*"}


def queries() -> list[tuple[str, str]]:
    """Returns the title and the query of each target of each panel."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return [(panel["title"], filled(target["expr"])) for panel in panels for target in panel["targets"]]


def filled(query: str) -> str:
    """Returns a query as Grafana sends it."""
    for name, value in CHOSEN.items():
        query = query.replace(name, value)
    return query


def series() -> list[dict[str, str]]:
    """Returns what Prometheus has read from node_exporter, with the label that it adds."""
    lines = [line for line in _metrics.render(INCIDENT, LEASES, 60.0).splitlines() if not line.startswith("#")]
    return [{"series": named(line.rsplit(" ", 1)[0]), "values": f"{line.rsplit(' ', 1)[1]}x5"} for line in lines]


def named(name: str) -> str:
    return name.replace("{", '{instance="admin1:9100",', 1) if "{" in name else f'{name}{{instance="admin1:9100"}}'


def finds(query: str) -> dict[str, t.Any]:
    """Returns a test that fails where the query finds nothing of an incident."""
    asked = {"expr": f"count({query}) > bool 0", "eval_time": "3m", "exp_samples": [{"labels": "{}", "value": 1}]}
    return {"interval": "1m", "input_series": series(), "promql_expr_test": [asked]}


def finds_nothing(query: str) -> dict[str, t.Any]:
    """Returns a test that fails where the query finds something although nothing is exported."""
    return {"interval": "1m", "input_series": [{"series": "up", "values": "1x5"}], "promql_expr_test": [{"expr": query, "eval_time": "3m", "exp_samples": []}]}


def promtool(program: str, kind: str, file: dict[str, t.Any]) -> str:
    """Returns what promtool says against a file, which JSON is good enough for."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.yml"
        path.write_text(json.dumps(file), encoding="utf-8")
        done = subprocess.run([program, kind, "rules", str(path)], check=False, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr if done.returncode else ""


def faults(program: str) -> t.Iterator[str]:
    """Yields a line for each query that is wrong or finds nothing."""
    for title, query in queries():
        rules = {"groups": [{"name": "dashboard", "rules": [{"record": "asked", "expr": query}]}]}
        tests = {"rule_files": [], "tests": [finds(query), finds_nothing(query)]}
        said = promtool(program, "check", rules) or promtool(program, "test", tests)
        if said:
            yield f"{title}: {query}\n{said}"


def main() -> None:
    found = list(faults(sys.argv[1]))
    print("\n".join([*found, f"{len(queries())} queries asked, {len(found)} faults"]))
    sys.exit(1 if found or not queries() else 0)


if __name__ == "__main__":
    main()

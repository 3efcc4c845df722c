# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A workflow of the stand-in, led from step to step as AWX does, with real jobs: awx/main/scheduler/dag_workflow.py, WorkflowDAG.

A person's answer to an approval is given by the test. What a job leaves with set_stats is an extra variable of all that come after it. The workflow's
own answers win over that (awx/main/models/workflow.py, WorkflowJobNode.get_job_kwargs).
"""

from __future__ import annotations

import typing as t

from answers import taken
from launch import Job, launch
from stand_in import Store, Thing

NODES = "workflow_job_template_nodes"


class Ended(t.NamedTuple):
    """``steps``: identifier -> how it ended, in the order in which they ran. ``jobs``: the jobs among them."""

    status: str
    steps: dict[str, str]
    jobs: dict[str, Job]


def run(store: Store, name: str, approved: t.Mapping[str, t.Callable[[], bool]]) -> Ended:
    """Launches the workflow with the defaults of its survey. ``approved``: identifier -> asks the person."""
    workflow = store.named("workflow_job_templates", name)
    store.answered(workflow["id"], {})
    nodes = {one["id"]: one for one in store.things[NODES].values() if one["workflow_job_template"] == workflow["id"]}
    answers = taken(store.surveys["workflow_job_templates", workflow["id"]]["spec"], {})
    ended, jobs = dict[int, str](), dict[str, Job]()
    waiting = [number for number in nodes if not _parents(store, nodes, number)]
    left: Thing = {}
    while waiting:
        node = nodes[waiting.pop(0)]
        if node["unified_job_template"] in store.things["workflow_approval_templates"]:
            ended[node["id"]] = "successful" if approved[node["identifier"]]() else "failed"
        else:
            extra = {**(node.get("extra_data") or {}), **left, **answers}
            job = launch(store, store.get("job_templates", node["unified_job_template"]), node.get("extra_data"), extra)
            ended[node["id"]], jobs[node["identifier"]] = job.status, job
            left = {**left, **job.artifacts}
        waiting += _after(store, node["id"], ended[node["id"]])
    return Ended(_status(store, ended), {nodes[number]["identifier"]: status for number, status in ended.items()}, jobs)


def _parents(store: Store, nodes: t.Collection[int], number: int) -> list[int]:
    leads = [(place, parent) for (place, parent, _name), children in store.joined.items() if number in children]
    return [parent for place, parent in leads if place == NODES and parent in nodes]


def _after(store: Store, number: int, status: str) -> list[int]:
    """bfs_nodes_to_run; a step with several parents runs when one leads to it, which all of ours do."""
    names = ("success_nodes" if status == "successful" else "failure_nodes", "always_nodes")
    return [child for name in names for child in store.joined[NODES, number, name]]


def _status(store: Store, ended: t.Mapping[int, str]) -> str:
    """has_workflow_failed: a step failed, and nothing leads on from that."""
    failed = [one for one, status in ended.items() if status != "successful"]
    return "successful" if all(_after(store, one, "failed") for one in failed) else "failed"

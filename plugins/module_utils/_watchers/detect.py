# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole look: survey -> evidence -> verdict -> what the module returns."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import evidence, report, survey, verdict
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Culprit, Judgement, WatchedImage


@dataclass
class _Stages:
    """Seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def end(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self._since, 3)
        self._since = now


def detect(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Looks at the images that the options of rbd_watchers select and returns that module's result. Raises RescueError."""
    if options["expected"] < 1 or options["notify_timeout"] < 1:
        raise InputError("expected and notify_timeout must be at least 1.")
    stages = _Stages()
    with Cluster(Connection.from_options(options)) as cluster:
        stages.end("connect")
        selected = survey.select(cluster, options["pools"], options["images"])
        seen = survey.watch_all(cluster, selected)
        stages.end("survey")
        found = evidence.gather(cluster, _suspects(seen, options), options["notify_timeout"])
        judgements = [verdict.judge(watched, found.findings(watched), options["expected"]) for watched in seen]
        stages.end("liveness")
        culprits = _weighed(cluster, judgements, options)
        stages.end("blast_radius")
    return report.result(judgements, culprits, options["images"], stages.seconds)


def _suspects(seen: t.Sequence[WatchedImage], options: t.Mapping[str, t.Any]) -> list[WatchedImage]:
    least = {"none": None, "duplicates": options["expected"] + 1, "all": 1}[options["liveness"]]
    return [watched for watched in seen if least is not None and len(watched.watchers) >= least]


def _weighed(cluster: Cluster, judgements: t.Sequence[Judgement], options: t.Mapping[str, t.Any]) -> list[Culprit]:
    """The culprits with the vetoes that follow from everything else they watch in the whole cluster."""
    accused = verdict.culprits(judgements)
    if not accused:
        return []
    others, gaps = survey.elsewhere(cluster, [judgement.watched for judgement in judgements])
    addresses = {culprit.address for culprit in accused}
    tested = [judgement for judgement in judgements if _was_asked(judgement)]
    untested = [judgement.watched for judgement in judgements if not _was_asked(judgement)] + others
    touched = [watched for watched in untested if addresses & {watcher.address for watcher in watched.watchers}]
    found = evidence.gather(cluster, touched, options["notify_timeout"])
    everything = tested + [verdict.judge(watched, found.findings(watched), options["expected"]) for watched in touched]
    return [verdict.weigh(culprit, everything, gaps) for culprit in accused]


def _was_asked(judgement: Judgement) -> bool:
    return all(finding.reason != verdict.NOT_ASKED for finding in judgement.findings)

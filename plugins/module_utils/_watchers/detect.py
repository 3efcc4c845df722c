# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the whole look: survey -> evidence -> verdict -> guards -> what the module returns."""

from __future__ import annotations

import contextlib
import gc
import math
import time
import typing as t
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, control_watch, service_map, sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import gateway_conf
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import (
    ceph_own_clients,
    evidence,
    guards,
    image_watchers,
    module_result,
    reasons,
    verdict,
)
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.dead_hosts import DeadHosts
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.evidence import Evidence
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.expected import Expected
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Culprit, Finding, Image, Judgement, Surroundings, WatchedImage
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.survey import Seen, Survey

_BETWEEN_LOOKS_S = 1
_BETWEEN_READS_S = 0.2
LONGEST_PATIENCE_S = 600


@dataclass
class _Stages:
    """Measures the seconds spent in each stage."""

    seconds: dict[str, float] = field(default_factory=dict)
    _since: float = field(default_factory=time.monotonic)

    def end(self, stage: str) -> None:
        now = time.monotonic()
        self.seconds[stage] = round(now - self._since, 3)
        self._since = now


class _Look:
    """Makes one look with the options of rbd_watchers."""

    def __init__(self, cluster: Cluster, options: t.Mapping[str, t.Any], expected: Expected, stages: _Stages) -> None:
        self._cluster, self._options, self._expected, self._stages = cluster, options, expected, stages
        self._own: dict[str, str] = {}
        self._dead = DeadHosts.from_option(options["dead_hosts"], cluster.connection.timeout)
        self._evict = {str(address.parse(text)) for text in options["evict"]}

    def run(self) -> dict[str, t.Any]:
        options, named = self._options, self._options["images"]
        whole = bool(options["pools"]) or not named
        services = service_map.read(self._cluster)
        self._expected = self._expected.by(services)
        survey = Survey(self._cluster, options["survey"], options["pools"] if whole else None, options["deep"] or bool(options["dead_hosts"]))
        seen = survey.look(named, survey.selected(options["pools"]) if whole else (), self._expected, options["missing_ok"])
        if options["liveness"] == "all":
            seen = replace(seen, watched=[*seen.watched, *seen.quiet], quiet=())
        seen = self._with_dead_hosts(seen)
        self._stages.end("survey")
        seen, found = self._asked(seen)
        if found.replies:
            self._own, _unread = ceph_own_clients.clients(services, survey.swept, found.looks)
        seen, found = self._twice(seen, found)
        found = self._patiently(seen, found)
        judgements = self._delivered([self._judged(watched, found) for watched in seen.watched])
        self._stages.end("liveness")
        culprits = self._weighed(survey, judgements, found)
        self._stages.end("blast_radius")
        result = module_result.of(self._placed(survey, judgements), culprits, seen, named, found.began)
        exports = self._exports([image["spec"] for image in result["images"]])
        how = {"exports": exports, "survey": {"way": survey.way, "why": survey.why}, "elapsed": self._stages.seconds}
        return {**result, **how}

    def _with_dead_hosts(self, seen: Seen) -> Seen:
        """Returns what was seen, with quiet images as suspects if a client on a dead host watches them."""
        theirs = {one.image for one in seen.quiet if self._on_dead_host(one)}
        again = {one.image: one for one in image_watchers.of_all(self._cluster, theirs, with_lock=True)}
        there = [one for one in seen.quiet if one.image in theirs]
        return replace(seen, watched=[*seen.watched, *there], quiet=[one for one in seen.quiet if one.image not in theirs]).then(again) if theirs else seen

    def _on_dead_host(self, one: WatchedImage) -> bool:
        return any(self._dead.has(watcher.address) for watcher in one.watchers)

    def _exports(self, specs: t.Collection[str]) -> dict[str, t.Any]:
        """Returns what Ceph's iSCSI gateways export of the images that are shown."""
        luns, gap = gateway_conf.read(self._cluster) if specs else ({}, "")
        shown = {host: [lun.record() for lun in found if lun.image in specs] for host, found in luns.items()}
        return {"luns": {host: found for host, found in shown.items() if found}, "gap": gap}

    def _suspects(self, seen: t.Sequence[WatchedImage]) -> list[WatchedImage]:
        """Returns the images to ask. A named image is asked also with one watcher, since a dead one might prevent that it is mapped or deleted."""
        asked, named = self._options["liveness"], {*self._options["images"]}
        if asked == "none":
            return []
        return [one for one in seen if self._is_doubtful(one, asked == "all" or one.image.spec in named)]

    def _is_doubtful(self, one: WatchedImage, always: bool) -> bool:
        return len(one.watchers) > (0 if always else self._expected.of(one)) or bool(verdict.find_owner(one, ())) or self._on_dead_host(one)

    def _asked(self, seen: Seen) -> tuple[Seen, Evidence]:
        """Asks. If a watch appears or disappears during the notify, as when another run fences, it reads the watchers again, and asks them."""
        suspects, timeout_s = self._suspects(seen.watched), self._options["notify_timeout"]
        found = evidence.gather(self._cluster, suspects, timeout_s)
        moved = [watched.image for watched in suspects if any(finding.reason == reasons.MOVED for finding in found.findings(watched))]
        if not moved:
            return seen, found
        now = {watched.image: watched for watched in image_watchers.of_all(self._cluster, moved, with_lock=True)}
        again = evidence.gather(self._cluster, self._suspects(list(now.values())), timeout_s)
        return seen.then(now), found.then(again)

    def _twice(self, seen: Seen, found: Evidence) -> tuple[Seen, Evidence]:
        """Adds a look at the sessions if the owner of a lock neither watches nor has a session: it might only be between two monitors.

        Meanwhile a living client might take the lock, as a gateway does when the owner is fenced. Then the wait ends.
        """
        until = found.began + sessions.BETWEEN_LOOKS_S
        while (held := self._left_locked(seen, found)) and time.time() < until:
            time.sleep(_BETWEEN_READS_S)
            seen = seen.with_locks(image_watchers.of_all(self._cluster, held, with_lock=True))
        return seen, replace(found, looks=(*found.looks, sessions.read(self._cluster))) if held else found

    @staticmethod
    def _left_locked(seen: Seen, found: Evidence) -> list[Image]:
        owners = ((one.image, verdict.find_owner(one, found.looks)) for one in seen.watched)
        return [image for image, owner in owners if owner and owner.liveness == "orphaned"]

    def _patiently(self, seen: Seen, found: Evidence) -> Evidence:
        """Asks a client that might be alive again before it counts as stale, until it was silent for ``patience`` seconds."""
        while True:
            silent = [watched for watched in seen.watched if any(finding.liveness == "hung" for finding in self._judged(watched, found).surplus)]
            left = {watched.image: found.asked[watched.image][0][0] + self._options["patience"] - time.time() for watched in silent}
            doubtful = [watched for watched in silent if left[watched.image] > 0]
            if not doubtful:
                return found
            longest_s = math.ceil(max(left.values()))
            found = found.and_also(evidence.gather(self._cluster, doubtful, min(self._options["notify_timeout"], longest_s)))

    def _judged(self, watched: WatchedImage, found: Evidence, may_free: bool = True) -> Judgement:
        known = [self._known(watched.image, finding) for finding in found.findings(watched)]
        findings = known if may_free else [replace(finding, dead_host=False) for finding in known]
        free = may_free and self._is_to_be_freed(watched.image.spec)
        judgement, owner = verdict.judge(watched, findings, self._expected.of(watched), self._evict, free), verdict.find_owner(watched, found.looks)
        return verdict.with_owner(judgement, self._known(watched.image, owner)) if owner and not watched.unseen else judgement

    def _is_to_be_freed(self, spec: str) -> bool:
        free = self._options["free"]
        return spec in free or any(fnmatchcase(spec, pattern) for pattern in free)

    def _delivered(self, judgements: t.Sequence[Judgement]) -> list[Judgement]:
        """Returns the judgements, and frees an image only if its OSD is proven to deliver notifies, since no watcher answered one."""
        headers = [one.watched.image.header_object for one in judgements if one.freeing and one.findings]
        gaps = control_watch.unproven(self._cluster, headers) if headers else {}
        return [_kept(one, gaps.get(one.watched.image.header_object, "")) for one in judgements]

    def _known(self, image: Image, finding: Finding) -> Finding:
        """Returns the finding with what Ceph says that the watcher is."""
        where = finding.watcher.address
        gateway = self._expected.gateway(image, finding.watcher)
        return replace(finding, daemon=self._own.get(where, ""), gateway=gateway, dead_host=self._dead.has(where))

    def _weighed(self, survey: Survey, judgements: t.Sequence[Judgement], found: Evidence) -> list[Culprit]:
        """Returns the culprits with their vetoes, by everything else that they watch in the whole cluster."""
        accused = verdict.culprits(judgements)
        if not accused:
            return []
        clients = {culprit.address for culprit in accused}
        others, gaps = survey.elsewhere(clients, {judgement.watched.image for judgement in judgements if not judgement.watched.unseen})
        tested = [judgement for judgement in judgements if _was_asked(judgement)]
        untested = [judgement.watched for judgement in judgements if not _was_asked(judgement)] + others
        touched = [watched for watched in untested if clients & {watcher.address for watcher in watched.watchers}]
        more = evidence.gather(self._cluster, touched, self._options["notify_timeout"])
        spared, unread = ceph_own_clients.clients(self._expected.services, survey.swept, (*found.looks, *more.looks))
        self._own.update(spared)
        tested = [self._with_daemons(judgement) for judgement in tested]
        # It is not proven that notifies on these reach their watchers, so none of them is freed.
        everything = guards.by_client(tested + [self._judged(watched, more, may_free=False) for watched in touched])
        named = {culprit.address for culprit in accused if culprit.named}
        around = Surroundings(everything, (*gaps, *unread), spared, self._inactive(survey, judgements), named)
        return [guards.weigh(culprit, around) for culprit in accused]

    def _with_daemons(self, judgement: Judgement) -> Judgement:
        """Returns the judgement with the daemons that are known by now, for the guards."""
        findings = (replace(finding, daemon=self._own.get(finding.watcher.address, finding.daemon)) for finding in judgement.findings)
        return replace(judgement, findings=tuple(findings))

    def _inactive(self, survey: Survey, judgements: t.Sequence[Judgement]) -> dict[str, str]:
        sick = survey.inactive()
        images = [judgement.watched.image for judgement in judgements if judgement.surplus and sick.states]
        places = at_once(lambda image: evidence.placed(self._cluster, image, sick), images)
        return {image.spec: words for image, (words, inactive) in zip(images, places) if inactive}

    def _placed(self, survey: Survey, judgements: t.Sequence[Judgement]) -> list[Judgement]:
        """Returns the judgements, with the header's place if no watcher answered on it."""
        silent = [judgement for judgement in judgements if judgement.findings and _was_asked(judgement) and not _has_answer(judgement)]
        if not silent:
            return list(judgements)
        sick = survey.inactive()
        places = at_once(lambda one: evidence.placed(self._cluster, one.watched.image, sick), silent)
        words = {judgement.watched.image: reasons.PLACE.format(pg=place) for judgement, (place, _inactive) in zip(silent, places)}
        return [
            replace(judgement, reasons=(*judgement.reasons, words[judgement.watched.image])) if judgement.watched.image in words else judgement
            for judgement in judgements
        ]


def look(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Looks at the images that the options of rbd_watchers select and returns that module's result. Raises RescueError.

    ``after``: seconds to wait before the first look. With ``wait`` it looks again, once a second, until all is well or that many seconds passed;
    then the last look counts.
    """
    if options["after"] < 0 or options["wait"] < 0:
        raise InputError("after and wait must not be negative.")
    time.sleep(options["after"])
    give_up = time.monotonic() + options["wait"]
    while time.monotonic() < give_up:
        with contextlib.suppress(ClusterError):
            found = _look_once(options)
            if is_well(found, options["served"]):
                return found
        time.sleep(_BETWEEN_LOOKS_S)
    return _look_once(options)


def is_well(found: t.Mapping[str, t.Any], served: t.Collection[str]) -> bool:
    """Returns whether all images of a look have healthy watchers, and those of ``served`` a watcher that serves them. Waiting breaks no lock."""
    bare = [image["spec"] for image in found["images"] if all(one["daemon"] for one in image["watchers"])]
    return all(image["state"] in ("normal", "locked") for image in found["images"]) and not set(bare) & set(served)


def _look_once(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    expected = Expected.from_options(options)
    if options["notify_timeout"] < 1:
        raise InputError(f"notify_timeout is {options['notify_timeout']}: give at least 1 second.")
    if not 0 <= options["patience"] <= LONGEST_PATIENCE_S:
        raise InputError(f"patience is {options['patience']}: give between 0 and {LONGEST_PATIENCE_S} seconds.")
    stages = _Stages()
    with _no_collection(), Cluster(Connection.from_options(options)) as cluster:
        stages.end("connect")
        return _Look(cluster, options, expected, stages).run()


@contextlib.contextmanager
def _no_collection() -> t.Iterator[None]:
    """Stops the garbage collector: a fleet is many records without cycles, and the search took two fifths of a survey of 100,000 images."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _kept(judgement: Judgement, gap: str) -> Judgement:
    """Returns the judgement, not freed if there is a reason."""
    return replace(judgement, reasons=(*judgement.reasons, gap), surplus=(), freeing=False) if gap else judgement


def _was_asked(judgement: Judgement) -> bool:
    return all(finding.reason != reasons.NOT_ASKED for finding in judgement.findings)


def _has_answer(judgement: Judgement) -> bool:
    return any(finding.liveness == "alive" for finding in judgement.findings)

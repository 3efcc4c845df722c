# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import guards, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import (
    Culprit,
    Finding,
    Image,
    Judgement,
    Liveness,
    Surroundings,
    WatchedImage,
    Watcher,
)
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits

GOOD, STALE, OTHER = (Watcher(f"192.0.2.{number}:0/{number}", number, number * 100) for number in (1, 2, 3))
CULPRIT = Culprit(STALE.address, STALE.client_id, ("rbd/lun",), ("it did not answer",))


def image(name: str, *watchers: tuple[Watcher, Liveness]) -> Judgement:
    findings = tuple(Finding(watcher, liveness, "why") for watcher, liveness in watchers)
    watched = WatchedImage(Image("rbd", "", name, name), tuple(watcher for watcher, _liveness in watchers))
    return Judgement(watched, findings, "normal", ())


HUNG = image("lun", (GOOD, "alive"), (STALE, "hung"))
GONE = image("lun", (GOOD, "alive"), (STALE, "orphaned"))


def around(*judgements: Judgement, **more: dict[str, str] | tuple[str, ...]) -> Surroundings:
    return Surroundings(guards.by_client(judgements), **more)  # type: ignore[arg-type]


def test_no_veto_without_a_reason() -> None:
    assert guards.weigh(CULPRIT, around(HUNG)) == replace(CULPRIT, watches=("rbd/lun",))


def test_a_client_that_answers_on_another_image_is_spared() -> None:
    (reason,) = guards.answers_elsewhere(CULPRIT, around(GONE, image("other", (STALE, "alive"))))
    assert reason == reasons.ANSWERS_ELSEWHERE.format(image="rbd/other")


def test_an_rbd_mirror_serves_nothing_in_place_of_a_client() -> None:
    mirrored = image("lun", (GOOD, "alive"), (STALE, "hung"))
    mirror = replace(mirrored.findings[0], daemon="rbd-mirror")
    (reason,) = guards.only_watcher(CULPRIT, around(replace(mirrored, findings=(mirror, mirrored.findings[1]))))
    assert reason == reasons.ONLY_WATCHER.format(image="rbd/lun")


def test_a_client_with_an_alive_and_a_stale_watch_on_one_image_is_spared() -> None:
    (reason,) = guards.answers_elsewhere(CULPRIT, around(image("lun", (STALE, "alive"), (STALE, "orphaned"))))
    assert reason == reasons.ANSWERS_ELSEWHERE.format(image="rbd/lun")


def test_a_client_that_the_operator_names_is_alive_by_right() -> None:
    named = Culprit(STALE.address, STALE.client_id, ("rbd/lun",), (), named=True)
    assert list(guards.answers_elsewhere(named, around(image("lun", (GOOD, "alive"), (STALE, "alive"))))) == []


def test_a_named_client_that_alone_serves_another_image_is_spared() -> None:
    named = Culprit(STALE.address, STALE.client_id, ("rbd/lun",), (), named=True)
    both = around(image("lun", (GOOD, "alive"), (STALE, "alive")), image("other", (STALE, "alive")))
    assert guards.weigh(named, both).vetoes == (reasons.ONLY_WATCHER.format(image="rbd/other"),)


def test_named_clients_do_not_excuse_each_other() -> None:
    named = Culprit(STALE.address, STALE.client_id, ("rbd/lun",), (), named=True)
    contested, other = image("lun", (GOOD, "alive"), (STALE, "alive"), (OTHER, "alive")), image("other", (STALE, "alive"), (OTHER, "alive"))
    assert guards.weigh(named, around(contested, other)).vetoes == ()
    (veto,) = guards.weigh(named, around(contested, other, named=(STALE.address, OTHER.address))).vetoes
    assert veto == reasons.ONLY_WATCHER.format(image="rbd/other")


def test_a_living_client_that_is_the_only_watcher_of_another_image_is_spared() -> None:
    (reason,) = guards.only_watcher(CULPRIT, around(HUNG, image("other", (STALE, "hung"))))
    assert reason == reasons.ONLY_WATCHER.format(image="rbd/other")


def test_a_dead_watch_beside_it_does_not_make_a_living_client_dispensable() -> None:
    assert list(guards.only_watcher(CULPRIT, around(HUNG, image("other", (STALE, "hung"), (OTHER, "orphaned")))))


def test_a_living_client_that_could_not_be_tested_elsewhere_is_spared() -> None:
    (reason,) = guards.untested(CULPRIT, around(HUNG, image("other", (STALE, "unknown"), (OTHER, "alive"))))
    assert reason == reasons.UNTESTED_ELSEWHERE.format(image="rbd/other", reason="why")


def test_what_a_living_client_serves_must_be_known() -> None:
    (reason,) = guards.unseen(CULPRIT, around(HUNG, gaps=("pool 'x' cannot be read",)))
    assert reason == reasons.UNSEEN.format(gap="pool 'x' cannot be read")


def test_a_client_that_is_gone_serves_no_initiator() -> None:
    weighed = guards.weigh(CULPRIT, around(GONE, image("other", (STALE, "orphaned")), gaps=("pool 'x' cannot be read",)))
    assert weighed.watches == ("rbd/lun", "rbd/other")
    assert weighed.vetoes == ()
    assert weighed.reasons[-1] == reasons.REACH.format(image="rbd/other")


def test_ceph_s_own_clients_are_spared_even_when_they_are_gone() -> None:
    (reason,) = guards.protected(CULPRIT, around(GONE, protected={STALE.address: "rbd-mirror"}))
    assert reason == reasons.PROTECTED.format(what="rbd-mirror")
    assert list(guards.protected(CULPRIT, around(GONE, protected={GOOD.address: "rbd-mirror"}))) == []


def test_no_client_is_fenced_for_an_image_in_an_inactive_placement_group() -> None:
    group = "placement group 1.6, led by osd.1, which is peering"
    assert list(guards.inactive_group(CULPRIT, around(GONE, inactive={"rbd/lun": group}))) == [reasons.INACTIVE.format(image="rbd/lun", pg=group)]
    assert list(guards.inactive_group(CULPRIT, around(GONE, inactive={"rbd/other": "placement group 1.7"}))) == []


def test_every_guard_counts() -> None:
    everything = around(
        HUNG,
        image("answers", (STALE, "alive"), (OTHER, "alive")),
        image("alone", (STALE, "hung")),
        image("untested", (STALE, "unknown"), (OTHER, "alive")),
        gaps=("a gap",),
        protected={STALE.address: "a manager"},
        inactive={"rbd/lun": "placement group 1.6"},
    )
    vetoes = guards.weigh(CULPRIT, everything).vetoes
    wanted = (reasons.ANSWERS_ELSEWHERE, reasons.ONLY_WATCHER, reasons.UNTESTED_ELSEWHERE, reasons.UNSEEN, reasons.PROTECTED, reasons.INACTIVE)
    for sentence in wanted:
        assert [fits(sentence, veto) for veto in vetoes].count(True) == 1


def served(finding_of: Judgement, watcher: Watcher, host: str) -> Judgement:
    """The same where that watcher is a gateway by the service map."""
    findings = tuple(replace(finding, gateway=host) if finding.watcher == watcher else finding for finding in finding_of.findings)
    return replace(finding_of, findings=findings)


def test_a_gateway_that_may_live_is_spared_and_one_that_is_gone_is_not() -> None:
    (reason,) = guards.living_gateway(CULPRIT, around(served(HUNG, STALE, "gw2")))
    assert reason == reasons.GATEWAY.format(host="gw2", image="rbd/lun")
    assert list(guards.living_gateway(CULPRIT, around(served(GONE, STALE, "gw2")))) == []
    assert list(guards.living_gateway(replace(CULPRIT, named=True), around(served(HUNG, STALE, "gw2")))) == []
    assert list(guards.living_gateway(CULPRIT, around(HUNG))) == []


def test_a_client_on_the_host_of_a_gateway_that_responds_is_spared() -> None:
    """The service map drops a gateway that was silent for a minute."""
    there = Watcher("192.0.2.2:0/99", 99, 9900)
    on_host = served(image("other", (there, "alive")), there, "gw2")
    (reason,) = guards.gateway_on_its_host(CULPRIT, around(HUNG, on_host))
    assert reason == reasons.GATEWAY_HOST.format(host="gw2")
    assert list(guards.gateway_on_its_host(CULPRIT, around(GONE, on_host))) == []
    assert list(guards.gateway_on_its_host(CULPRIT, around(HUNG, served(image("other", (there, "hung")), there, "gw2")))) == []
    assert list(guards.gateway_on_its_host(CULPRIT, around(HUNG, image("other", (there, "alive"))))) == []
    assert list(guards.gateway_on_its_host(replace(CULPRIT, named=True), around(HUNG, on_host))) == []

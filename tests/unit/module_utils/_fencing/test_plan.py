# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.lease_store import Lease
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.plan import Look, Restoring, plan_fence, plan_restore, seconds_left
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits

DEAD, LIVING, EXPIRED = "192.0.2.1:0/1", "192.0.2.2:0/2", "192.0.2.3:0/3"
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=timezone.utc).timestamp()
AN_HOUR, A_MINUTE, OVER = "2026-11-22T19:00:00.000000+0000", "2026-11-22T18:01:00.000000+0000", "2026-11-22T17:59:00.000000+0000"
LISTED = {DEAD: AN_HOUR, LIVING: AN_HOUR, "192.0.2.9:0/9": AN_HOUR}
LEASES = {client: Lease(client, "run", "why", NOW - 60, 3600) for client in (DEAD, LIVING, EXPIRED)}
SEEN, NOBODY = Sessions({LIVING: "gateway2"}, names={LIVING: "client.iscsi"}), Sessions({})


def test_only_the_dead_are_let_in_again() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, Restoring("when_gone", [SEEN, SEEN]), NOW)
    assert plan.remove == [DEAD]
    assert plan.close == [DEAD, EXPIRED]
    assert [(kept["address"], kept["host"], kept["entity"]) for kept in plan.keep] == [(LIVING, "gateway2", "client.iscsi")]
    assert plan.keep[0]["reason"] == reasons.ALIVE.format(user="client.iscsi", host="gateway2")


def test_a_client_that_one_look_shows_is_not_gone() -> None:
    assert plan_restore("rbd", LEASES, LISTED, Restoring("when_gone", [Sessions({LIVING: "gateway2", DEAD: "gateway1"}), SEEN]), NOW).remove == []


def test_one_look_is_not_enough() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, Restoring("when_gone", [SEEN]), NOW)
    assert plan.remove == []
    assert plan.keep[0]["reason"] == reasons.LIFE_UNKNOWN.format(gap=reasons.SEEN_ONCE)


@pytest.mark.parametrize(("gone_since", "remove"), [(NOW - 60, [DEAD]), (0.0, []), (NOW - 1, []), (NOW + 5, [])])
def test_a_look_before_it_was_fenced_counts_as_the_first(gone_since: float, remove: list[str]) -> None:
    leases = {DEAD: replace(LEASES[DEAD], gone_since=gone_since)}
    assert plan_restore("rbd", leases, LISTED, Restoring("when_gone", [SEEN]), NOW).remove == remove


def test_without_full_sight_no_entry_is_removed() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, Restoring("when_gone", [Sessions({}, gap="only 2 of 3 monitors are in quorum")] * 2), NOW)
    assert plan.remove == []
    assert "only 2 of 3" in plan.keep[0]["reason"]


def test_a_client_that_was_not_looked_for_is_not_gone() -> None:
    assert plan_restore("rbd", LEASES, LISTED, Restoring("when_gone", []), NOW).remove == []


def test_without_looks_all_leases_end_but_no_foreign_entry() -> None:
    assert plan_restore("rbd", LEASES, LISTED, Restoring("always", []), NOW).remove == [DEAD, LIVING]


@pytest.mark.parametrize(("prior", "remove", "reset"), [("", [DEAD], {}), (A_MINUTE, [], {DEAD: 60.0}), (OVER, [DEAD], {})])
def test_a_prior_entry_gets_what_is_left_of_its_time(prior: str, remove: list[str], reset: dict[str, float]) -> None:
    plan = plan_restore("rbd", {DEAD: replace(LEASES[DEAD], prior=prior)}, LISTED, Restoring("when_gone", [NOBODY, NOBODY]), NOW)
    assert (plan.remove, plan.reset, plan.close) == (remove, reset, [DEAD])


def test_an_entry_that_another_operator_removed_is_not_made_anew() -> None:
    plan = plan_restore("rbd", {DEAD: replace(LEASES[DEAD], prior=AN_HOUR, until=A_MINUTE)}, {}, Restoring("when_gone", [NOBODY, NOBODY]), NOW)
    assert (plan.remove, plan.reset, plan.close) == ([], {}, [DEAD])


@pytest.mark.parametrize("when", ["when_gone", "always", "never"])
@pytest.mark.parametrize(("prior", "reset"), [("", {}), (A_MINUTE, {DEAD: 60.0}), (OVER, {})])
def test_killed_between_taking_the_prior_entry_away_and_adding_one(prior: str, reset: dict[str, float], when: str) -> None:
    plan = plan_restore("rbd", {DEAD: replace(LEASES[DEAD], prior=prior, until="")}, {}, Restoring(when, [SEEN, SEEN]), NOW)
    assert (plan.remove, plan.reset, plan.close) == ([], reset, [DEAD])


def test_with_never_no_entry_is_removed_but_what_is_over_is_closed() -> None:
    plan = plan_restore("rbd", LEASES, LISTED, Restoring("never", []), NOW)
    assert (plan.remove, plan.close) == ([], [EXPIRED])
    assert plan.keep[0]["reason"] == reasons.NEVER


@pytest.mark.parametrize(("age", "remove"), [(59.0, []), (61.0, [DEAD])])
def test_the_fence_of_a_run_that_may_be_under_way_stays(age: float, remove: list[str]) -> None:
    plan = plan_restore("rbd", {DEAD: replace(LEASES[DEAD], added=NOW - age)}, LISTED, Restoring("when_gone", [NOBODY, NOBODY], spare_recent=True), NOW)
    assert plan.remove == remove
    assert all(fits(reasons.UNDER_WAY, kept["reason"]) for kept in plan.keep)


@pytest.mark.parametrize(("until", "foreign"), [("", []), (AN_HOUR, []), (A_MINUTE, [DEAD])])
def test_an_entry_that_another_operator_made_anew_is_left_alone(until: str, foreign: list[str]) -> None:
    plan = plan_restore("rbd", {DEAD: replace(LEASES[DEAD], until=until)}, LISTED, Restoring("when_gone", [NOBODY, NOBODY]), NOW)
    assert (plan.foreign, plan.remove, plan.close) == (foreign, [] if foreign else [DEAD], [DEAD])


MINE = {DEAD: Lease(DEAD, "second", "why", NOW, 3600, ("rbd/lun",))}


def test_a_new_fence_is_recorded_and_added() -> None:
    plan = plan_fence(MINE, {}, {})
    assert (plan.record, plan.add, plan.extend) == ([MINE[DEAD]], [DEAD], [])


@pytest.mark.parametrize("leases", [{}, {DEAD: LEASES[DEAD]}])
def test_an_entry_that_lasts_is_left_alone(leases: dict[str, Lease]) -> None:
    plan = plan_fence(MINE, leases, {DEAD: AN_HOUR})
    assert (plan.record, plan.add, plan.extend) == ([], [], [])


def test_a_foreign_entry_that_ends_too_soon_is_extended_and_remembered() -> None:
    plan = plan_fence(MINE, {}, {DEAD: A_MINUTE})
    assert (plan.record, plan.add, plan.extend) == ([replace(MINE[DEAD], prior=A_MINUTE)], [], [DEAD])


@pytest.mark.parametrize("prior", ["", OVER])
def test_the_first_lease_knows_what_was_before(prior: str) -> None:
    plan = plan_fence(MINE, {DEAD: replace(LEASES[DEAD], prior=prior)}, {DEAD: A_MINUTE})
    assert (plan.record, plan.extend) == ([replace(MINE[DEAD], prior=prior)], [DEAD])


@pytest.mark.parametrize(
    ("open_lease", "until", "prior"),
    [
        # The entry that the lease knows went away: the entry was removed.
        ({"prior": AN_HOUR, "until": AN_HOUR}, None, ""),
        # A run was killed while it changed the entry.
        ({"prior": AN_HOUR, "until": ""}, None, AN_HOUR),
        ({"prior": "", "until": ""}, A_MINUTE, ""),
        # The entry is of the lease, or of another user.
        ({"prior": OVER, "until": A_MINUTE}, A_MINUTE, OVER),
        ({"prior": "", "until": AN_HOUR}, A_MINUTE, A_MINUTE),
    ],
)
def test_what_an_open_lease_knows_of_the_prior_entry(open_lease: dict[str, str], until: str | None, prior: str) -> None:
    entries = {} if until is None else {DEAD: until}
    assert plan_fence(MINE, {DEAD: replace(LEASES[DEAD], **open_lease)}, entries).record == [replace(MINE[DEAD], prior=prior)]


def test_the_times_of_all_releases() -> None:
    assert seconds_left(AN_HOUR, NOW) == 3600
    assert seconds_left("2026-11-22T20:00:00.500000+0200", NOW) == 0.5
    local = datetime.fromtimestamp(NOW + 60).strftime("%Y-%m-%d %H:%M:%S.%f")
    assert seconds_left(local, NOW) == 60
    with pytest.raises(ClusterError, match="this Ceph release is unknown"):
        seconds_left("tomorrow", NOW)


LOOK = Look(10, ["a", "b"], ["a"], {"rbd/a": ["c"]})


def test_a_look_is_the_evidence() -> None:
    LOOK.require(["a", "b"], 25)
    assert (LOOK.gone_since("a"), LOOK.gone_since("b")) == (10, 0.0)


@pytest.mark.parametrize(
    ("clients", "now", "words"),
    [(["a", "c"], 25, "does not name c"), (["a"], 311, "is 301 s old"), (["a"], 9, "is -1 s old"), (["a"], 1e9, "Run rbd_watchers again")],
)
def test_a_look_that_is_old_or_wants_other_clients_fenced_is_no_evidence(clients: list[str], now: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        LOOK.require(clients, now)


def test_a_look_is_read_from_its_option() -> None:
    option = {
        "at": "10.5",
        "fence": ["a"],
        "gone": [],
        "serving": {"rbd/a": ["c"]},
        "watches": {"a": ["rbd/a"]},
        "freeing": ["rbd/b"],
        "locks": {"a": ["rbd/c"]},
    }
    lists = {"serving": {"rbd/a": frozenset(["c"])}, "watches": {"a": frozenset(["rbd/a"])}, "locks": {"a": frozenset(["rbd/c"])}}
    assert Look.from_option(option) == Look(10.5, frozenset(["a"]), frozenset(), freeing=frozenset(["rbd/b"]), **lists)
    for wrong in ("c", 7, None, {"c": 1}):
        with pytest.raises(InputError, match="must be a dictionary of lists"):
            Look.from_option({**option, "serving": {"rbd/a": wrong}})
        with pytest.raises(InputError, match=r"lease\.look\.watches must be a dictionary of lists"):
            Look.from_option({**option, "watches": {"a": wrong}})

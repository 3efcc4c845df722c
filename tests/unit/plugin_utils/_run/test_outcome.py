# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import result as results
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import summary
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages, next_steps, outcome
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.runs import listed_after, run_of

ADDRESS = "192.0.2.7:0/1193546917"
WATCHERS = [
    {"address": "192.0.2.8:0/1", "liveness": "alive", "verdict": "keep", "reasons": ["it acknowledged the notify"]},
    {"address": ADDRESS, "liveness": "orphaned", "verdict": "fence", "reasons": ["it did not answer"]},
]


def image(decision: str) -> dict[str, t.Any]:
    state = {"fence": "stale_duplicate", "refuse": "contested", "leave": "normal"}[decision]
    return {"spec": "rbd/lun", "header": "rbd_header.1", "state": state, "decision": decision, "reasons": ["2 watchers"], "watchers": WATCHERS}


def culprit(verdict: str) -> dict[str, t.Any]:
    return {"address": ADDRESS, "client": "client.1", "images": ["rbd/lun"], "gone_since": 7.0, "verdict": verdict, "reasons": ["it did not answer"]}


def detected(decision: str) -> dict[str, t.Any]:
    culprits = [culprit("fence")] if decision == "fence" else []
    return {"images": [image(decision)], "culprits": culprits, "counts": {"images": 1, "unseen": 0}}


IDLE: dict[str, t.Any] = {"before": {}, "after": {}, "added": [], "extended": [], "removed": [], "reset": [], "kept": [], "closed": [], "unread": []}
KEPT = {"address": ADDRESS, "until": "2026-11-22", "reason": "the client is still running"}
FENCED = {**IDLE, "added": [ADDRESS], "after": {ADDRESS: "then"}}
VERIFIED = {"images": [{**image("leave"), "watchers": WATCHERS[:1]}]}
FREED = {**IDLE, "before": {ADDRESS: "then"}, "removed": [ADDRESS], "closed": [ADDRESS]}


def conclude(decision: str, run: dict[str, t.Any] | None = None, **parts: t.Any) -> dict[str, t.Any]:
    """Returns the result of a run that ended 12.34 s after it began."""
    told = {"listed": IDLE, "continued": [], "verifying": ["rbd/lun"], "detected": detected(decision), **(run or {}), **parts}
    return t.cast(dict[str, t.Any], results.of_run(run_of(**{"listed_after": listed_after(told), **told}), 22.34))


@pytest.mark.parametrize(
    ("outcome", "result"),
    [
        ("nothing_to_do", conclude("leave")),
        ("healed", conclude("leave", restored=FREED)),
        ("healed_restore_pending", conclude("leave", restored={**IDLE, "kept": [KEPT]})),
        ("refused", conclude("refuse")),
        ("refused", conclude("refuse", fenced=FENCED, restored=FREED)),
        ("healed", conclude("fence", fenced=FENCED, restored=FREED)),
        ("healed_restore_pending", conclude("fence", fenced=FENCED, restored={**IDLE, "kept": [KEPT]})),
        ("healed", conclude("fence", fenced={**IDLE, "extended": [ADDRESS]}, restored={**IDLE, "reset": [ADDRESS], "closed": [ADDRESS]})),
        ("healed_restore_pending", conclude("fence", fenced=FENCED, restored={**IDLE, "kept": [KEPT]})),
        ("refused", conclude("leave", listed={**IDLE, "unread": ["the leases of pool x could not be read"]})),
        ("refused", conclude("leave", detected={**detected("leave"), "incomplete": ["osd.2 did not answer"]})),
        ("nothing_to_do", conclude("fence", fenced=IDLE, restored=IDLE)),
        ("would_heal", conclude("fence", {"check_mode": True}, fenced=FENCED)),
        ("would_heal", conclude("leave", {"check_mode": True}, restored=FREED)),
        ("failed", conclude("fence", {"error": "Verify: no"}, fenced=FENCED, restored=FREED)),
    ],
)
def test_outcomes(outcome: str, result: dict[str, t.Any]) -> None:
    assert result["outcome"] == outcome
    lines = summary.lines(result)
    assert lines[0].startswith(f"{outcome}, looked at 1 image in 12.3 s")
    assert outcome not in ("refused", "healed_restore_pending") or result["advice"] == result["unfinished"][0]["next"]
    assert lines[-1].startswith("next: ")


def probed(verdict: str, proof: str = "none", **more: t.Any) -> dict[str, t.Any]:
    step = {"name": "flush", "seconds": 0.1, "status": "good"}
    where = {"portal": "192.0.2.10:3260", "target": "iqn.t", "lun": 12, "device": ""}
    return {"name": "rbd/lun", **where, "verdict": verdict, "reason": "why", "proof": proof, "steps": [step], **more}


LUN = "LUN 12 of iqn.t at 192.0.2.10:3260"


@pytest.mark.parametrize(
    ("probe", "outcome", "words"),
    [
        (probed("healthy", "write"), "healed", f"proven: a write through {LUN} reached the storage"),
        (probed("slow", "write"), "healed", f"proven: a write through {LUN} reached the storage"),
        (probed("healthy", "cache"), "healed", f"answered: {LUN} took a flush, which its target might answer by itself; no write was proven"),
        (probed("healthy", "none"), "healed", f"not proven: {LUN} was not written to (healthy, why)"),
        (probed("conflict", "none"), "healed", f"not proven: {LUN} was not written to (conflict, why)"),
        (probed("unreachable"), "healed_unproven", f"not proven: {LUN} was not reached (unreachable, why)"),
        (probed("mismatch"), "healed_unproven", f"not proven: {LUN} was not reached (mismatch, why)"),
    ],
)
def test_no_more_is_said_than_was_proven(probe: dict[str, t.Any], outcome: str, words: str) -> None:
    result = conclude("fence", fenced=FENCED, restored=FREED, verified=VERIFIED, probes_after=[probe], luns=[{"image": "rbd/lun"}])
    assert (result["outcome"], result["images"][0]["proof"]) == (outcome, probe["proof"])
    assert f"rbd/lun: {words}" in summary.lines(result)


def test_of_several_luns_the_weakest_counts() -> None:
    both = [probed("healthy", "write"), probed("healthy", "cache", lun=13)]
    (found,) = conclude("fence", fenced=FENCED, restored=FREED, verified=VERIFIED, probes_after=both)["images"]
    assert (found["proof"], found["proven"][:16]) == ("cache", "answered: LUN 13")


def test_paths_that_were_tried_are_shown() -> None:
    probe = probed("healthy", "write", tried=["LUN 12 of iqn.t at 192.0.2.11:3260: unreachable, refused"])
    lines = summary.lines(conclude("fence", fenced=FENCED, restored=FREED, verified=VERIFIED, probes_after=[probe]))
    assert "rbd/lun: tried LUN 12 of iqn.t at 192.0.2.11:3260: unreachable, refused" in lines


BOTH = {"images": [image("fence"), {**image("refuse"), "spec": "rbd/two"}], "culprits": [culprit("fence")], "counts": {"images": 2, "unseen": 0}}


def test_to_end_a_fenced_client_comes_before_its_lock() -> None:
    """When the client has ended, the next run breaks its lock, too."""
    locked = {**image("leave"), "watchers": WATCHERS[:1], "owner": [{**WATCHERS[0], "address": ADDRESS}]}
    both = conclude("fence", fenced=FENCED, restored={**IDLE, "kept": [KEPT]}, afterwards={"images": [locked]})
    assert (both["outcome"], both["advice"]) == ("healed_restore_pending", both["unfinished"][0]["next"])
    assert [item["next"] for item in both["unfinished"]] == [next_steps.OPEN["kept_unseen"], next_steps.OPEN["left_locked"]]


def test_one_healed_and_one_refused_have_a_next_step_each() -> None:
    kept = {**KEPT, "host": "gw2"}
    result = conclude("fence", detected=BOTH, fenced=FENCED, restored={**IDLE, "kept": [kept]}, verified=VERIFIED, probes_after=[probed("healthy", "write")])
    assert (result["outcome"], result["healed"], result["refused"]) == ("partly_healed", 1, 1)
    lines = summary.lines(result)
    assert lines[0].startswith("partly_healed (images: 1 healed, 1 refused), looked at 2 images")
    assert [(item["what"].split()[0], item["next"][:23]) for item in result["unfinished"]] == [
        ("rbd/two", "Find the client that do"),
        (ADDRESS, "End that client on its "),
    ]
    assert [line for line in lines if line.startswith("open: ")] == [f"open: {item['what']}; next: {item['next']}" for item in result["unfinished"]]


def test_what_stood_still_before_the_fence_is_shown() -> None:
    flying = [{"host": "gw1", "image": "rbd/lun", "reads": 0, "writes": 6, "still_for": 1.0}]
    waits = [{"host": "gw1", "text": "rbd: rbd0: no lock owners detected", "seconds": 35}]
    lines = summary.lines(conclude("fence", fenced=FENCED, restored=FREED, in_flight=flying, lock_waits=waits))
    assert "rbd/lun: gateway gw1 had 6 writes and 0 reads in flight; none ended within 1.0 s" in lines
    assert "kernel of gw1: rbd: rbd0: no lock owners detected (for 35 s)" in lines


def test_check_mode_fences_no_client() -> None:
    result = conclude("fence", {"check_mode": True}, fenced=FENCED, restored=IDLE)
    assert result["fenced"] == []
    assert result["blacklist_after"] == FENCED["after"]


def test_the_blocklist_is_compared_with_what_it_was_at_first() -> None:
    result = conclude("fence", fenced=FENCED, restored=FREED)
    assert result["blacklist_before"] == result["blacklist_after"] == {}
    assert "blocklist: 0 entries, the same as before" in summary.lines(result)


def test_entries_of_others_are_not_shown_as_those_of_the_run() -> None:
    other, gone = "192.0.2.9:0/9", "192.0.2.9:0/8"
    freed = {**FREED, "after": {other: "then"}}
    lines = summary.lines(conclude("fence", listed={**IDLE, "after": {gone: "soon"}}, fenced=FENCED, restored=freed))
    shown = [line for line in lines if line.startswith("blocklist")]
    assert shown == [
        "blocklist: no entry of this run is left",
        f"blocklist: expired meanwhile, or not removed by this run: {gone}",
        f"blocklist: {other} was added meanwhile, not by this run: a manager or an operator",
    ]
    kept = summary.lines(conclude("fence", fenced=FENCED, restored={**IDLE, "after": {ADDRESS: "then", other: "then"}, "kept": [KEPT]}))
    assert [line for line in kept if "added" in line] == [
        f"blocklist: added {ADDRESS}",
        f"blocklist: {other} was added meanwhile, not by this run: a manager or an operator",
    ]


@pytest.mark.parametrize(("gone_since", "words"), [(0.0, ", silent for 30 s in the last notify"), (7.0, "")])
def test_a_fenced_client_that_might_be_alive_is_shown_with_how_long_it_was_asked(gone_since: float, words: str) -> None:
    missed = [{"at": 1.0, "seconds": 5.0}, {"at": 20.0, "seconds": 30.0}]
    found = {**detected("fence"), "culprits": [{**culprit("fence"), "missed": missed, "gone_since": gone_since}]}
    assert f"rbd/lun: fenced {ADDRESS}{words}" in summary.lines(conclude("fence", detected=found, fenced=FENCED, restored=FREED))


def test_nothing_is_said_of_a_blocklist_that_was_not_read() -> None:
    lines = summary.lines(conclude("leave", {"restore": "never"}, listed={}))
    assert not [line for line in lines if line.startswith("blocklist")]


def test_check_mode_says_would_beside_a_refusal_too() -> None:
    both = {"images": [image("fence"), {**image("refuse"), "spec": "rbd/two"}], "culprits": [culprit("fence")], "counts": {"images": 2, "unseen": 0}}
    lines = summary.lines(conclude("fence", {"check_mode": True}, detected=both, fenced=FENCED))
    assert f"blocklist: would be added {ADDRESS}" in lines
    assert "rbd/two: refused, contested, 2 watchers" in lines


def test_check_mode_says_would() -> None:
    lines = summary.lines(conclude("fence", {"check_mode": True}, fenced=FENCED))
    assert f"blocklist: would be added {ADDRESS}" in lines


def test_a_lun_that_was_not_probed_is_not_called_healthy() -> None:
    lines = summary.lines(conclude("fence", fenced=FENCED, restored=FREED, verified=VERIFIED))
    assert f"rbd/lun: {messages.NOT_PROVEN.format(reason=messages.LUN_UNKNOWN)}" in lines
    assert lines[-2].startswith(f"open: {messages.UNPROBED.format(image='rbd/lun', reason='')}") and lines[-1].startswith("next: Rescan")


def test_probes_are_shown_before_and_after() -> None:
    def took(verdict: str, seconds: float) -> dict[str, t.Any]:
        return probed(verdict, reason="flush timed out after 9.5 s", lun=1, steps=[{"name": "flush", "seconds": seconds}])

    before, after = [took("hung", 9.5)], [took("healthy", 0.01)]
    result = conclude("fence", fenced=FENCED, restored=FREED, probes_before=before, probes_after=after)
    assert "rbd/lun: LUN 1 hung (flush timed out after 9.5 s) -> healthy (longest step flush, 0.01 s)" in summary.lines(result)


def test_what_was_not_seen_is_said() -> None:
    seen = {**detected("leave"), "incomplete": ["osd.2 did not answer"], "counts": {"images": 9, "unseen": 4}}
    lines = summary.lines(conclude("leave", detected=seen))
    assert "not seen (images: 4): osd.2 did not answer" in lines


def test_leftover_headers_are_said() -> None:
    stray = {"pool": "rbd", "namespace": "", "header": "rbd_header.5", "watchers": [{"address": ADDRESS}]}
    lines = summary.lines(conclude("leave", detected={**detected("leave"), "strays": [stray]}))
    assert any(line.startswith(f"left over: rbd/rbd_header.5 is watched by {ADDRESS}") for line in lines)


def test_an_image_that_an_earlier_run_began_with_is_shown() -> None:
    verified = {"images": [{**image("leave"), "watchers": WATCHERS[:1]}]}
    result = conclude("leave", detected={**detected("leave"), "images": []}, verified=verified, continued=["rbd/lun"], restored=FREED)
    assert [(one["spec"], one["decision"], one["state_after"]) for one in result["images"]] == [("rbd/lun", "continue", "normal")]
    assert any(messages.CONTINUED in line for line in summary.lines(result))


def test_a_client_that_came_back_is_shown_as_fenced() -> None:
    asked = {**IDLE, "kept": [KEPT]}
    result = conclude("fence", {"error": "came back"}, fenced=FENCED, restored=FREED, refenced=FENCED, kept_out=asked)
    assert (result["outcome"], result["kept"], result["blacklist_after"]) == ("failed", [KEPT], {ADDRESS: "then"})


LEASE = {"address": ADDRESS, "pool": "rbd", "run": "earlier", "reason": "stale watcher of rbd/lun", "images": ["rbd/lun"]}


def test_a_fence_for_an_image_that_is_refused_is_named() -> None:
    listed = {**IDLE, "after": {ADDRESS: "then"}, "leases": [LEASE]}
    (kept,) = conclude("refuse", listed=listed)["kept"]
    assert (kept["address"], kept["until"], kept["run"]) == (ADDRESS, "then", "earlier")
    assert kept["reason"] == messages.PASSED_OVER
    assert conclude("refuse", listed=listed, restored={**IDLE, "kept": [KEPT]})["kept"] == [KEPT]
    assert conclude("refuse", listed=listed, restored=FREED)["kept"] == []
    assert conclude("refuse", listed={**listed, "after": {}})["kept"] == []
    assert conclude("leave", listed=listed)["kept"] == []


def test_a_gateway_that_could_not_be_asked_is_said() -> None:
    result = conclude("fence", fenced=FENCED, restored=FREED, lun_maps=[{"item": "gw1", "msg": "tgtadm could not ask tgtd"}])
    assert "gateway gw1 did not tell all its LUNs: tgtadm could not ask tgtd" in summary.lines(result)
    assert messages.GATEWAY_SILENT.format(host="gw1", reason="tgtadm could not ask tgtd") in [item["what"] for item in result["unfinished"]]


def test_what_the_last_look_could_not_see_is_not_healed() -> None:
    result = conclude("fence", fenced=FENCED, restored=FREED, afterwards={"images": [], "incomplete": ["osd.1 did not answer"]})
    assert (result["outcome"], result["incomplete"]) == ("partly_healed", ["osd.1 did not answer"])


def test_a_client_that_stays_is_named_beside_one_that_came_back() -> None:
    other = {**KEPT, "address": "192.0.2.9:0/9"}
    result = conclude("fence", fenced=FENCED, restored={**FREED, "kept": [other]}, refenced=FENCED, kept_out={**IDLE, "kept": [KEPT]})
    assert result["kept"] == [other, KEPT]


def test_in_check_mode_what_would_be_extended_is_not_a_foreign_entry() -> None:
    tasks = {"fenced": {**IDLE, "extended": [ADDRESS], "after": {ADDRESS: "then"}}, "restored": {**IDLE, "foreign": [ADDRESS]}}
    assert conclude("fence", {"check_mode": True}, **tasks)["foreign"] == []
    assert conclude("fence", **tasks)["foreign"] == [ADDRESS]


def test_a_fleet_stays_readable() -> None:
    many = [{**image("refuse"), "spec": f"rbd/lun{number}"} for number in range(100)]
    found = {"images": many, "culprits": [], "counts": {"images": 100, "unseen": 0}}
    lines = summary.lines(conclude("refuse", detected=found))
    assert "... and 80 more images, all in the variable remediate_watchers_result and in the report" in lines
    assert not [line for line in lines if "rbd/lun20" in line]


def test_a_fence_that_could_not_be_ended_is_not_called_ended() -> None:
    broken = conclude("fence", {"error": "Restore the blocklist: no quorum"}, fenced=FENCED, restored={"failed": True, "msg": "no quorum"})
    assert next_steps.OPEN["unsettled"] in summary.lines(broken)[-1]
    ended = conclude("fence", {"error": "Verify: no"}, fenced=FENCED, restored=FREED)
    assert "Entries of clients that are gone were removed" in summary.lines(ended)[-1]


def test_what_another_operator_fenced_is_reported() -> None:
    result = conclude("fence", fenced=FENCED, restored={**FREED, "removed": [], "foreign": [ADDRESS]})
    assert f"blocklist: {ADDRESS} was fenced meanwhile, not by this run; its entry was left alone" in summary.lines(result)


def test_a_disk_and_the_holder_of_a_conflict_are_named() -> None:
    probe = {"name": "rbd/lun", "device": "/dev/sdb", "lun": None, "verdict": "conflict", "reason": "held", "holder": "naa.1", "steps": []}
    lines = summary.lines(conclude("fence", fenced=FENCED, restored=FREED, probes_before=[probe], probes_after=[{**probe, "holder": ""}]))
    assert "rbd/lun: /dev/sdb conflict (held; its holder is naa.1) -> conflict (held)" in lines


def test_what_the_kernels_said_is_shown() -> None:
    empty = dict.fromkeys(("initiator", "device", "disk", "old_holder", "holder"), "")
    events = [
        {**empty, "kind": "reserve", "stack": "lio", "seconds": 7.5, "initiator": "iqn.a", "holder": "iqn.a"},
        {**empty, "kind": "error", "stack": "sd", "seconds": 8.25, "device": "1:0:0:1", "disk": "sdb"},
    ]
    result = conclude("leave", kernel_log=[{"host": "gw1", "phase": "before", "gap": "2 records were overwritten", "events": events}])
    lines = summary.lines(result)
    assert "kernel of gw1 at 7.500 s: lio reserve iqn.a, none -> iqn.a" in lines
    assert "kernel of gw1 at 8.250 s: sd error 1:0:0:1 sdb" in lines
    assert "kernel of gw1: 2 records were overwritten" in lines
    assert result["kernel_log"][0]["phase"] == "before"


def test_the_same_as_before_is_said_only_where_it_was_read_again() -> None:
    """Reads it also if this run fenced no client: a probe can make a gateway take the lock and blocklist its owner."""
    lost = WATCHERS[0]["address"]
    quiet = {"listed": {**IDLE, "after": {}}, "fenced": {}, "restored": {}}
    assert "blocklist: 0 entries, the same as before" in summary.lines(conclude("refuse", **quiet))
    assert "blocklist: not read at the end" in summary.lines(conclude("refuse", **quiet, listed_after={}))
    result = conclude("refuse", **quiet, listed_after={"after": {lost: "then", "192.0.2.9:0/9": "then"}})
    assert result["came"] == [
        {"address": lost, "whose": messages.OF_GATEWAY.format(image="rbd/lun")},
        {"address": "192.0.2.9:0/9", "whose": messages.OF_OTHERS},
    ]
    lines = summary.lines(result)
    assert f"blocklist: {lost} was added meanwhile, not by this run: {result['came'][0]['whose']}" in lines
    assert not any("the same as before" in line for line in lines)


def test_check_mode_tells_what_others_added_too() -> None:
    result = conclude("fence", {"check_mode": True}, fenced=FENCED, listed_after={"after": {"192.0.2.9:0/9": "then"}})
    assert result["blacklist_after"] == {ADDRESS: "then", "192.0.2.9:0/9": "then"}
    assert [entry["address"] for entry in result["came"]] == ["192.0.2.9:0/9"]


@pytest.mark.parametrize(
    ("lease", "lapsed"),
    [
        ({"added": 5.0, "expire": 3600, "until": "2026-11-22"}, True),
        ({"added": 5.0, "expire": 1, "until": "2026-11-22"}, False),
        ({"added": 5.0, "expire": 3600, "until": ""}, False),
    ],
)
def test_an_entry_that_was_removed_before_it_expired_is_reported(lease: dict[str, t.Any], lapsed: bool) -> None:
    result = conclude("leave", listed={**IDLE, "leases": [{**LEASE, **lease}]}, restored={**IDLE, "closed": [ADDRESS]})
    words = messages.LAPSED.format(address=ADDRESS, run="earlier", images="rbd/lun")
    assert (words in [item["what"] for item in result["unfinished"]]) == lapsed
    there = conclude("leave", listed={**IDLE, "after": {ADDRESS: "then"}, "leases": [{**LEASE, **lease}]})
    assert there["lapsed"] == []


@pytest.mark.parametrize(("owner", "told"), [(ADDRESS, True), (WATCHERS[0]["address"], False), ("", False)])
def test_that_a_gateway_would_break_the_lock_of_a_dead_client_is_said(owner: str, told: bool) -> None:
    watchers = [{**one, "lock_owner": one["address"] == owner} for one in WATCHERS]
    found = {**detected("fence"), "images": [{**image("fence"), "watchers": watchers}]}
    lines = summary.lines(conclude("fence", detected=found, fenced=FENCED, restored=FREED, lock_breakers={"rbd/lun": {"gw1": ["gw1"]}}))
    words = f"rbd/lun: gateway gw1 would itself break the lock of {ADDRESS} at its next write, and blocklist that client"
    assert (words in lines) == told


def test_what_the_living_still_contest_is_the_reason_of_a_failure() -> None:
    after = {"images": [{**image("refuse"), "decision": "leave", "watchers": WATCHERS[:1]}]}
    result = conclude("fence", fenced=FENCED, restored=FREED, verified=after)
    assert result["outcome"] == "partly_healed"
    assert outcome.failure(t.cast(t.Any, result), True, False, True).startswith("partly_healed: rbd/lun is still contested: 2 watchers")


def test_an_image_whose_lock_was_broken_is_healed() -> None:
    """Checks also an owner that was fenced already."""
    owner = {**WATCHERS[1], "lock_owner": True, "cookie": 7, "client": "client.1"}
    locked = {**detected("fence"), "images": [{**image("fence"), "state": "locked", "watchers": [], "owner": [owner]}]}
    result = conclude("fence", detected=locked, unlocked={"broken": ["rbd/lun"], "kept": {}}, restored=IDLE, verified=VERIFIED)
    assert (result["outcome"], result["images"][0]["unlocked"], result["healed"]) == ("healed", True, 1)
    assert f"rbd/lun: broke the lock of {ADDRESS}" in summary.lines(result)
    assert "rbd lock rm rbd/lun 'auto 7' client.1" in result["by_hand"]


@pytest.mark.parametrize(("why", "step"), [(messages.NO_ACCESS, "no_access"), (messages.NOT_ISCSI, "pathless")])
def test_a_lun_without_a_path_has_the_step_that_fits_the_reason(why: str, step: str) -> None:
    bare = {"rbd/lun": why.format(gateway="gw1", initiator="iqn.p", lun="LUN 12 of iqn.t")}
    result = conclude("fence", fenced=FENCED, restored=FREED, verified=VERIFIED, pathless=bare)
    assert (result["outcome"], [item["next"] for item in result["unfinished"]]) == ("healed_unproven", [next_steps.OPEN[step]])


def test_a_freed_image_has_no_lun_to_rescan() -> None:
    found = {**detected("fence"), "look": {"freeing": ["rbd/lun"]}}
    free = {"images": [{**image("leave"), "watchers": []}]}
    result = conclude("fence", detected=found, fenced=FENCED, restored=FREED, verified=free)
    assert (result["outcome"], result["images"][0]["freed"], result["advice"]) == ("healed", True, next_steps.OPEN["freed"])
    assert f"rbd/lun: {messages.FREE}" in summary.lines(result)


@pytest.mark.parametrize(("when_sick", "fails"), [(True, True), (False, False)])
def test_what_would_be_healed_beside_a_refusal_counts_as_sick(when_sick: bool, fails: bool) -> None:
    both = detected("fence")
    both["images"].append({**image("refuse"), "spec": "rbd/other"})
    result = conclude("fence", check_mode=True, fenced=FENCED, detected=both)
    assert bool(outcome.failure(t.cast(t.Any, result), when_refused=False, when_sick=when_sick, when_unproven=True)) is fails

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every transition of a run, from data as the modules return it, and the words that a run stops or goes on with."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages, outcome, state
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Phase, Run
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.runs import BEGAN, begun

LIVE, DEAD, OTHER = "192.0.2.8:0/1", "192.0.2.7:0/1193546917", "192.0.2.9:0/9"
NAMED = {"image": "rbd/a", "portal": "192.0.2.10", "target": "iqn.t", "lun": 12}


def watcher(address: str, liveness: str = "alive") -> dict[str, t.Any]:
    verdict = "keep" if liveness == "alive" else "fence"
    return {"address": address, "client": "client.1", "host": "", "entity": "", "liveness": liveness, "verdict": verdict, "reasons": [f"it is {liveness}"]}


def image(spec: str, decision: str = "fence", *watchers: dict[str, t.Any]) -> dict[str, t.Any]:
    states = {"fence": "stale_duplicate", "refuse": "contested", "leave": "normal"}
    found = watchers or (watcher(LIVE), *([watcher(DEAD, "orphaned")] if decision == "fence" else []))
    return {"spec": spec, "id": "1", "header": "rbd_header.1", "state": states[decision], "decision": decision, "reasons": ["why"], "watchers": list(found)}


def look(*images: dict[str, t.Any], at: float = 1.0, **more: t.Any) -> dict[str, t.Any]:
    sick = [one["spec"] for one in images if one["decision"] == "fence"]
    one = {"address": DEAD, "client": "client.1", "images": sick, "watches": sick, "gone_since": at, "verdict": "fence", "reasons": ["gone"]}
    found = {"images": list(images), "culprits": [one] if sick else [], "counts": {"images": len(images), "unseen": 0}}
    return {**found, "look": {"at": at, "fence": [DEAD] if sick else [], "gone": []}, "blocklist": listed(), **more}


def listed(*leases: dict[str, t.Any], **after: str) -> dict[str, t.Any]:
    return {"after": dict(after), "leases": list(leases), "unread": [], "word": "blocklist"}


def lease(address: str, *images: str) -> dict[str, t.Any]:
    return {"pool": "rbd", "address": address, "run": "earlier", "reason": "r", "images": list(images)}


def change(**more: t.Any) -> dict[str, t.Any]:
    names = ("added", "extended", "removed", "reset", "closed", "kept", "foreign", "unread")
    return {**{name: [] for name in names}, "after": {}, "changed": True, **more}


def probed(verdict: str, spec: str = "rbd/a") -> dict[str, t.Any]:
    probe = {"name": spec, "portal": "192.0.2.10", "target": "iqn.t", "lun": 12, "device": "", "verdict": verdict, "reason": f"it is {verdict}", "steps": []}
    answered = "no_answer" if verdict == "unreachable" else "good"
    probe["steps"] = [{"name": "connect", "seconds": 0.1, "status": "good"}, {"name": "inquiry", "seconds": 0.1, "status": answered}]
    return {"results": [{"item": {"host": "prober"}, "probes": [probe]}]}


def after(run: Run, *phases: tuple[Phase, dict[str, t.Any]]) -> Run:
    for number, (phase, returned) in enumerate(phases, 1):
        run = state.after(run, phase, returned, BEGAN + number)
    return run


def looked(run: Run | None = None, *more: tuple[Phase, dict[str, t.Any]]) -> Run:
    return after(run or begun(luns=[NAMED]), ("look", look(image("rbd/a"))), PROBED, *more)


PROBED: tuple[Phase, dict[str, t.Any]] = ("probe_before", probed("hung"))
FENCED: tuple[Phase, dict[str, t.Any]] = ("fence", change(added=[DEAD], after={DEAD: "then"}))
VERIFIED: tuple[Phase, dict[str, t.Any]] = ("verify", look(image("rbd/a", "leave")))
RESTORED: tuple[Phase, dict[str, t.Any]] = ("restore", change(removed=[DEAD], closed=[DEAD]))


def test_a_run_that_begins_has_nothing_to_do() -> None:
    run = begun(max_fence="3", images="rbd/a\n# a remark\nrbd/b")
    assert (run["settings"]["max_fence"], run["settings"]["images"]) == (3, ["rbd/a", "rbd/b"])
    assert (run["sick"], run["healing"], run["culprits"], run["verifying"], run["ours"], run["stop"], run["error"]) == ([],) * 5 + ("", "")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"luns": [{"image": "a"}]}, "'a' is no image. Give pool/image"),
        ({"luns": [{"image": "rbd/a", "lun": 1}]}, "neither a device nor a portal"),
        ({"expire": "130", "gone_timeout": "30", "probe_deadline": "10"}, "Give more than 130 s"),
        ({"patience": "0"}, "Give 1 to 120 seconds"),
        ({"patience": "-1000", "expire": "20"}, "Give 1 to 120 seconds"),
        ({"protect": ["gateway1"]}, "'gateway1' uses unknown fields: gateway1\\."),
        ({"approved": ["gateway1"]}, "'gateway1' is not a client address"),
        ({"approved": [5]}, "'5' is not a client address"),
        ({"evict": [5]}, "'5' is not a client address"),
        ({"controller_keyring": "/no/such", "has_key": False}, "no file /no/such with a key of client.admin"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        begun(**settings)


def test_a_look_names_what_to_heal_and_which_clients_to_fence_for_that() -> None:
    run = after(begun(luns=[NAMED]), ("look", look(image("rbd/a"), image("rbd/b", "refuse"), image("rbd/c", "leave"))))
    assert (run["sick"], run["healing"], run["culprits"]) == (["rbd/a", "rbd/b"], ["rbd/a"], [])
    assert [one["address"] for one in after(run, PROBED)["culprits"]] == [DEAD]
    assert (run["verifying"], run["detected"]["look"]["fence"]) == (["rbd/a"], [DEAD])
    assert (run["unnamed"], run["probing"]) == (["rbd/b"], [{"host": "prober", "write_path": "flush", "luns": [{**without_image(NAMED), "name": "rbd/a"}]}])
    assert [line.split()[0] for line in run["plan"]] == ["fence", "refuse"]
    assert run["times"] == {"look": BEGAN + 1}


def test_writes_are_tested_before_only_where_an_image_is_about_to_be_healed() -> None:
    named = [NAMED, {**NAMED, "image": "rbd/b"}]
    run = after(begun(luns=named), ("look", look(image("rbd/a"), image("rbd/b", "refuse"))))
    assert after(begun(luns=named, probe_before="auto"), ("look", look(image("rbd/a"))))["probing"][0]["write_path"] == "auto"
    assert [(one["write_path"], [lun["name"] for lun in one["luns"]]) for one in run["probing"]] == [("flush", ["rbd/a"]), ("none", ["rbd/b"])]


def without_image(lun: dict[str, t.Any]) -> dict[str, t.Any]:
    return {name: value for name, value in lun.items() if name != "image"}


def test_no_lun_is_looked_for_where_that_is_not_asked() -> None:
    assert after(begun(find_luns=False), ("look", look(image("rbd/a"))))["unnamed"] == []


def test_the_operators_rules_count() -> None:
    for settings in ({"protect": ["192.0.2.7"]}, {"protect": ["liveness == 'orphaned'"]}, {"approved": []}, {"approved": OTHER}):
        run = after(begun(**settings), ("look", look(image("rbd/a"))), PROBED)
        assert (run["healing"], run["culprits"], run["sick"]) == ([], [], ["rbd/a"])
    many = look(image("rbd/a"))
    many["culprits"] += [{**many["culprits"][0], "address": OTHER}]
    over = after(begun(max_fence=1), ("look", many), PROBED)
    assert (over["healing"], over["culprits"]) == ([], [])
    # So many rarely die at once, also where a part of them was approved.
    still = after(begun(max_fence=1, approved=[DEAD]), ("look", many), PROBED)
    assert (still["healing"], still["culprits"]) == ([], [])


def test_a_look_names_what_it_would_fence_without_an_approval() -> None:
    """What was approved before is handed on to later looks in a workflow, too."""
    looked = after(begun(check_mode=True, approved=[]), ("look", look(image("rbd/a"))))
    assert looked["healing"] == ["rbd/a"]


def exported(**told: t.Any) -> dict[str, t.Any]:
    """Returns a LUN of rbd/a as lun_map returns it, in the fields that count here."""
    names = {"image": "rbd/a", "snapshot": "", "serial": "s1", "eui": "", "naa": "", "client_address": "", "nv_cache": False, "tcmu": None}
    access = {"initiators": [], "unless": [], "everybody_but": [], "per_portal_acl": False, "logged_in": [], "portals": [], "in_flight": None}
    return {**names, **access, "target": "iqn.t", "disk": "/dev/sdb", "lun": 1, "stack": "lio", "enabled": True, **told}


def test_found_luns_are_probed_and_silent_gateways_are_told() -> None:
    maps = {"results": [{"item": "gw1", "luns": [exported(eui="e1")]}, {"item": "gw2", "msg": "no"}]}
    run = after(begun(gateways={"gw1": ""}), ("look", look(image("rbd/a"))), ("find_luns", maps))
    assert run["probing"] == [{"host": "gw1", "write_path": "flush", "luns": [{"name": "rbd/a", "device": "/dev/sdb", "serial": "s1", "eui": "e1"}]}]
    assert run["silent_gateways"] == [{"host": "gw2", "why": "no"}]


@pytest.mark.parametrize(("evict", "culprits"), [([], []), ([DEAD], [DEAD])])
def test_the_client_behind_a_lun_is_fenced_only_by_the_operators_word(evict: list[str], culprits: list[str]) -> None:
    looked_at = after(begun(gateways={"gw1": ""}, luns=[NAMED], evict=evict), ("look", look(image("rbd/a"))))
    assert looked_at["asking"] == ["gw1"]
    run = after(looked_at, ("find_luns", {"results": [{"item": "gw1", "luns": [exported(client_address=DEAD)]}]}), PROBED)
    assert [one["address"] for one in run["culprits"]] == culprits
    if not evict:
        words = f"{DEAD}: {messages.BEHIND_LUN.format(host='gw1')}"
        assert (run["healing"], words in run["detected"]["images"][0]["reasons"], run["plan"][0][:12]) == ([], True, "refuse rbd/a")


@pytest.mark.parametrize(
    ("told", "liveness", "host", "fenced"),
    [
        ({"msg": "no answer within 10 s"}, "hung", "192.0.2.7", False),
        ({"msg": "no answer within 10 s"}, "hung", "", False),
        ({"msg": "no answer within 10 s"}, "hung", "192.0.2.5", True),
        ({"msg": "no answer within 10 s"}, "orphaned", "192.0.2.7", True),
        ({"msg": "no route", "unreachable": True}, "hung", "192.0.2.7", True),
        ({"luns": []}, "hung", "192.0.2.7", True),
        ({"luns": [], "gaps": ["SCST does not tell what is behind its device lun12"]}, "hung", "192.0.2.7", False),
    ],
)
def test_a_gateway_that_is_half_stuck_spares_its_clients_that_might_be_alive(told: dict[str, t.Any], liveness: str, host: str, fenced: bool) -> None:
    """Compares its address, or its name."""
    stale = {**watcher(DEAD, liveness), "host": "gw1" if not host else ""}
    run = after(begun(gateways={"gw1": host}, luns=[NAMED]), ("look", look(image("rbd/a", "fence", watcher(LIVE), stale))))
    found = after(run, ("find_luns", {"results": [{"item": "gw1", **told}]}), ("probe_before", probed("hung")))
    assert [one["address"] for one in found["culprits"]] == ([DEAD] if fenced else [])


def test_no_gateway_is_asked_where_nothing_is_wrong() -> None:
    assert after(begun(gateways={"gw1": ""}), ("look", look(image("rbd/a", "leave"))))["asking"] == []


@pytest.mark.parametrize(
    ("verdict", "named", "stops"),
    [("hung", True, False), ("mismatch", True, True), ("mismatch", False, False), ("unreachable", True, True), ("unreachable", False, False)],
)
def test_a_lun_out_of_reach_stops_the_run_before_it_fences(verdict: str, named: bool, stops: bool) -> None:
    run = after(begun(luns=[NAMED] if named else []), ("look", look(image("rbd/a"))), ("probe_before", probed(verdict)))
    assert ("Nothing was fenced" in run["stop"]) == stops
    assert run["culprits"] == [] if stops else [one["address"] for one in run["culprits"]] == [DEAD]


@pytest.mark.parametrize(
    ("gone_since", "probes", "evict", "fenced"),
    [
        (0.0, {"results": []}, [], False),
        (0.0, probed("unreachable"), [], False),
        (0.0, probed("hung", "rbd/b"), [], False),
        (0.0, probed("mismatch"), [], False),
        (0.0, probed("hung"), [], True),
        (0.0, {"results": []}, [DEAD], True),
        (1.0, {"results": []}, [], True),
    ],
)
def test_a_client_that_might_be_alive_is_fenced_only_where_another_serves(gone_since: float, probes: dict[str, t.Any], evict: list[str], fenced: bool) -> None:
    found = look(image("rbd/a"))
    found["culprits"][0]["gone_since"] = gone_since
    run = after(begun(evict=evict), ("look", found), ("probe_before", probes))
    assert ([one["address"] for one in run["culprits"]], run["healing"]) == (([DEAD], ["rbd/a"]) if fenced else ([], []))
    if not fenced:
        assert "no LUN of rbd/a responded" in run["plan"][0] and run["plan"][0].startswith("refuse rbd/a")


def test_a_reason_to_stop_that_came_before_the_probe_names_no_client_either() -> None:
    bad = {"results": [{"item": {"item": "gw1"}, "failed": True, "msg": "EINVAL"}]}
    traced = ("trace", {"said": {}, "lio": bad, "scst": {"skipped": True}})
    run = after(begun(luns=[NAMED]), ("look", look(image("rbd/a"))), traced, ("probe_before", probed("hung")))
    assert (fits(messages.DEBUG_LEFT, run["stop"]), run["culprits"]) == (True, [])


def probes(verdict: str, **place: t.Any) -> dict[str, t.Any]:
    (one,) = probed(verdict)["results"]
    return {"results": [{**one, "probes": [{**one["probes"][0], **place}]}]}


def two_ways(**settings: t.Any) -> Run:
    """Returns iSCSI from the prober, and a disk of gw1."""
    maps = {"results": [{"item": "gw1", "luns": [exported(disk=""), exported()]}]}
    return after(begun(gateways={"gw1": "192.0.2.1"}, **settings), ("look", look(image("rbd/a"))), ("find_luns", maps))


def test_where_a_lun_is_not_reached_the_next_host_is_asked() -> None:
    run = two_ways()
    assert [one["host"] for one in run["probing"]] == ["prober"]
    for lost in (probes("unreachable"), probes("mismatch"), {"results": [{"item": {"host": "prober"}, "unreachable": True}]}):
        second = after(run, ("probe_before", lost))
        assert ([one["host"] for one in second["probing"]], second["stop"], second["culprits"]) == (["gw1"], "", [])
        last = after(second, ("probe_before", probes("hung", device="/dev/sdb")))
        assert (last["probing"], [one["address"] for one in last["culprits"]]) == ([], [DEAD])
        assert [probe["device"] for probe in last["probes_before"]] == ["/dev/sdb"]
    for nothing in ({}, {"skipped": True}):
        assert [one["host"] for one in after(run, ("probe_before", nothing))["probing"]] == ["gw1"]
        assert after(run, ("probe_before", nothing), ("probe_before", nothing))["probing"] == []
    reached = after(run, ("probe_before", probes("hung")))
    assert (reached["probing"], [one["address"] for one in reached["culprits"]]) == ([], [DEAD])


def test_after_the_fence_the_way_that_led_to_the_lun_is_taken() -> None:
    run = after(two_ways(), ("probe_before", probes("unreachable")), ("probe_before", probes("hung")), ("fence", change(added=[DEAD])))
    verified = after(run, ("verify", {"images": [image("rbd/a", "leave")]}))
    assert [(one["host"], one["write_path"]) for one in verified["probing"]] == [("gw1", "auto")]


def test_where_no_way_leads_to_the_lun_it_is_healed_and_not_proven() -> None:
    """Tries all hosts again after the fence: a login might have timed out only because the LUN hung."""
    run = after(two_ways(), ("probe_before", probes("unreachable")), ("probe_before", probes("mismatch")), ("fence", change(added=[DEAD])))
    anew = after(run, ("verify", {"images": [image("rbd/a", "leave")]}))
    assert [one["host"] for one in anew["probing"]] == ["prober"]
    verified = after(anew, ("probe_after", probes("unreachable")), ("probe_after", probes("unreachable")), ("restore", change(removed=[DEAD])))
    assert (verified["error"], verified["stop"]) == ("", "")
    ended = outcome.conclude(verified, 20.0)
    assert ended["outcome"] == "healed_unproven"
    assert [bool(outcome.failure(ended, True, True, unproven)) for unproven in (True, False)] == [True, False]
    assert "was not reached (unreachable, it is unreachable)" in outcome.failure(ended, True, True, True)


def test_a_lun_that_is_known_and_has_no_path_is_not_proven() -> None:
    hidden = exported(disk="", initiators=["iqn.esx1"], everybody_but=None)
    looked_at = after(begun(gateways={"gw1": ""}), ("look", look(image("rbd/a"))), ("find_luns", {"results": [{"item": "gw1", "luns": [hidden]}]}))
    run = after(looked_at, ("probe_before", {"results": []}), ("fence", change(added=[DEAD])), ("verify", {"images": [image("rbd/a", "leave")]}))
    ended = outcome.conclude(after(run, ("restore", change(removed=[DEAD], closed=[DEAD]))), 20.0)
    assert (ended["outcome"], ended["images"][0]["proven"]) == (
        "healed_unproven",
        "not proven: gateway gw1 does not let iqn.2001-04.com.example:probe see LUN 1 of iqn.t",
    )
    assert "remediate_watchers_probe_initiator" in ended["advice"]


def test_a_named_lun_whose_prober_is_gone_stops_the_run_also_beside_one_that_is_reached() -> None:
    maps = {"results": [{"item": "gw1", "luns": [exported(image="rbd/b", disk=""), exported(image="rbd/b")]}]}
    run = after(begun(gateways={"gw1": "192.0.2.1"}, luns=[NAMED]), ("look", look(image("rbd/a"), image("rbd/b"))), ("find_luns", maps))
    second = after(run, ("probe_before", {"results": [{"item": {"host": "prober"}, "unreachable": True}]}))
    assert [one["host"] for one in second["probing"]] == ["gw1"]
    last = after(second, ("probe_before", probes("hung", name="rbd/b", device="/dev/sdb")))
    assert (last["stop"], last["culprits"]) == (messages.PROBER_UNREACHABLE.format(hosts="prober"), [])


def test_a_mapping_of_a_gateway_with_gaps_might_be_behind_a_lun() -> None:
    alone = exported(stack="krbd", target="", lun=None, disk="", client_address=DEAD)
    told = {"item": "gw1", "luns": [alone], "gaps": ["SCST does not tell what is behind its device lun12"]}
    looked_at = after(begun(gateways={"gw1": ""}, luns=[NAMED]), ("look", look(image("rbd/a"))))
    assert after(looked_at, ("find_luns", {"results": [told]}), PROBED)["culprits"] == []
    assert [one["address"] for one in after(looked_at, ("find_luns", {"results": [{**told, "gaps": []}]}), PROBED)["culprits"]] == [DEAD]


@pytest.mark.parametrize(("refused", "unproven", "fails"), [(True, True, True), (False, True, True), (True, False, True), (False, False, False)])
def test_one_refusal_does_not_hide_what_was_not_proven(refused: bool, unproven: bool, fails: bool) -> None:
    maps = {"results": [{"item": "gw1", "luns": [exported(disk="")]}]}
    run = after(begun(gateways={"gw1": "192.0.2.1"}), ("look", look(image("rbd/a"), image("rbd/b", "refuse"))), ("find_luns", maps))
    fenced = after(run, ("probe_before", probes("unreachable")), ("fence", change(added=[DEAD])), ("verify", {"images": [image("rbd/a", "leave")]}))
    ended = outcome.conclude(after(fenced, ("probe_after", probes("unreachable")), ("restore", change(closed=[DEAD]))), 20.0)
    told = outcome.failure(ended, refused, False, unproven)
    assert (ended["outcome"], bool(told)) == ("partly_healed", fails)
    assert not told or "rbd/a: not proven" in told


def test_only_what_was_healed_is_counted() -> None:
    """Counts no image whose client stopped watching, or whose lease stays."""
    both = [image("rbd/a"), image("rbd/b", "refuse")]
    run = after(begun(luns=[NAMED]), ("look", look(*both)), PROBED, ("fence", change(vanished=[DEAD])), VERIFIED)
    assert outcome.conclude(run, 20.0)["outcome"] == "refused"
    kept = {**lease(DEAD, "rbd/c"), "until": "then", "reason": "it lives", "host": "h", "entity": "", "fenced_for": "r"}
    again = {**look(image("rbd/b", "refuse")), "blocklist": listed(lease(DEAD, "rbd/c"), **{DEAD: "then"})}
    rerun = after(begun(), ("look", again), ("verify", {"images": [image("rbd/c", "leave")]}), ("restore", change(kept=[kept])))
    assert (outcome.conclude(rerun, 20.0)["outcome"], outcome.conclude(rerun, 20.0)["healed"]) == ("refused", 0)


def test_another_path_after_the_fence_leaves_nothing_open() -> None:
    run = after(two_ways(), ("probe_before", probes("hung", portal="192.0.2.11")), ("fence", change(added=[DEAD])))
    verified = after(run, ("verify", {"images": [image("rbd/a", "leave")]}), ("probe_after", probes("healthy", proof="write")), RESTORED)
    ended = outcome.conclude(verified, 20.0)
    assert ([item["what"] for item in ended["unfinished"]], len(ended["images"][0]["luns"])) == ([], 1)


def test_what_stands_still_is_kept_and_the_kernels_with_krbd_are_asked() -> None:
    flying = {"reads": 0, "writes": 6, "still_for": 1.0}
    luns = [exported(client_address=LIVE, in_flight=flying), exported(target="iqn.u", client_address=LIVE, in_flight=flying)]
    maps = {"results": [{"item": "gw1", "luns": luns}, {"item": "gw2", "luns": [exported(in_flight={**flying, "still_for": 0.0})]}]}
    run = after(begun(gateways={"gw1": "", "gw2": ""}), ("look", look(image("rbd/a"))), ("find_luns", maps))
    assert (run["in_flight"], run["listening"]) == ([{"host": "gw1", "image": "rbd/a", **flying}], ["gw1"])
    waits = [("krbd", "lock", seconds, "no lock owners") for seconds in (10.0, 15.0, 85.0, 90.0, 95.0, 99.0)]
    said = [*waits, ("krbd", "lock", 39.0, "old"), ("lio", "reserve", 99.0, "r")]
    events = [{"stack": stack, "kind": kind, "seconds": seconds, "text": text} for stack, kind, seconds, text in said]
    asked = after(run, ("lock_waits", {"results": [{"item": "gw1", "clock": 100.0, "events": events}, {"item": "gw3", "msg": "no root"}]}))
    assert asked["lock_waits"] == [{"host": "gw1", "text": "no lock owners", "seconds": 15}]


def test_a_prober_that_is_unreachable_stops_the_run() -> None:
    gone = {"results": [{"item": {"host": "prober"}, "unreachable": True}]}
    run = after(begun(luns=[NAMED]), ("look", look(image("rbd/a"))), ("probe_before", gone))
    assert run["stop"] == messages.PROBER_UNREACHABLE.format(hosts="prober")
    assert run["culprits"] == []


def test_a_phase_that_was_skipped_changes_nothing() -> None:
    run = looked()
    for returned in ({}, {"skipped": True, "changed": False}, {"skipped": True, "results": []}):
        assert state.after(run, "fence", returned, 99.0) == run


def test_a_client_that_answers_the_last_question_is_not_stale() -> None:
    spared = [{"address": DEAD, "reason": "it acknowledged the last notify", "answered": True}]
    run = looked(None, ("fence", change(spared=spared, changed=False)))
    assert (run["healing"], run["culprits"], run["verifying"], run["ours"]) == ([], [], [], [])
    ended = outcome.conclude(run, 20.0)
    assert (ended["outcome"], ended["images"][0]["decision"]) == ("refused", "refuse")
    assert f"{DEAD}: it acknowledged the last notify" in ended["images"][0]["reasons"]


def test_a_culprits_record_has_the_last_notify_that_it_missed() -> None:
    run = looked(None, ("fence", change(added=[DEAD], missed=[{"address": DEAD, "at": 12.0, "seconds": 30.0}])))
    assert [one["missed"] for one in run["culprits"]] == [[{"at": 12.0, "seconds": 30.0}]]
    assert run["culprits"][0]["reasons"][-1] == messages.LAST_NOTIFY.format(seconds=30)


def test_a_client_that_watches_nothing_any_more_is_nothing_to_fence() -> None:
    run = looked(None, ("fence", change(vanished=[DEAD], changed=False)), VERIFIED)
    assert (run["healing"], run["ours"], run["error"]) == (["rbd/a"], [], "")
    ended = outcome.conclude(run, 20.0)
    assert (ended["outcome"], messages.WENT_BY_ITSELF.format(clients=DEAD) in ended["images"][0]["reasons"]) == ("nothing_to_do", True)


def test_a_client_that_is_fenced_already_is_not_called_spared() -> None:
    """Clients that are gone are fenced before the others are asked."""
    both = look(image("rbd/a", "fence", watcher(LIVE), watcher(DEAD, "orphaned"), watcher(OTHER, "hung")))
    both["culprits"] += [{**both["culprits"][0], "address": OTHER}]
    run = after(begun(), ("look", both), PROBED, ("fence", change(added=[DEAD], spared=[{"address": OTHER, "reason": "it answered", "answered": True}])))
    assert [(one["address"], one["verdict"]) for one in run["detected"]["culprits"]] == [(DEAD, "fence"), (OTHER, "spare")]
    assert (run["healing"], run["verifying"], run["touched"], run["ours"]) == ([], [], ["rbd/a"], [DEAD])
    watchers = {one["address"]: one["verdict"] for one in run["detected"]["images"][0]["watchers"]}
    assert watchers == {LIVE: "keep", DEAD: "fence", OTHER: "spare"}


def test_a_fence_that_failed_might_have_been_carried_out() -> None:
    failed = ("failed", {"task": "Fence", "result": {"failed": True, "msg": "no quorum"}})
    run = looked(None, failed)
    assert (run["ours"], outcome.conclude(run, 20.0)["unsettled"], outcome.conclude(run, 20.0)["fence_failed"]) == ([DEAD], True, True)
    settled = after(run, ("restore", change(closed=[DEAD])))
    assert (outcome.conclude(settled, 20.0)["fenced"], outcome.conclude(settled, 20.0)["outcome"]) == ([], "failed")
    checked = looked(begun(check_mode=True), failed)
    assert (checked["fenced"], outcome.conclude(checked, 20.0)["outcome"]) == ({}, "failed")
    before = after(begun(), ("look", look(image("rbd/a", "refuse"))), failed)
    assert (before["ours"], outcome.conclude(before, 20.0)["fence_failed"]) == ([], False)


def test_what_this_run_fenced_is_its_to_restore() -> None:
    assert looked(None, FENCED)["ours"] == [DEAD]
    assert looked(None, ("fence", change(extended=[DEAD])))["ours"] == [DEAD]
    assert looked(None, ("fence", change(failed=True)))["ours"] == []


@pytest.mark.parametrize(
    ("settings", "continued", "ours"),
    [
        ({}, ["rbd/a", "rbd/b", "other/c"], [DEAD, OTHER]),
        ({"images": ["rbd/b"]}, ["rbd/b"], [DEAD]),
        ({"pools": ["other"]}, ["other/c"], [OTHER]),
        ({"pools": ["oth"]}, [], []),
        ({"images": ["rbd/z"]}, [], []),
    ],
)
def test_a_run_goes_on_with_what_a_killed_one_left(settings: dict[str, t.Any], continued: list[str], ours: list[str]) -> None:
    """Takes the images that it is asked to look at."""
    owed = listed(lease(DEAD, "rbd/a", "rbd/b"), lease(OTHER, "other/c"))
    run = after(begun(**settings), ("look", look(blocklist=owed)))
    assert (run["continued"], run["verifying"], run["ours"]) == (continued, continued, ours)


def test_a_resumed_run_ends_as_healed() -> None:
    owed = listed(lease(DEAD, "rbd/a"), **{DEAD: "then"})
    run = after(begun(luns=[NAMED]), ("look", look(blocklist=owed)), VERIFIED)
    assert run["probing"][0]["luns"][0]["name"] == "rbd/a"
    run = after(run, ("probe_after", probed("healthy")), RESTORED, ("look_after", look(image("rbd/a", "leave"))))
    ended = outcome.conclude(run, 20.0)
    assert (ended["outcome"], ended["restored"], ended["images"][0]["decision"]) == ("healed", [DEAD], "continue")


def test_a_lease_for_an_image_that_is_refused_now_is_not_ended_by_the_operators_word() -> None:
    """Takes, with restore=always, only the images that the run looks at afterwards."""
    owed = look(image("rbd/a", "refuse"), blocklist=listed(lease(DEAD, "rbd/a")))
    for restore, ours in (("always", []), ("when_gone", [DEAD])):
        run = after(begun(restore=restore), ("look", owed))
        assert (run["continued"], run["ours"]) == ([], ours)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (look(image("rbd/a", "leave")), ""),
        (look(), ""),
        (look(image("rbd/a")), "Timed out after 30 s: rbd/a is still stale_duplicate"),
        (look(image("rbd/a", "refuse")), "Timed out after 30 s: rbd/a is still contested"),
        (look({**image("rbd/a", "leave"), "watchers": []}), "Timed out after 30 s: rbd/a has no watcher, so no client serves it"),
    ],
)
def test_healed_is_what_has_the_expected_watchers_alone(found: dict[str, t.Any], words: str) -> None:
    run = looked(None, FENCED, ("verify", found))
    assert (run["error"], run["stop"]) == (words, "")


def test_an_image_that_an_earlier_run_healed_may_have_no_watcher() -> None:
    bare = look({**image("rbd/a", "leave"), "watchers": []})
    assert after(begun(), ("look", look(blocklist=listed(lease(DEAD, "rbd/a")))), ("verify", bare))["error"] == ""


@pytest.mark.parametrize(
    ("before", "verdict", "wrong"),
    [("hung", "healthy", False), ("hung", "slow", False), ("hung", "conflict", False), ("hung", "hung", True), ("hung", "unreachable", True)],
)
def test_the_lun_must_answer_afterwards(before: str, verdict: str, wrong: bool) -> None:
    run = looked(None, ("probe_before", probed(before)), FENCED, VERIFIED, ("probe_after", probed(verdict)))
    assert (f"rbd/a: its LUN is {verdict}" in run["error"]) == wrong


def test_a_lun_that_the_role_found_and_never_reached_proves_nothing() -> None:
    seen = after(begun(), ("look", look(image("rbd/a"))))
    run = after(seen, ("probe_before", probed("unreachable")), FENCED, VERIFIED, ("probe_after", probed("unreachable")))
    assert run["error"] == ""
    reached = after(seen, ("probe_before", probed("hung")), FENCED, VERIFIED, ("probe_after", probed("unreachable")))
    assert "unreachable, although" in reached["error"]


@pytest.mark.parametrize(
    ("before", "fenced", "restored", "words"),
    [
        ({}, {"added": [DEAD]}, change(removed=[DEAD]), ""),
        ({}, {"added": [DEAD]}, change(after={DEAD: "then"}), messages.ENTRY_LEFT.format(client=DEAD)),
        ({}, {"added": [DEAD]}, change(after={DEAD: "then"}, kept=[{"address": DEAD, "reason": "it lives"}]), ""),
        ({}, {"added": [DEAD]}, change(after={DEAD: "then"}, foreign=[DEAD]), ""),
        ({DEAD: "soon"}, {"extended": [DEAD]}, change(after={DEAD: "soon"}), ""),
        ({DEAD: "soon"}, {"extended": [DEAD]}, change(), messages.ENTRY_LOST.format(client=DEAD)),
        ({DEAD: "soon"}, {"extended": [DEAD]}, change(removed=[DEAD]), ""),
    ],
)
def test_each_entry_that_the_run_touched_is_as_it_was(before: dict[str, str], fenced: dict[str, t.Any], restored: dict[str, t.Any], words: str) -> None:
    first = look(image("rbd/a"), blocklist=listed(**before))
    run = after(begun(), ("look", first), PROBED, ("fence", change(**fenced)), ("restore", restored))
    assert run["error"].startswith(words) and bool(run["error"]) == bool(words)


def test_check_mode_compares_nothing() -> None:
    checked = looked(begun(check_mode=True), FENCED, ("restore", change(after={DEAD: "then"})))
    assert checked["error"] == ""


def test_a_client_that_came_back_is_fenced_by_another_look() -> None:
    back = look({**image("rbd/a", "refuse"), "watchers": [watcher(LIVE), watcher(DEAD)]})
    run = looked(begun(restore="always"), FENCED, VERIFIED, RESTORED, ("look_after", back))
    assert (run["came_back"]["fence"], run["error"]) == ([DEAD], "")
    agreed = after(run, ("look_again", look(image("rbd/a"), at=3.0)))
    assert (agreed["looked_again"]["look"]["at"], agreed["came_back"]["fence"]) == (3.0, [DEAD])
    ended = after(agreed, ("fence_again", {"fenced": change(added=[DEAD]), "asked": change(kept=[{"address": DEAD, "reason": "it lives"}])}))
    assert ended["error"] == messages.BACK_FENCED.format(clients=DEAD, reasons="it lives")
    kept = after(agreed, ("fence_again", {"fenced": change(spared=[{"address": DEAD, "reason": "no other answered", "answered": False}]), "asked": change()}))
    assert kept["error"] == messages.BACK_SPARED.format(client=DEAD, reason="no other answered")
    spared = after(run, ("look_again", look(image("rbd/a", "leave"), at=4.0)), ("fence_again", {"fenced": {"skipped": True}, "asked": {"skipped": True}}))
    assert (spared["came_back"]["fence"], messages.UNCONFIRMED in spared["error"]) == ([], True)


def test_a_fence_of_a_client_that_came_back_which_failed_is_not_called_ended() -> None:
    back = look({**image("rbd/a", "refuse"), "watchers": [watcher(LIVE), watcher(DEAD)]})
    run = looked(begun(restore="always"), FENCED, VERIFIED, RESTORED, ("look_after", back))
    again = after(run, ("look_again", look(image("rbd/a"), at=3.0)))
    failed = after(again, ("failed", {"task": "Fence again", "result": {"failed": True, "msg": "no quorum"}}))
    ended = outcome.conclude(failed, 20.0)
    assert (ended["unsettled"], ended["blacklist_after"]) == (True, None)


def test_errors_add_up_and_have_their_times() -> None:
    failed = {"task": "Fence the stale clients", "result": {"failed": True, "msg": "no quorum"}}
    several = {"task": "Restore the blocklist", "result": {"results": [{"failed": True, "msg": "a"}, {"failed": False, "msg": "b"}, {"failed": True}]}}
    run = looked(None, ("failed", failed), ("failed", several))
    assert run["error"] == "Fence the stale clients: no quorum; Restore the blocklist: a; no reason given"
    assert (run["times"]["failed"], run["times"]["failed_again"]) == (BEGAN + 3, BEGAN + 4)
    assert outcome.conclude(run, 20.0)["outcome"] == "failed"


@pytest.mark.parametrize(("phases", "when"), [((), "before"), ((FENCED, VERIFIED), "after")])
def test_what_the_kernels_said_and_that_they_are_as_they_were(phases: tuple[tuple[Phase, dict[str, t.Any]], ...], when: str) -> None:
    said = {"results": [{"item": {"item": "gw1"}, "gap": "", "events": []}]}
    good, bad = {"results": [{"item": {"item": "gw1"}}]}, {"results": [{"item": {"item": "gw1"}, "failed": True, "msg": "EINVAL"}]}
    run = looked(None, *phases, ("trace", {"said": said, "lio": good, "scst": {"skipped": True}}))
    assert (run["kernel_log"], run["stop"], run["error"]) == ([{"host": "gw1", "phase": when, "gap": "", "events": []}], "", "")
    spoilt = looked(None, *phases, ("trace", {"said": said, "lio": bad, "scst": good}))
    words = messages.DEBUG_LEFT.format(host="gw1", reason="EINVAL")
    assert (words in spoilt["stop"], words in spoilt["error"]) == (
        when == "before",
        when == "after",
    )


def test_a_whole_run() -> None:
    run = looked(
        None, ("probe_before", probed("hung")), FENCED, VERIFIED, ("probe_after", probed("healthy")), RESTORED, ("look_after", look(image("rbd/a", "leave")))
    )
    ended = outcome.conclude(run, 30.0)
    assert (ended["outcome"], ended["fenced"], ended["restored"], ended["kept"]) == ("healed", [DEAD], [DEAD], [])
    assert list(run["times"]) == ["look", "probe_before", "fence", "verify", "probe_after", "restore", "look_after"]


@pytest.mark.parametrize(
    ("ended", "refused", "sick", "fails"),
    [
        ("healed", True, True, False),
        ("partly_healed", True, False, True),
        ("partly_healed", False, True, False),
        ("failed", False, False, True),
        ("refused", True, False, True),
        ("refused", False, True, False),
        ("would_heal", True, False, False),
        ("would_heal", True, True, True),
    ],
)
def test_which_outcomes_fail_the_play(ended: str, refused: bool, sick: bool, fails: bool) -> None:
    run = after(begun(), ("look", look(image("rbd/a"), image("rbd/b", "refuse"))))
    told = outcome.failure({**outcome.conclude(run, 20.0), "outcome": ended, "error": "no quorum"}, refused, sick, True)
    refusal = "rbd/b is still contested: why"
    words = {"failed": "no quorum", "refused": refusal, "partly_healed": refusal, "would_heal": f"fence {DEAD} (client.1): gone"}
    assert told == (f"{ended}: {words[ended]}" if fails else "")


TCMU = {"mode": "implicit"}


def of_ceph_iscsi(*watchers: dict[str, t.Any], write_path: str = "auto") -> Run:
    """Runs two gateways that break locks, up to the probe after the fence; which client watches the image then."""
    luns = [exported(disk="", target=f"iqn.{host}", tcmu=TCMU, portals=["0.0.0.0:3260"]) for host in ("gw1", "gw2")]
    maps = {"results": [{"item": host, "hostname": host, "luns": [one]} for host, one in zip(("gw1", "gw2"), luns)]}
    begins = begun(gateways={"gw1": "192.0.2.8", "gw2": "192.0.2.9"}, write_path=write_path)
    run = after(begins, ("look", look(image("rbd/a"))), ("find_luns", maps), ("probe_before", probes("healthy", portal="192.0.2.8:3260")))
    return after(run, ("fence", change(added=[DEAD])), ("verify", {"images": [image("rbd/a", "leave", *watchers)]}))


def test_after_the_fence_a_write_goes_through_the_gateway_that_serves() -> None:
    (one,) = of_ceph_iscsi({**watcher(OTHER), "lock_owner": False})["probing"]
    assert (one["write_path"], [lun["portal"] for lun in one["luns"]], "other_paths" in one["luns"][0]) == ("lock", ["192.0.2.9:3260"], False)


@pytest.mark.parametrize(("wanted", "asked"), [("none", "none"), ("flush", "flush"), ("auto", "lock"), ("ats", "lock"), ("orwrite", "lock"), ("lock", "lock")])
def test_a_gateway_takes_no_lock_if_the_operator_wants_no_write(wanted: str, asked: str) -> None:
    (one,) = of_ceph_iscsi({**watcher(OTHER), "lock_owner": False}, write_path=wanted)["probing"]
    assert one["write_path"] == asked


@pytest.mark.parametrize(("wanted", "taken"), [("auto", True), ("none", False)])
def test_no_gateway_is_said_to_take_a_lock_that_it_was_not_asked_for(wanted: str, taken: bool) -> None:
    run = of_ceph_iscsi({**watcher(OTHER), "lock_owner": False}, write_path=wanted)
    moved = look(image("rbd/a", "leave", {**watcher(OTHER), "lock_owner": True}))
    ended = after(run, ("probe_after", probes("healthy", proof="none")), RESTORED, ("look_after", moved))
    assert ("took the lock" in outcome.conclude(ended, 20.0)["images"][0]["proven"]) == taken


def test_where_several_gateways_live_the_locks_own_movement_is_the_proof() -> None:
    both = [watcher(LIVE), watcher(OTHER)]
    run = of_ceph_iscsi(*both)
    assert [(one["write_path"], len(one["luns"][0]["other_paths"])) for one in run["probing"]] == [("auto", 1)]
    moved = [{**both[0], "lock_owner": True}, both[1]]
    looked_after = after(run, ("probe_after", probes("healthy", proof="none")), RESTORED, ("look_after", look(image("rbd/a", "leave", *moved))))
    assert outcome.conclude(looked_after, 20.0)["images"][0]["proof"] == "lock"
    still = after(run, ("probe_after", probes("healthy", proof="none")), RESTORED, ("look_after", look(image("rbd/a", "leave", *both))))
    assert outcome.conclude(still, 20.0)["images"][0]["proof"] == "none"


def test_what_living_clients_contest_is_left_when_those_that_are_gone_are_fenced() -> None:
    contest = {**image("rbd/a", "fence", watcher(LIVE), watcher(OTHER), watcher(DEAD, "orphaned")), "state": "contested"}
    run = after(begun(luns=[NAMED]), ("look", look(contest)), PROBED, FENCED)
    left = {**image("rbd/a", "refuse", watcher(LIVE), watcher(OTHER)), "state": "contested"}
    verified = after(run, ("verify", {"images": [left]}), ("probe_after", probed("healthy")), RESTORED)
    assert (verified["error"], [one["address"] for one in run["culprits"]]) == ("", [DEAD])
    ended = outcome.conclude(verified, 20.0)
    assert (ended["outcome"], ended["healed"], ended["refused"]) == ("partly_healed", 1, 1)
    assert [item["next"][:22] for item in ended["unfinished"]] == ["Find the client that d"]


def test_where_there_is_no_gateway_to_ask_the_common_configuration_tells_the_lun() -> None:
    found = {**look(image("rbd/a")), "exports": {"luns": {"gw9": [exported()]}, "gap": ""}}
    run = after(begun(), ("look", found), ("find_luns", {"skipped": True, "results": []}))
    assert [(lun["image"], lun["gateway"]) for lun in run["luns"]] == [("rbd/a", "gw9")]
    assert [one["luns"][0]["name"] for one in run["probing"]] == ["rbd/a"]


@pytest.mark.parametrize(
    ("told", "images", "liveness"),
    [
        ({"free": ["rbd/a"]}, ["rbd/a"], "duplicates"),
        ({"free": ["rbd/a"], "images": ["rbd/b"]}, ["rbd/b", "rbd/a"], "duplicates"),
        ({"free": ["rbd/a", "rbd/b*"]}, [], "all"),
        ({"free": ["rbd/a", "rbd/b*"], "pools": ["rbd"]}, ["rbd/a"], "all"),
        ({"free": ["rbd/a"], "dead_hosts": ["192.0.2.7"]}, [], "all"),
        ({"free": ["rbd/a"], "dead_hosts": ["192.0.2.7"], "images": ["rbd/b"]}, ["rbd/b", "rbd/a"], "all"),
    ],
)
def test_what_is_to_be_freed_is_looked_at_and_leaves_nothing_out(told: dict[str, t.Any], images: list[str], liveness: str) -> None:
    asked = begun(**told)["settings"]
    assert (asked["images"], asked["liveness"]) == (images, liveness)


def test_the_lun_of_an_image_that_is_freed_is_not_probed() -> None:
    found = look(image("rbd/a"))
    found["look"]["freeing"] = ["rbd/a"]
    run = after(begun(luns=[NAMED]), ("look", found), ("probe_before", {"skipped": True}))
    assert (run["probing"], run["stop"], run["serving"]) == ([], "", [])


def test_only_kernels_with_krbd_below_a_lun_are_asked_for_waits() -> None:
    served = {**image("rbd/a"), "watchers": [{"address": OTHER, "liveness": "alive", "verdict": "keep", "gateway": "node1"}]}
    maps = {"results": [{"item": "gw1", "hostname": "node1", "luns": [exported(tcmu={"mode": "implicit"})]}]}
    run = after(begun(gateways={"gw1": ""}), ("look", look(served)), ("find_luns", maps))
    assert (run["asking"], run["listening"]) == (["gw1"], [])


def test_locks_that_fenced_clients_left_are_broken() -> None:
    owner = {"address": DEAD, "client": "client.1", "cookie": 7, "liveness": "orphaned", "verdict": "fence", "reasons": ["why"], "lock_owner": True}
    held, left = {**image("rbd/a"), "watchers": [], "owner": [owner]}, look({**image("rbd/a", "leave"), "state": "locked", "owner": [owner]})
    run = after(begun(), ("look", look(held)), ("probe_before", {"skipped": True}), FENCED, ("verify", left))
    assert (run["locks"], run["error"]) == ([{"image": "rbd/a", "owner": DEAD}], "")
    assert after(run, ("unlock", {"broken": ["rbd/a"], "kept": {}}), VERIFIED)["locks"] == []
    assert after(run, ("unlock", {"broken": [], "kept": {"rbd/a": "it watches"}}))["error"] == "The lock of rbd/a was not broken: it watches"
    spared = after(run, ("fence", change(spared=[{"address": DEAD, "reason": "it is back"}])))
    assert spared["locks"] == []


def test_a_lock_that_a_watcher_left_is_only_told() -> None:
    """Leaves it to the remaining client, which most often takes it by itself, if it is allowed to blocklist others."""
    owner = {"address": DEAD, "client": "client.1", "cookie": 7, "liveness": "orphaned", "verdict": "fence", "reasons": ["why"], "lock_owner": True}
    left = look({**image("rbd/a", "leave"), "state": "locked", "owner": [owner]})
    run = after(begun(), ("look", look(image("rbd/a"))), ("probe_before", {"skipped": True}), FENCED, ("verify", left))
    done = after(run, ("unlock", {"broken": [], "kept": {"rbd/a": "the user lacks a cap"}}))
    assert (run["locks"], done["error"]) == ([{"image": "rbd/a", "owner": DEAD}], "")


def test_a_lock_whose_owner_might_be_alive_by_now_is_not_healed() -> None:
    """Covers a monitor that restarts before the second look."""
    owner = {"address": DEAD, "client": "client.1", "cookie": 7, "liveness": "orphaned", "verdict": "fence", "reasons": ["why"], "lock_owner": True}
    held = {**image("rbd/a"), "watchers": [], "owner": [owner]}
    doubtful = look({**image("rbd/a", "leave"), "owner": [{**owner, "verdict": "undecided", "reasons": ["it is not known whether it lives"]}]})
    run = after(begun(), ("look", look(held)), ("probe_before", {"skipped": True}), FENCED, ("verify", doubtful))
    assert run["locks"] == []
    assert messages.LOCK_STAYS.format(image="rbd/a", owner=DEAD, reason="it is not known whether it lives") in run["error"]


def test_the_lock_that_a_killed_run_left_is_broken_by_the_next() -> None:
    owner = {"address": DEAD, "client": "client.1", "cookie": 7, "liveness": "orphaned", "verdict": "fence", "reasons": ["why"], "lock_owner": True}
    listed = {**look(), "blocklist": {"after": {DEAD: "then"}, "leases": [{"address": DEAD, "images": ["rbd/a"], "pool": "rbd", "run": "r"}], "unread": []}}
    left = look({**image("rbd/a", "leave"), "state": "locked", "owner": [owner]})
    run = after(begun(), ("look", listed), ("probe_before", {"skipped": True}), ("verify", left))
    assert run["locks"] == [{"image": "rbd/a", "owner": DEAD}]

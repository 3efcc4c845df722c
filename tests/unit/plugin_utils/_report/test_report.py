# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a run: what it says, and that nothing in it is taken for more than text."""

from __future__ import annotations

import os
import shlex
import subprocess
import typing as t
from html.parser import HTMLParser
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons as of_cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import reasons as of_fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import commands_by_hand
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import result as results
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report.page import render
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages, next_steps
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.advice import next_step
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT
from ansible_collections.cephops.iscsi_rescue.tests.unit.plugin_utils._run.runs import listed_after, run_of

TEMPLATE = (ROOT / "roles" / "remediate_watchers" / "files" / "report.html.j2").read_text(encoding="utf-8")
LUN = "LUN 12 of iqn.t at 192.0.2.10:3260"
DEAD, LIVE = "192.0.2.7:0/1193546917", "192.0.2.8:0/1"
HOSTILE = "\"><script>alert('&amp;{{ 7*7 }}{% raw %}')</script><img src=x onerror=alert(1)>"


def watcher(address: str, lock: bool = False, liveness: str = "alive") -> dict[str, t.Any]:
    verdict = "keep" if liveness == "alive" else "fence"
    return {
        "address": address,
        "client": "client.1",
        "host": "",
        "entity": "",
        "lock_owner": lock,
        "liveness": liveness,
        "verdict": verdict,
        "reasons": [f"it is {liveness}"],
    }


def image(spec: str = "rbd/lun", **more: t.Any) -> dict[str, t.Any]:
    found = {
        "spec": spec,
        "header": "rbd_header.1",
        "state": "stale_duplicate",
        "decision": "fence",
        "reasons": ["watchers: 2, expected: 1"],
        "watchers": [watcher(LIVE), watcher(DEAD, True, "orphaned")],
    }
    return {**found, **more}


def healed(spec: str, lock: bool = True) -> dict[str, t.Any]:
    return image(spec, state="normal", decision="leave", watchers=[watcher(LIVE, lock)])


def probe(spec: str, verdict: str, **more: t.Any) -> dict[str, t.Any]:
    steps = [
        {"name": "reserve", "seconds": 0.0, "status": "good"},
        {"name": "flush", "seconds": 9.5 if verdict == "hung" else 0.0123, "status": "no_answer" if verdict == "hung" else "good"},
    ]
    where = {"portal": "192.0.2.10:3260", "target": "iqn.t", "lun": 12, "device": ""}
    return {"name": spec, **where, "verdict": verdict, "reason": f"it is {verdict}", "holder": "", "steps": steps, **more}


def run(spec: str = "rbd/lun", settings: dict[str, t.Any] | None = None, error: str = "", ended: float = 123.25, **tasks: t.Any) -> dict[str, t.Any]:
    """The result of a run that healed one image."""
    culprit = {"address": DEAD, "client": "client.1", "images": [spec], "watches": [spec], "verdict": "fence", "reasons": ["it is orphaned"]}
    counts = {"images": 1, "unseen": 0}
    whole = {
        "listed": {"after": {}},
        "continued": [],
        "detected": {"images": [image(spec)], "culprits": [culprit], "counts": counts, "elapsed": {"liveness": 5.0, "blast_radius": 0.5}},
        "fenced": {"added": [DEAD], "after": {DEAD: "2026-11-23T06:00:00+0000"}},
        "verified": {"images": [healed(spec, lock=False)]},
        "restored": {"after": {}, "removed": [DEAD], "closed": [DEAD], "kept": [], "unread": []},
        "refenced": {},
        "kept_out": {},
        "afterwards": {"images": [healed(spec)]},
        "probes_before": [probe(spec, "hung")],
        "probes_after": [probe(spec, "healthy")],
        "times": {
            "look": 107,
            "probe_before": 117.5,
            "fence": 119.5,
            "verify": 120,
            "probe_after": 121,
            "restore": 122,
            "look_after": 123,
        },
    }
    parts = {"listed_after": listed_after({**whole, **tasks}), **whole, **tasks, "began": 100.0, "error": error}
    return t.cast(dict[str, t.Any], results.of_run(run_of(settings, **parts), ended))


QUIET: dict[str, t.Any] = {
    "detected": {"images": [], "culprits": [], "counts": {"images": 7, "unseen": 0}},
    "fenced": {},
    "verified": {},
    "restored": {},
    "afterwards": {},
    "probes_before": [],
    "probes_after": [],
    "times": {"look": 101},
}
EVENT = {"seconds": "7.5", "stack": "lio", "kind": "reserve", "initiator": "iqn.a", "device": "d1", "disk": "", "old_holder": "", "holder": "iqn.a"}


def run_detected() -> dict[str, t.Any]:
    return {"images": [], "culprits": [], "counts": {"images": 1, "unseen": 0}}


class Reader(HTMLParser):
    """The text of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.text = " ".join("".join(self.words).split())

    def says(self, words: str) -> bool:
        """Between cells there need be no blanks."""
        return words.replace(" ", "") in self.text.replace(" ", "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def page(summed: dict[str, t.Any]) -> Reader:
    return Reader(render(summed, TEMPLATE))


def test_the_timeline_has_every_phase_with_its_seconds() -> None:
    entries = run()["timeline"]
    assert [(entry["phase"], entry["begin"], entry["end"]) for entry in entries] == [
        ("detect", 0, 7),
        ("notify", 1.5, 6.5),
        ("probe before", 7, 17.5),
        ("fence", 17.5, 19.5),
        ("watch gone", 19.5, 20),
        ("probe after", 20, 21),
        ("restore", 21, 22),
        ("look again", 22, 23),
        ("lock moved", 23, 23),
        ("report", 23, 23.25),
    ]
    assert f"the lock of rbd/lun is at {LIVE}; before, it was at {DEAD}" in [entry["what"] for entry in entries]


def test_the_lock_that_did_not_move_is_not_said_to_have() -> None:
    still = run(verified={"images": [image()]}, afterwards={"images": [image()]})
    assert "lock moved" not in [entry["phase"] for entry in still["timeline"]]
    nobody = run(afterwards={"images": [healed("rbd/lun", lock=False)]})
    assert "lock moved" not in [entry["phase"] for entry in nobody["timeline"]]
    assert (nobody["images"][0]["lock_before"], nobody["images"][0]["lock_after"]) == (DEAD, "")
    assert run()["images"][0]["lock_after"] == LIVE


def test_a_lock_without_an_owner_or_that_was_seen_before_does_not_move_again() -> None:
    newcomer = image("rbd/new", watchers=[watcher(LIVE, True)])
    both = run(verified={"images": [healed("rbd/lun"), newcomer]}, afterwards={"images": [healed("rbd/lun"), newcomer]})
    assert [entry["begin"] for entry in both["timeline"] if entry["phase"] == "lock moved"] == [20]
    times = {"look": 101}
    assert "lock moved" not in [entry["phase"] for entry in run(times=times)["timeline"]]


def test_entries_that_stayed_are_only_counted() -> None:
    mine, other = {DEAD: "then"}, {"192.0.2.9:0/9": "always"}
    shown = page(run(listed={"after": other}, fenced={"added": [DEAD], "after": {**other, **mine}}, restored={"after": other, "removed": [DEAD], "unread": []}))
    assert "192.0.2.9" not in shown.text
    assert "Other entries, all unchanged: 1." in shown.text


def test_a_blocklist_that_was_not_read_is_not_said_to_be_empty() -> None:
    unread = run(restored={"unread": ["pool x"]})
    assert unread["blacklist_after"] is None
    assert page(unread).says(f"{DEAD} no entry until 2026-11-23 06:00:00 UTC not read")
    assert "It was not read." in page({**unread, "blacklist_before": None, "blacklist_during": None}).text


def test_a_quiet_run_has_two_phases() -> None:
    assert [entry["phase"] for entry in run(**QUIET)["timeline"]] == ["detect", "report"]


def test_by_hand_is_what_a_person_would_have_typed() -> None:
    lines = run("rbd/ns/my lun", {"connection": {"conf": "/tmp/ceph.conf", "client": "client.ops", "keyring": ""}})["by_hand"]
    ceph = ["--conf", "/tmp/ceph.conf", "--name", "client.ops"]
    typed = [shlex.split(line) for line in lines if not line.startswith("#")]
    assert typed[:4] == [
        ["rados", *ceph, "--pool", "rbd", "--namespace", "ns", "listwatchers", "rbd_header.1"],
        ["rbd", *ceph, "status", "rbd/ns/my lun"],
        ["rbd", *ceph, "lock", "ls", "rbd/ns/my lun"],
        ["ceph", *ceph, "tell", "mon.*", "sessions"],
    ]
    assert ["ceph", *ceph, "osd", "blocklist", "add", DEAD, "3600"] in typed
    assert typed[-2:] == [["ceph", *ceph, "osd", "blocklist", "rm", DEAD], ["ceph", *ceph, "osd", "blocklist", "ls"]]
    disk = "/dev/disk/by-path/ip-192.0.2.10:3260-iscsi-iqn.t-lun-12"
    assert ["time", "sg_raw", disk, "16", "00", "00", "00", "00", "00"] in typed
    assert ["sg_raw", disk, "17", "00", "00", "00", "00", "00"] in typed
    # What proved it is sent before the fence, and after it.
    order = [typed.index(["ceph", *ceph, "osd", "blocklist", "add", DEAD, "3600"])]
    assert [number < order[0] for number, command in enumerate(typed) if command == ["time", "sg_sync", disk]] == [True, False]


@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("read", "time sg_raw --request=65536 --outfile=/dev/null /dev/sdb 28 00 00 00 00 00 00 00 01 00"),
        ("flush", "time sg_sync /dev/sdb"),
        ("ats", 'time cat "$block" "$block" | sg_compare_and_write --in=- --lba=$(($1 - 1)) --xferlen=$(($2 * 2)) /dev/sdb'),
        ("orwrite", "time sg_write_x --or --in=/dev/zero --bs=$(($2)) --lba=$(($1 - 1)) --num=1 /dev/sdb"),
    ],
)
def test_by_hand_sends_what_the_probe_sent(step: str, command: str) -> None:
    steps = [{"name": name, "seconds": 0.1, "status": "good"} for name in ("read_capacity", step)]
    assert command in run(probes_after=[probe("rbd/lun", "healthy", device="/dev/sdb", steps=steps)])["by_hand"]


def test_by_hand_uses_the_clusters_own_word() -> None:
    lines = run(listed={"after": {}, "word": "blacklist"})["by_hand"]
    assert f"ceph osd blacklist add {DEAD} 3600" in lines
    assert not [line for line in lines if "blocklist" in line]


def test_by_hand_lets_the_kernels_speak_where_the_run_did() -> None:
    trace = {"lio": [{"module": "target_core_mod", "func": "f"}], "scst": ["pr"]}
    lines = run(settings={"trace": trace})["by_hand"]
    for on, off in (
        ("echo 'module target_core_mod func f +p' >/sys/kernel/debug/dynamic_debug/control", "echo 'module target_core_mod func f -p' >"),
        ("echo 'add pr' >/sys/kernel/scst_tgt/trace_level", "echo 'del pr' >"),
    ):
        assert lines.index(on) < lines.index("dmesg --ctime") < next(number for number, line in enumerate(lines) if line.startswith(off))
    assert "dmesg --ctime" not in run()["by_hand"]


@pytest.mark.parametrize(
    ("portal", "path", "asked"),
    [
        ("192.0.2.10", "ip-192.0.2.10:3260-iscsi", "192.0.2.10:3260"),
        ("[2001:db8::10]:3261", "ip-2001:db8::10:3261-iscsi", "'[2001:db8::10]:3261'"),
    ],
)
def test_by_hand_names_the_disk_as_udev_does(portal: str, path: str, asked: str) -> None:
    lines = run(probes_before=[], probes_after=[probe("rbd/lun", "healthy", portal=portal)])["by_hand"]
    assert any(f"/by-path/{path}-iqn.t-lun-12" in line for line in lines), lines
    assert f"iscsiadm --mode discovery --type sendtargets --portal {asked}" in lines


def test_by_hand_takes_the_address_that_discovery_tells_for_a_name(tmp_path: Path) -> None:
    """Run by a shell, with what iscsiadm prints in place of iscsiadm."""
    lines = run(probes_before=[], probes_after=[probe("rbd/lun", "healthy", portal="gw1:3262")])["by_hand"]
    told = "192.0.2.9:3262,1 iqn.other\n[2001:db8::1]:3262,1 iqn.t\n192.0.2.10:3262,1 iqn.t\n"
    (tmp_path / "iscsiadm").write_text(f"#!/bin/sh\ntest $2 = node && echo $@ >&2 || printf '{told}'\n".replace("\n[", "\\n[").replace("\n1", "\\n1"))
    (tmp_path / "sg_sync").write_text("#!/bin/sh\necho $1 >&2\n")
    for program in tmp_path.iterdir():
        program.chmod(0o755)
    script = "\n".join(line.replace("time ", "") for line in lines if "iscsiadm" in line or "sg_sync" in line)
    done = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert done.stderr.splitlines() == [
        "--mode node --targetname iqn.t --portal [2001:db8::1]:3262 --login",
        "/dev/disk/by-path/ip-2001:db8::1:3262-iscsi-iqn.t-lun-12",
        "--mode node --targetname iqn.t --portal [2001:db8::1]:3262 --logout",
    ]


def test_by_hand_gives_an_entry_that_was_there_its_former_end_again() -> None:
    before = {DEAD: "2026-11-23T05:00:00+0000"}
    fenced, restored = {"added": [], "extended": [DEAD], "after": {DEAD: "later"}}, {"after": before, "reset": [DEAD], "unread": []}
    tail = [line for line in run(listed={"after": before}, fenced=fenced, restored=restored)["by_hand"] if line.startswith("ceph osd")]
    add, rm = f"ceph osd blocklist add {DEAD}", f"ceph osd blocklist rm {DEAD}"
    assert tail == [rm, f"{add} 3600", rm, f"{add} $(($(date --date=2026-11-23T05:00:00+0000 +%s) - $(date +%s)))", "ceph osd blocklist ls"]


# The last as Ceph 14 prints it, in the monitor's local time.
@pytest.mark.parametrize("end", ["2026-11-22T18:41:20.955170+0000", "2026-11-22 19:41:20.955170 +0100", "2026-11-23 03:41:20.955170"])
def test_the_seconds_that_are_left_are_counted_in_the_zone_that_was_meant(end: str) -> None:
    script = f"echo {commands_by_hand._until(end).replace('$(date +%s)', '0')}"
    done = subprocess.run(["bash", "-c", script], check=True, capture_output=True, text=True, env={**os.environ, "TZ": "Asia/Tokyo"})
    assert done.stdout == "1795372880\n"


def still_open(summed: dict[str, t.Any]) -> list[str]:
    return [item["what"] for item in summed["unfinished"]]


def test_a_client_that_came_back_is_shown_as_fenced_again() -> None:
    kept = {"address": DEAD, "until": "later", "reason": "it lives"}
    back = run(error="x came back", refenced={"added": [DEAD], "after": {DEAD: "later"}}, kept_out={"kept": [kept]})
    assert back["by_hand"][-2:] == [f"ceph osd blocklist add {DEAD} 3600", "ceph osd blocklist ls"]
    assert page(back).says(f"Came back{DEAD}, and was fenced again")
    assert f"{DEAD} stays blocklisted until later: it lives" in still_open(back)


@pytest.mark.parametrize(("host", "words"), [("gw1", "End that client on its host"), ("", "restore_blacklist_addresses")])
def test_a_client_that_stays_fenced_is_to_be_ended_or_restored_by_the_operators_word(host: str, words: str) -> None:
    kept = {"address": DEAD, "until": "later", "reason": "why", "host": host, "entity": ""}
    assert words in next_step(run(restored={"after": {DEAD: "later"}, "kept": [kept], "unread": []}))


def test_for_a_client_that_stays_fenced_by_a_young_quorum_the_advice_is_to_wait() -> None:
    """The operator must not remove the entry without a look: in a young quorum, a stopped client has no session."""
    gap = of_cluster.YOUNG_QUORUM.format(n=3, m=3, seconds=42)
    kept = {"address": DEAD, "until": "later", "reason": of_fence.LIFE_UNKNOWN.format(gap=gap), "host": "", "entity": ""}
    step = next_step(run(restored={"after": {DEAD: "later"}, "kept": [kept], "unread": []}))
    assert step == next_steps.OPEN["kept_young"]
    assert step.startswith("Wait") and "without remediate_watchers_restore=always" in step


def test_a_phase_that_failed_has_its_time() -> None:
    times = {"look": 107, "fence": 119.5, "failed": 150, "restore": 152}
    entries = run(error="Wait until: no", ended=153, times=times)["timeline"]
    assert [(one["phase"], one["begin"], one["end"]) for one in entries if one["begin"] >= 7] == [
        ("fence", 7, 19.5),
        ("failed", 19.5, 50),
        ("restore", 50, 52),
        ("report", 52, 53),
    ]


def test_after_a_fence_that_failed_the_blocklist_is_not_said_to_be_the_same() -> None:
    failed = run(error="Fence: no", fenced={"failed": True, "msg": "m"}, restored={}, verified={}, afterwards={}, probes_after=[])
    shown = page(failed)
    assert "unchanged" not in shown.text
    assert "so changes are not known here" in shown.text
    assert still_open(failed) == [messages.UNSETTLED, f"rbd/lun: {LUN} was hung when last probed: it is hung"]

    assert shown.says("Fencednot known: the fence failed")
    assert shown.says("Removednot known")


def test_a_fence_that_failed_is_not_settled_by_an_earlier_runs_being_restored() -> None:
    failed = run(error="Fence: no", fenced={"failed": True, "msg": "m"}, restored={"after": {}, "removed": ["192.0.2.9:0/9"], "unread": []})
    assert messages.UNSETTLED in still_open(failed)


def test_each_lun_of_an_image_is_shown() -> None:
    probes = [probe("rbd/lun", "healthy"), probe("rbd/lun", "conflict", lun=13)]
    both = run(probes_before=[probe("rbd/lun", "hung", lun=13)], probes_after=probes)
    assert [(lun["before"].get("verdict"), lun["after"]["verdict"]) for lun in both["images"][0]["luns"]] == [("hung", "conflict"), (None, "healthy")]
    assert still_open(both) == ["rbd/lun: LUN 13 of iqn.t at 192.0.2.10:3260 was conflict when last probed: it is conflict"]
    shown = page(both)
    assert shown.says("LUN after: conflict; it is conflict (LUN 13 of iqn.t at 192.0.2.10:3260)")
    assert shown.says("LUN after: healthy; it is healthy (LUN 12 of iqn.t at 192.0.2.10:3260)")
    labels = [attributes["aria-label"] for _tag, attributes in shown.elements if attributes.get("role") == "img"]
    assert len(labels) == len(set(labels)) == 3


def test_an_image_that_lost_its_last_watcher_is_said_to_have_none() -> None:
    assert page(run(verified={"images": [image(state="normal", decision="leave", watchers=[])]})).says("Watchers after: none.")


def test_of_an_image_that_an_earlier_run_began_with_the_first_look_is_shown_as_such() -> None:
    went_on = {"continued": ["rbd/lun"], "verified": {"images": [healed("rbd/lun")]}}
    unnamed = page(run(**{**QUIET, **went_on}))
    assert unnamed.says("Watchers before: not read. The image was counted as normal, or could not be seen.")
    named = run(**{**QUIET, **went_on, "detected": {**run_detected(), "images": [image(state="normal", decision="leave")]}})
    assert [len(named["images"][0][f"watchers_{when}"]) for when in ("before", "after")] == [2, 1]


def test_what_else_a_culprit_watches_is_shown() -> None:
    culprit = {"address": DEAD, "client": "client.1", "images": ["rbd/lun"], "watches": ["rbd/lun", "rbd/two"], "verdict": "fence", "reasons": ["why"]}
    assert page(run(detected={**run_detected(), "images": [image()], "culprits": [culprit]})).says("fencerbd/lunrbd/lun, rbd/twowhy")


def test_unseen_images_are_not_said_to_be_well() -> None:
    unseen = run(**{**QUIET, "detected": {**run_detected(), "incomplete": ["osd.2"]}})
    assert "No image that was seen has surplus watchers" in page(unseen).text
    assert "Fix the gap, then rerun." in page(unseen).text


def test_by_hand_on_a_disk_needs_no_login() -> None:
    lines = run(probes_before=[], probes_after=[probe("rbd/lun", "healthy", device="/dev/sdb", portal="", target="", lun=None)])["by_hand"]
    assert "time sg_raw /dev/sdb 16 00 00 00 00 00" in lines
    assert not [line for line in lines if line.startswith("iscsiadm")]


def test_by_hand_quotes_what_comes_from_outside() -> None:
    hostile = run(detected={**run_detected(), "images": [image("rbd/lun", header="$(reboot); x")]})["by_hand"]
    assert "rados --pool rbd listwatchers '$(reboot); x'" in hostile


@pytest.mark.parametrize(
    ("summed", "lines"),
    [
        (run(), []),
        (run(**QUIET), []),
        (run(probes_after=[probe("rbd/lun", "slow")]), [f"rbd/lun: {LUN} was slow when last probed: it is slow"]),
        (run(probes_before=[], probes_after=[]), [messages.UNPROBED.format(image="rbd/lun", reason=messages.LUN_UNKNOWN)]),
        (
            run(restored={"after": {}, "kept": [{"address": DEAD, "until": "then", "reason": "it lives"}], "unread": ["pool x"]}),
            [f"{DEAD} stays blocklisted until then: it lives", "Leases not read: pool x"],
        ),
        (
            run(**{**QUIET, "detected": {**run_detected(), "images": [image(decision="refuse", state="contested")], "incomplete": ["osd.2"]}}),
            ["rbd/lun is still contested: watchers: 2, expected: 1", "Not seen: osd.2"],
        ),
        (
            run(
                restored={"after": {}, "removed": [DEAD], "unread": [], "foreign": ["192.0.2.9:0/9"]},
                detected={**run_detected(), "strays": [{"pool": "rbd", "namespace": "", "header": "rbd_header.5", "watchers": []}]},
            ),
            [
                messages.FOREIGN.format(address="192.0.2.9:0/9"),
                messages.STRAY.format(header="rbd_header.5", pool="rbd"),
            ],
        ),
        (run(error="Verify: no", restored={}), [messages.UNSETTLED]),
    ],
)
def test_what_is_still_open(summed: dict[str, t.Any], lines: list[str]) -> None:
    assert still_open(summed) == lines
    shown = page(summed).text
    for line in lines or ["Opennothing"]:
        assert line in shown


def went() -> dict[str, t.Any]:
    """The result of a run whose stale watcher was gone before it was fenced."""
    gone = image(reasons=["watchers: 2, expected: 1", f"{DEAD} stopped watching by itself before the fence"])
    return run(
        **{**QUIET, "detected": {**run_detected(), "images": [gone]}, "fenced": {"vanished": [DEAD], "after": {}}, "probes_before": [probe("rbd/lun", "hung")]}
    )


def test_a_stale_watcher_that_went_by_itself_is_not_said_never_to_have_been() -> None:
    summed = went()
    assert summed["outcome"] == "nothing_to_do"
    assert still_open(summed) == [f"rbd/lun: {LUN} was hung when last probed: it is hung"]
    assert next_step(summed).startswith("The stale watcher was no longer stale when asked again.")
    shown = page(summed)
    for word in ["rbd/lun: stale_duplicate", f"{DEAD} stopped watching by itself before the fence", "LUN before: hung"]:
        assert shown.says(word), shown.text
    assert "No image has surplus watchers" not in shown.text
    assert any("sg_raw" in line for line in summed["by_hand"])


@pytest.mark.parametrize(
    ("summed", "outcome", "words"),
    [
        (
            run(),
            "Healed",
            ["LUN before: hung", "LUN after: healthy", f"{DEAD} no entry until 2026-11-23 06:00:00 UTC no entry", f"; it was at {DEAD} before"],
        ),
        (run(**QUIET), "Nothing to do", ["Images: 7.", "No image has surplus watchers", "Entries, all unchanged: 0."]),
        (run(error="Verify: the LUN is hung"), "Failed", ["Verify: the LUN is hung"]),
        (
            run(restored={"after": {DEAD: "later"}, "kept": [{"address": DEAD, "until": "later", "reason": "it lives"}], "unread": []}),
            "Healed, restore pending",
            [
                "a fenced client stays on the blocklist.",
                "stays blocklisted until later: it lives",
                f"{DEAD} no entry until 2026-11-23 06:00:00 UTC until later",
            ],
        ),
        (
            run(**{**QUIET, "detected": {**run_detected(), "images": [image(decision="refuse", state="contested")]}}),
            "Refused",
            ["rbd/lun: contested", "Found Image contested"],
        ),
        (
            run(kernel_log=[{"host": "gw1", "phase": "before", "gap": "12 lines were lost", "events": [EVENT]}]),
            "Healed",
            ["gw1, before", "12 lines were lost", "lio reserve7.500iqn.a d1", "none → iqn.a"],
        ),
    ],
)
def test_the_page_says_the_truth(summed: dict[str, t.Any], outcome: str, words: list[str]) -> None:
    shown = page(summed)
    assert shown.text.partition("Next:")[0].count(outcome) >= 1
    assert f"{outcome}: run" in shown.text
    for word in words:
        assert shown.says(word), shown.text


def spoilt(value: t.Any) -> t.Any:
    """Every text in it made hostile, but for those that the page chooses its words by."""
    if isinstance(value, dict):
        fixed = ("outcome", "decision", "liveness", "status", "when", "blacklist_before", "blacklist_during", "blacklist_after")
        return {key: one if key in fixed else spoilt(one) for key, one in value.items()}
    if isinstance(value, list):
        return [spoilt(one) for one in value]
    return f"{value}{HOSTILE}" if isinstance(value, str) else value


def test_everything_from_outside_stays_text() -> None:
    summed = run(kernel_log=[{"host": "gw", "phase": "before", "gap": "g", "events": [EVENT]}], probes_before=[probe("rbd/lun", "hung", holder="who")])
    summed["kernel_log"][0]["events"][0]["seconds"] = 1.0
    hostile = {**spoilt(summed), "blacklist_before": {HOSTILE: HOSTILE}, "blacklist_during": {}, "blacklist_after": {}, "error": HOSTILE}
    plain, shown = page(summed), page(hostile)
    assert [tag for tag, _attributes in shown.elements if tag in ("script", "img")] == []
    assert {name for _tag, attributes in shown.elements for name in attributes} == {name for _tag, attributes in plain.elements for name in attributes}
    assert shown.text.count(HOSTILE) > 30


def test_the_page_needs_nothing_else() -> None:
    shown = page(run())
    assert {tag for tag, _attributes in shown.elements} & {"script", "link", "img", "iframe", "object", "form"} == set()
    assert not [attributes for _tag, attributes in shown.elements for name in attributes if name in ("src", "href") or name.startswith("on")]
    assert "url(" not in render(run(), TEMPLATE)

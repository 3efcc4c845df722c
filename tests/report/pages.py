# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes reports of made-up runs, for look.py, as the role writes them: one of each outcome, several images, hostile names.

In wrong/ each page has one fault, which look.py must find: a part of its words is in the file beside the page.

usage: pages.py DIRECTORY
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import page as report_page
from plugin_utils._report.test_report import DEAD, EVENT, QUIET, TEMPLATE, healed, image, probe, run, run_detected, spoilt, watcher, went

# Right to left, from here to the end of the line.
TURNED = "rbd/\u202elun\u2066"
SEVERAL = ["rbd/one", "rbd/ns/two", TURNED, "rbd/" + "long" * 60]
KEPT = {"address": DEAD, "until": "later", "reason": "it lives", "host": "gw1"}


def several() -> dict[str, t.Any]:
    """Four images with two LUNs each, and two gateways that spoke before and after."""
    culprit = {"address": DEAD, "client": "client.1", "images": SEVERAL, "watches": [*SEVERAL, "rbd/five"], "verdict": "fence", "reasons": ["it is orphaned"]}
    logs = [{"host": host, "phase": phase, "gap": "", "events": [EVENT] * 3} for phase in ("before", "after") for host in ("gw1", "gw2")]
    return run(
        detected={**run_detected(), "images": [image(spec) for spec in SEVERAL], "culprits": [culprit]},
        verified={"images": [healed(spec) for spec in SEVERAL]},
        probes_before=[probe(spec, "hung", lun=lun) for spec in SEVERAL for lun in (12, 13)],
        probes_after=[probe(spec, "conflict" if lun == 13 else "healthy", lun=lun) for spec in SEVERAL for lun in (12, 13)],
        kernel_log=logs,
        restored={"after": {"192.0.2.9:0/9": "always"}, "removed": [DEAD], "closed": [DEAD], "kept": [], "unread": []},
        listed={"after": {"192.0.2.9:0/9": "always"}},
        fenced={"added": [DEAD], "after": {DEAD: "then", "192.0.2.9:0/9": "always"}},
    )


def incident() -> dict[str, t.Any]:
    """The incident, with words as long as they are in life."""
    dead, live, spec = "[2001:db8:15::7]:0/3996046830", "[2001:db8:15::8]:0/1716152827", "rbd/esx-datastore1"
    why = "it did not answer the notify, but still has a session on a monitor, from host esx-gateway-2.example.com"
    culprit = {**watcher(dead, True, "hung"), "client": "client.84141", "host": "esx-gateway-2.example.com", "entity": "client.igw", "reasons": [why]}
    seen = image(spec, watchers=[watcher(live), culprit], reasons=["watchers: 2, expected: 1; alive: 1, stale: 1, unknown: 0"])
    after = image(spec, state="normal", decision="leave", watchers=[watcher(live, True)])
    lun = {"portal": "[2001:db8:15::10]:3260", "target": "iqn.2003-01.com.redhat.iscsi-gw:iscsi-igw", "identity": {"naa": "6001405" + "a" * 25, "eui": ""}}
    kept = {"address": dead, "until": "2026-11-23T06:00:00.786805+0000", "reason": "the client still lives", "host": "esx-gateway-2.example.com"}
    return run(
        spec,
        detected={**run_detected(), "images": [seen], "culprits": [{**culprit, "images": [spec], "watches": [spec]}]},
        fenced={"added": [dead], "after": {dead: "2026-11-23T06:00:00.786805+0000"}},
        verified={"images": [after]},
        afterwards={"images": [after]},
        restored={"after": {dead: "2026-11-23T06:00:00.786805+0000"}, "kept": [kept], "unread": []},
        probes_before=[probe(spec, "hung", **lun)],
        probes_after=[probe(spec, "healthy", proof="cache", **lun)],
    )


def partly() -> dict[str, t.Any]:
    """One image is healed and proven, another is refused, and a client stays fenced; the gateway told what stood still."""
    return run(
        detected={**run_detected(), "images": [image(), image("rbd/two", decision="refuse", state="contested")]},
        probes_after=[probe("rbd/lun", "healthy", proof="write")],
        restored={"after": {DEAD: "later"}, "kept": [KEPT], "unread": []},
        in_flight=[{"host": "gw1", "image": "rbd/lun", "reads": 0, "writes": 6, "still_for": 1.0}],
        lock_waits=[{"host": "gw1", "text": "rbd: rbd0: no lock owners detected", "seconds": 35}],
    )


def made_up() -> dict[str, dict[str, t.Any]]:
    refused = {**QUIET, "detected": {**run_detected(), "images": [image(decision="refuse", state="contested")]}}
    hostile = {**spoilt(run(probes_before=[probe("rbd/lun", "hung", holder="who")])), "blacklist_before": {}, "blacklist_during": {}, "blacklist_after": {}}
    return {
        "healed": run(),
        "incident": incident(),
        "nothing": run(**QUIET),
        "went": went(),
        "pending": run(restored={"after": {DEAD: "later"}, "kept": [KEPT], "unread": []}),
        "refused": run(**refused),
        "failed": run(error="Fence: no", fenced={"failed": True, "msg": "m"}, restored={}, verified={}, afterwards={}, probes_after=[]),
        "several": several(),
        "unproven": run(
            probes_before=[probe("rbd/lun", "unreachable")], probes_after=[probe("rbd/lun", "unreachable", tried=["LUN 12 at 192.0.2.11: mismatch"])]
        ),
        "partly": partly(),
        "hostile": hostile,
    }


class Wrong(t.NamedTuple):
    """A page in which ``old`` is replaced by ``new``, and a part of the fault that is to be found for that."""

    run: dict[str, t.Any]
    old: str
    new: str
    fault: str


def wrong() -> dict[str, Wrong]:
    unsaid = "the page does not say"
    return {
        "outcome": Wrong(run(), "<h1>Healed", "<h1>Refused", f"{unsaid} the outcome healed"),
        "fenced": Wrong(run(), f"<dd>{DEAD}", "<dd>no client", f"{unsaid} that {DEAD} was fenced"),
        "state": Wrong(run(), "stale_duplicate, then normal", "normal", f"{unsaid} rbd/lun:stale_duplicate,thennormal"),
        "probe": Wrong(run(), "LUN before: <strong>hung", "LUN before: <strong>healthy", f"{unsaid} that the LUN of rbd/lun was hung before"),
        "symptom": Wrong(run(), '<strong class="bad">hung', '<strong class="bad">slow', f"{unsaid} at first sight of rbd/lun: hung"),
        "culprit": Wrong(run(), f'<dd class="culprit"><code>{DEAD}', '<dd class="culprit"><code>192.0.2.8:0/1', f"{unsaid} at first sight of rbd/lun: {DEAD}"),
        "blocklist": Wrong(run(), "Other entries, all unchanged: 0", "Other entries, all unchanged: 7", f"{unsaid} how many entries"),
        "open": Wrong(run(error="x", restored={}), "<li>", "<li>Not: ", f"{unsaid} what is still open"),
        "next": Wrong(partly(), "<br><strong>Next:</strong> ", "<br><strong>Next:</strong> Do nothing: ", f"{unsaid} what is still open"),
        "proof": Wrong(partly(), "<strong>proven", "<strong>not proven", f"{unsaid} that rbd/lun is proven"),
        "language": Wrong(run(), '<html lang="en">', "<html>", "axe violations html-has-lang"),
        "contrast": Wrong(run(), "--ink: #1b1f24", "--ink: #eeeeee", "axe violations color-contrast"),
        "folded_contrast": Wrong(run(), '<td data-head="What">', '<td data-head="What" style="color: #eee">', "axe violations color-contrast"),
        "low": Wrong(run(), "<main>", '<main><p style="height: 40rem"></p>', "not on the first screen"),
        "aside": Wrong(run(), ".facts { table-layout: fixed;", ".facts { min-width: 60rem;", "scrolls sideways: HTML"),
        "aside_inside": Wrong(run(), "article { margin", "article { overflow-x: auto; white-space: nowrap; margin", "scrolls sideways: ARTICLE"),
        "broken_time": Wrong(run(), ".number, time { white-space: nowrap;", ".number, time { display: inline-block; width: 5rem;", "broken: "),
        "cut_off": Wrong(run(), "--room: 6rem", "--room: 0rem", "cut off: "),
        "overlap": Wrong(run(), ":last-child) b { display: none; }", ":last-child) b { display: block; }", "overlap: "),
        "unfolded": Wrong(run(), "<details>", "<details open>", "not folded: "),
        "folded_print": Wrong(run(), "details::details-content", "details::none", "folded in print: "),
        "print": Wrong(run(), "@media print {", "@media print { dl { display: none; }", "lost in print"),
        "loads": Wrong(run(), "<main>", '<main><img alt="" src="x.png">', "loads or runs something: IMG"),
    }


def write(directory: Path, name: str, summed: dict[str, t.Any], old: str = "", new: str = "") -> Path:
    page = report_page.render(summed, TEMPLATE)
    if old not in page:
        raise SystemExit(f"{name}: the page has no {old!r} to replace.")
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.html"
    path.write_text(page.replace(old, new) if old else page)
    path.with_suffix(".json").write_text(json.dumps(summed))
    return path


def main() -> None:
    directory = Path(sys.argv[1])
    for name, summed in made_up().items():
        write(directory, name, summed)
    for name, one in wrong().items():
        write(directory / "wrong", name, one.run, one.old, one.new).with_suffix(".fault").write_text(one.fault)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes reports of made-up runs, for look.py, as the role writes them: one of each outcome, several images, hostile names.

In wrong/ are such that it must find faults in.

usage: pages.py DIRECTORY
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import page as report_page
from plugin_utils._report.test_report import DEAD, EVENT, QUIET, TEMPLATE, healed, image, probe, run, run_detected, spoilt, went

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


def wrong() -> dict[str, tuple[dict[str, t.Any], str, str]]:
    """name -> (a run, what is replaced in its page, by what)."""
    return {
        "outcome": (run(), "<h1>Healed", "<h1>Refused"),
        "fenced": (run(), f"<dd>{DEAD}", "<dd>nobody"),
        "state": (run(), "stale_duplicate, then normal", "normal"),
        "probe": (run(), "<strong>hung", "<strong>healthy"),
        "blacklist": (run(), "No other entries were", "7 other entries were"),
        "open": (run(error="x", restored={}), "<li>Clients might", "<li>No clients might"),
        "next": (partly(), "End that client on its host", "Do nothing on its host"),
        "proof": (partly(), "<strong>proven: a write", "<strong>proven: no write"),
        "landmarks": (several(), 'role="group"', 'role="region" aria-labelledby="timeline-title"'),
        "contrast": (run(), "--ink: #1b1f24", "--ink: #eeeeee"),
        "clipped": (run(), 'viewBox="0 0 900 ', 'viewBox="0 0 600 '),
        "print": (run(), "@media print {", "@media print { dl { display: none; }"),
        "loads": (run(), "<main>", '<main><img alt="" src="x.png">'),
    }


def write(directory: Path, name: str, summed: dict[str, t.Any], old: str = "", new: str = "") -> None:
    page = report_page.render(summed, TEMPLATE)
    if old not in page:
        raise SystemExit(f"{name}: the page has no {old!r} to replace.")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.html").write_text(page.replace(old, new) if old else page)
    (directory / f"{name}.json").write_text(json.dumps(summed))


def main() -> None:
    directory = Path(sys.argv[1])
    for name, summed in made_up().items():
        write(directory, name, summed)
    for name, (summed, old, new) in wrong().items():
        write(directory / "wrong", name, summed, old, new)


if __name__ == "__main__":
    main()

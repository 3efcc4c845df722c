# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the demo on one screen: symptom, culprit, proof and time. Ends with 1 where the demo did not show what it promises.

usage: demo_summary.py LAB REPORT
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import typing as t
from pathlib import Path

Data = t.Mapping[str, t.Any]

WIDTH, NAMES = 80, 10
# The looks at the lab, and how their columns are headed.
LOOKS = {"healthy": "at first", "before": "broken", "after": "healed"}
STEPS = {"reserve": "RESERVE", "read": "READ", "flush": "flush"}
SYMPTOM = "Failed to reserve volume"
# Phases that overlap others, or tell nothing of the healing.
LEFT_OUT = ("notify", "report")


def main() -> None:
    lab, report = map(Path, sys.argv[1:])
    shown = {name: json.loads((lab / "shown" / f"{name}.json").read_text()) for name in LOOKS}
    result = json.loads(report.with_suffix(".json").read_text())
    symptom = next((line for line in (lab / "vmkernel.log").read_text().splitlines() if SYMPTOM in line), "")
    print("\n".join([*screen(shown, result, symptom), *part("Report", [str(report)], WIDTH * 3)]))
    sys.exit(broken(shown, result, symptom, (lab / "again.log").read_text()))


def screen(shown: Data, result: Data, symptom: str) -> list[str]:
    """Returns the lines, of which none is wider than the screen."""
    [image] = result["images"]
    probe = image["luns"][0]["before"]
    return [
        *part("Symptom", [f"ESXi: {symptom.rpartition('WARNING: ')[2]}", f"LUN {probe['lun']}, image {image['spec']}: {probe['verdict']}, {probe['reason']}"]),
        *part("Culprit", culprit(image, result)),
        *part("Proof", [*table(shown), sentence(image["proven"]), "A second run changed nothing."]),
        *part("Time", [times(result)]),
    ]


def part(name: str, paragraphs: t.Sequence[str], width: int = WIDTH) -> list[str]:
    """Returns paragraphs behind a name. Words too long for a line are cut short."""
    lines = [line for words in paragraphs for line in ([words] if "  " in words else textwrap.wrap(words, width - NAMES))]
    return [f"{name if not number else '':<{NAMES}}{line}" for number, line in enumerate(lines)]


def culprit(image: Data, result: Data) -> list[str]:
    fenced = [watcher for watcher in image["watchers_before"] if watcher["address"] in result["fenced"]]
    return [line for watcher in fenced for line in (f"{watcher['address']} ({watcher['client']}): fenced", sentence(watcher["reasons"][0]))]


def sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def table(shown: Data) -> list[str]:
    rows = [row("", LOOKS.values()), row("LUN", (shown[name]["probes"][0]["verdict"] for name in LOOKS))]
    rows += [row(words, (seconds_of(shown[name], step) for name in LOOKS)) for step, words in STEPS.items()]
    rows.append(row("watchers", (", ".join(watcher["liveness"] for watcher in shown[name]["images"][0]["watchers"]) for name in LOOKS)))
    return [*rows, row("blocklist", (f"entries: {len(shown[name]['blacklist'])}" for name in LOOKS))]


def row(name: str, cells: t.Iterable[str]) -> str:
    return f"{name:<11}" + "".join(f"{cell:<20}" for cell in cells).rstrip()


def seconds_of(state: Data, name: str) -> str:
    step = next(step for step in state["probes"][0]["steps"] if step["name"] == name)
    if step["status"] == "good":
        return f"{step['seconds'] * 1000:.1f} ms"
    return f"{'timed out' if step['status'] == 'no_answer' else step['status']}, {step['seconds']:.1f} s"


def times(result: Data) -> str:
    phases = [entry for entry in result["timeline"] if entry["phase"] not in LEFT_OUT and entry["end"] > entry["begin"]]
    return f"Healed in {result['seconds']} s: " + ", ".join(f"{entry['phase']} {entry['end'] - entry['begin']:.1f}" for entry in phases) + "."


def broken(shown: Data, result: Data, symptom: str, second_run: str) -> str | None:
    """Returns what is not as promised, None when all is."""
    promises = {
        "ESXi's log has no symptom": bool(symptom),
        "the LUN was not hung before": shown["before"]["probes"][0]["verdict"] == "hung",
        "the run did not heal": result["outcome"] == "healed",
        "the LUN is not healthy afterwards": shown["after"]["probes"][0]["verdict"] == "healthy",
        "the blocklist is not as it was": shown["before"]["blacklist"] == shown["after"]["blacklist"],
        "the second run changed something": "changed=0" in second_run and not re.search("changed=[1-9]", second_run),
    }
    lost = [promise for promise, kept in promises.items() if not kept]
    return f"The demo failed: {', '.join(lost)}." if lost else None


if __name__ == "__main__":
    main()

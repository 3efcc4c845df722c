# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints before and after side by side, and fails where the demo did not show what it promises.

usage: demo_summary.py LAB SECOND_RUN_OUTPUT NAME=SECONDS ...
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

COLUMNS = ("healthy", "before", "after")


def main() -> None:
    lab, second_run, *seconds = sys.argv[1:]
    shown = {name: json.loads(Path(lab, "shown", f"{name}.json").read_text()) for name in COLUMNS}
    print_row("", *("as it should be", "broken", "healed"))
    print_row("LUN", *(shown[name]["probes"][0]["verdict"] for name in COLUMNS))
    for step in ("reserve", "read", "flush"):
        print_row(f"  {step}", *(seconds_of(shown[name], step) for name in COLUMNS))
    print_row("watchers", *(", ".join(watcher["liveness"] for watcher in shown[name]["images"][0]["watchers"]) for name in COLUMNS))
    print_row("blacklist", *(f"{len(shown[name]['blacklist'])} entries" for name in COLUMNS))
    print_row("took", *(pair.replace("=", " ") + " s" for pair in seconds))
    sys.exit(verdict(shown, Path(second_run).read_text()))


def print_row(name: str, *cells: str) -> None:
    print(f"{name:<12}" + "".join(f"{cell:<24}" for cell in cells).rstrip())


def seconds_of(state: dict[str, t.Any], name: str) -> str:
    step = next(step for step in state["probes"][0]["steps"] if step["name"] == name)
    return f"{step['seconds']:.4f} s" + ("" if step["status"] == "good" else f", {step['status']}")


def verdict(shown: dict[str, t.Any], second_run: str) -> str | None:
    """None when all is as promised, else what is not."""
    promises = {
        "the LUN was not hung before": shown["before"]["probes"][0]["verdict"] == "hung",
        "the LUN is not healthy afterwards": shown["after"]["probes"][0]["verdict"] == "healthy",
        "the blacklist is not as it was": shown["before"]["blacklist"] == shown["after"]["blacklist"],
        "the second run changed something": "changed=0" in second_run,
    }
    broken = [promise for promise, kept in promises.items() if not kept]
    return f"The demo failed: {', '.join(broken)}." if broken else None


if __name__ == "__main__":
    main()

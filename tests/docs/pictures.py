# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the pictures of the report that the tutorial shows, from incidents in a lab that is up.

usage: pictures.py LAB PORT FOLDER

Prints the seconds that each picture shows. Run it on an idle machine: a busy one makes each phase longer than readers will find it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from lab import Lab
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
# Each kind of the incident -> the outcome that it ends in, and the picture of its report.
KINDS = {"orphan": ("healed", "report-healed.png"), "zombie": ("healed_restore_pending", "report-pending.png"), "contested": ("refused", "report-refused.png")}
SIZE = {"width": 960, "height": 900}
# From this heading of the report on, the picture would be long.
END = "Evidence"
# What healing takes on an idle machine, and some more.
IDLE_S = 30


def main() -> None:
    directory, port, folder = sys.argv[1:]
    lab = Lab(Path(directory), int(port))
    for kind, (outcome, picture) in KINDS.items():
        page = report(lab, kind, outcome)
        shoot(page, Path(folder, picture))
        busy = kind == "orphan" and seconds(page) > IDLE_S
        print(f"{picture}: {outcome} in {seconds(page)} s" + " (the machine is busy: make the pictures again)" * busy)


def report(lab: Lab, kind: str, outcome: str) -> Path:
    """The page of a run on an incident of this kind."""
    image, reports = f"datastore-{kind}", lab.directory / "reports" / kind
    lab.inject(image, kind)
    done = lab.play("playbooks/remediate_watchers.yml", {"remediate_watchers_images": [f"rbd/{image}"], "remediate_watchers_report_dir": str(reports)})
    written = next(reports.glob("*.json"), None)
    if written is None or json.loads(written.read_text())["outcome"] != outcome:
        raise SystemExit(f"The run on a client of kind {kind} did not end as {outcome}:\n{done.stdout}{done.stderr}")
    return written.with_suffix(".html")


def seconds(page: Path) -> float:
    return float(json.loads(page.with_suffix(".json").read_text())["seconds"])


def shoot(page: Path, picture: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_page(viewport=SIZE, color_scheme="light")
        opened.goto(page.resolve().as_uri())
        end = opened.locator("h2", has_text=END).bounding_box()
        assert end, f"{page} has no heading '{END}'"
        opened.screenshot(path=str(picture), full_page=True, clip={"x": 0, "y": 0, "width": SIZE["width"], "height": end["y"] - 8})
        browser.close()


if __name__ == "__main__":
    main()

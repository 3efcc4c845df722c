# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pastes messages into the search of a built site, in Chromium, and names those that it does not find at their place.

usage: search.py SITE

The messages are those that the runbook quotes, with addresses, images and numbers in place of its words in capitals, as a run prints them.
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
PRINTED = {
    "ADDRESS": "192.0.2.10:0/1193546917",
    "IMAGE": "rbd/esx-datastore1",
    "TIME": "2026-11-25 18:00:00 UTC",
    "HOST": "gateway1",
    "USER": "client.iscsi",
    "LUN N": "LUN 12",
    "TARGET": "iqn.2001-04.com.example:storage",
    "PORTAL": "192.0.2.10:3260",
    "OSD": "osd.3",
    "PG": "2.1f",
    "POOL": "rbd",
    "RUN": "20261125T180000",
    "N": "3",
    "M": "1",
}
# How many of the first hits a reader looks at.
LOOKED_AT = 3
# A message of fewer words is in many places.
FEWEST_WORDS = 5


def messages() -> list[str]:
    """Returns the lines that the runbook quotes, in its blocks of text and in the first column of its tables."""
    page = RUNBOOK.read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```text\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]
    return [one for one in [*lines, *re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)] if len(one.split()) >= FEWEST_WORDS]


def pasted(message: str) -> str:
    """Returns the message as a run prints it."""
    return re.sub(rf"\b({'|'.join(PRINTED)})\b", lambda found: PRINTED[found[1]], message)


class Hit(t.NamedTuple):
    """What the search shows of one place."""

    link: str
    text: str


def hits(page: Page, site: Path, query: str) -> list[Hit]:
    """Returns what the site finds, the best first."""
    page.goto(f"{(site / 'search.html').as_uri()}?q={quote(query)}")
    return [Hit(*one) for one in page.evaluate("[...document.querySelectorAll('#sentences li')].map(one => [one.querySelector('a').href, one.textContent])")]


def faults(page: Page, site: Path) -> t.Iterator[str]:
    """Yields a line for each message that is not found, and for each place that is none."""
    for message in messages():
        found = hits(page, site, pasted(message))
        begin = message[:80]
        if not any(begin in " ".join(one.text.split()) for one in found[:LOOKED_AT]):
            yield f"not found: {pasted(message)}"
    for one in hits(page, site, pasted(messages()[0])):
        page.goto(one.link)
        if not page.evaluate("!location.hash || document.getElementById(decodeURIComponent(location.hash.slice(1))) !== null"):
            yield f"no such place: {one.link}"
    if hits(page, site, "zzzz qqqq xxxx") or not page.get_by_text("did not match any documents").is_visible():
        yield "words that are nowhere are found, or nothing says that they are not"


def main() -> None:
    site = Path(sys.argv[1]).resolve()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = list(faults(browser.new_page(), site))
        browser.close()
    print("\n".join([*found, f"{len(messages())} messages pasted, {len(found)} faults"]))
    sys.exit(1 if found or not messages() else 0)


if __name__ == "__main__":
    main()

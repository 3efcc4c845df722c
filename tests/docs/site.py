# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens each page of a built site in Chromium, as wide as a desk's and a phone's screen, and names what is wrong with it.

usage: site.py SITE [PICTURES]

Faults are a page wider than the screen, what axe finds, an error of a script, and another order of the navigation. So is a command that fails while
the collection is not on Galaxy.
With PICTURES, the first screen of each page is left there.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
WIDTHS = {1280: 900, 390: 844}
GALAXY = "ansible-galaxy collection install cephops.iscsi_rescue"
# A paragraph with this word tells of the time when the collection is on Galaxy.
LATER = "once"
REFERENCE = ["Roles", "Playbooks", "Modules", "Filters"]
# One of each kind of page is checked with axe, too.
CHECKED = ["index", "runbook", "gateways", "search", "playbooks-ceph_user", "collection-modules", "collection-rbd_watchers_module"]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
PARAGRAPHS = "[...document.querySelectorAll('article :is(p, pre, li, td)')].map(one => one.textContent)"
NAVIGATION = "[...document.querySelectorAll('.sidebar-tree .toctree-l1 > a')].map(one => one.textContent.trim())"


def look(page: Page, path: Path, pictures: Path | None, name: str) -> t.Iterator[str]:
    """Yields what is wrong with a page."""
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.goto(path.as_uri())
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            yield f"wider than {width} pixels"
        if pictures:
            page.screenshot(path=str(pictures / f"{name}-{width}.png"))
        if name in CHECKED:
            yield from (f"axe at {width} pixels: {fault}" for fault in inaccessible(page))
    yield from said
    yield from (f"fails: {words[:100]}" for words in page.evaluate(PARAGRAPHS) if GALAXY in words and LATER not in words.lower())
    order = [entry for entry in page.evaluate(NAVIGATION) if entry in REFERENCE]
    if order != REFERENCE:
        yield f"the navigation has {order}"


def inaccessible(page: Page) -> t.Iterator[str]:
    """Yields what keeps some readers out."""
    for one in Axe().run(page, options={"runOnly": TAGS}).response["violations"]:
        yield f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:120]}"


def faults(browser: Browser, site: Path, pictures: Path | None) -> t.Iterator[str]:
    """Yields what is wrong with the site."""
    for path in sorted(site.rglob("*.html")):
        page = browser.new_page()
        name = "-".join(path.relative_to(site).with_suffix("").parts)
        yield from (f"{name}: {fault}" for fault in look(page, path, pictures, name))
        page.close()


def main() -> None:
    site = Path(sys.argv[1]).resolve()
    pictures = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        found = list(faults(browser, site, pictures))
        browser.close()
    pages = len(list(site.rglob("*.html")))
    print("\n".join([*found, f"{pages} pages opened, {len(found)} faults"]))
    sys.exit(1 if found or not pages else 0)


if __name__ == "__main__":
    main()

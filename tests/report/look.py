# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pages in headless Chromium, as their readers do, and says what is wrong with them.

usage: look.py PICTURES PAGE ...

Each page is opened light and dark, wide and narrow, with JavaScript off, and is then checked with axe (WCAG 2.1 A and AA, best practice) and printed to PDF.
The pictures are left in PICTURES. Ends with 1 when Chromium reports an error, a page asks for anything else, or axe finds something.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def main() -> None:
    pictures, *pages = map(Path, sys.argv[1:])
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        faults = [f"{page.name}: {fault}" for page in pages for fault in look(browser, page.resolve(), pictures)]
        browser.close()
    for fault in faults:
        print(fault)
    print(f"{len(pages)} pages opened, {len(faults)} faults")
    sys.exit(1 if faults or not pages else 0)


def look(browser: Browser, page: Path, pictures: Path) -> list[str]:
    """What is wrong with the page, a line each."""
    found = []
    for scheme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            # axe is a script of its own, put in from outside, past the page's own policy.
            for script in (False, True):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script, bypass_csp=script)
                opened = context.new_page()
                name = f"{page.stem}-{scheme}-{size}"
                found += [f"{name}: {fault}" for fault in visit(opened, page, script, pictures / f"{name}.png")]
                context.close()
    return found


def visit(opened: Page, page: Path, script: bool, picture: Path) -> t.Iterator[str]:
    said: list[str] = []
    opened.on("console", lambda message: said.append(f"console {message.type}: {message.text}"))
    opened.on("pageerror", lambda error: said.append(f"error: {error}"))
    opened.on("request", lambda request: said.append(f"asks for {request.url}") if request.url != page.as_uri() else None)
    opened.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.goto(page.as_uri())
    if not script:
        opened.screenshot(path=str(picture), full_page=True)
        opened.pdf(path=str(picture.with_suffix(".pdf")), format="A4")
        yield from said
        return
    yield from said
    if opened.evaluate("document.querySelectorAll('script, iframe, object, embed, link, img, form, [onload], [onerror]').length"):
        yield "holds what a report has no use for: an element that loads or runs something"
    if opened.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        yield "wider than the window"
    for violation in Axe().run(opened, options={"runOnly": TAGS}).response["violations"]:
        yield f"axe {violation['id']}: {violation['help']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"


if __name__ == "__main__":
    main()

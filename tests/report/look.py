# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pages in headless Chromium, as their readers do, and says what is wrong with them.

usage: look.py PICTURES PAGE ...

Each page is opened light and dark, wide and narrow, with JavaScript off, and is then checked with axe (WCAG 2.1 A and AA, best practice), compared with the
JSON beside it (see truth.py), and printed to PDF. The pictures are left in PICTURES. Ends with 1 when Chromium reports an error, a page asks for anything
else, axe finds something or cannot tell, the page does not say what the JSON says, words of a picture are cut off, or text is lost in print.
"""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
import unicodedata
from collections import Counter
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright
from truth import untrue

CHROMIUM = "/usr/bin/chromium"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
# Of what is shown; a picture's title is not.
TEXT = "(() => { const body = document.body.cloneNode(true); body.querySelectorAll('title').forEach(one => one.remove()); return body.textContent; })()"
CUT_OFF = """[...document.querySelectorAll('svg text')].filter(one => {
  const box = one.getBBox(), whole = one.ownerSVGElement.viewBox.baseVal;
  return box.x < 0 || box.y < 0 || box.x + box.width > whole.width || box.y + box.height > whole.height;
}).map(one => one.textContent)"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def main() -> None:
    pictures, *pages = map(Path, sys.argv[1:])
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        faults = [f"{page.name}: {fault}" for page in pages for check in (look, reads) for fault in check(browser, page.resolve(), pictures)]
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
        yield from said
        return
    yield from said
    if opened.evaluate("document.querySelectorAll('script, iframe, object, embed, link, img, form, [onload], [onerror]').length"):
        yield "holds what a report has no use for: an element that loads or runs something"
    if opened.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        yield "wider than the window"
    yield from (f"cut off: {words}" for words in opened.evaluate(CUT_OFF))
    found = Axe().run(opened, options={"runOnly": TAGS}).response
    for kind in ("violations", "incomplete"):
        for one in found[kind]:
            # Of words in a picture, or outside of what a wide table shows, axe cannot tell what is behind; others of their colours it can.
            if (kind, one["id"]) != ("incomplete", "color-contrast"):
                yield f"axe {kind} {one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}"


def reads(browser: Browser, page: Path, pictures: Path) -> list[str]:
    """What the page does not say of its JSON, and what its print does not say of the page."""
    opened = browser.new_page()
    opened.goto(page.as_uri())
    printed = pictures / f"{page.stem}.pdf"
    opened.pdf(path=str(printed), format="A4")
    said = {name: opened.locator(name).all_text_contents() for name in ("h1", "h3", "dd", "li", "p", "tr")}
    found = untrue(json.loads(page.with_suffix(".json").read_text()), said) + lost(opened.evaluate(TEXT), printed)
    opened.close()
    return found


def lost(text: str, printed: Path) -> list[str]:
    """Letters that the print lacks. Columns stand beside each other there, so words are in another order, and some are broken."""
    pages = subprocess.run(["pdftotext", "-enc", "UTF-8", printed, "-"], check=True, capture_output=True, text=True).stdout.split("\f")[:-1]
    missing = letters(text) - letters("".join(pages))
    empty = [number for number, one in enumerate(pages, 1) if not one.strip()]
    return [f"lost in print: {dict(missing)}"] * bool(missing) + [f"page {number} of the print is empty" for number in empty]


def letters(text: str) -> Counter[str]:
    """Without blanks and what cannot be seen; a ligature is its letters. pdftotext leaves out a hyphen at the end of a line."""
    return Counter(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one)[0] not in "CZ" and one != "-")


if __name__ == "__main__":
    main()

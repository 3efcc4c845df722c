# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens pages in headless Chromium, as their readers do, and says what is wrong with them.

usage: look.py PICTURES PAGE ...

Each page is opened light and dark, wide and narrow, with JavaScript off. It is then checked with axe (WCAG 2.1 A and AA, best practice), compared with the
JSON beside it (see truth.py), and printed to PDF. The pictures are left in PICTURES. A page is at fault in each of these cases:

- Chromium reports an error, or the page asks for another address.
- axe finds something or cannot tell.
- It does not say what the JSON says, or its first screen does not tell the story.
- It scrolls sideways, words of a chart are cut off or overlap, or a time is broken.
- Something is not folded on the screen, or is folded or lost in print.

A page with a file NAME.fault beside it must have the fault that it names. Ends with 1 when a page has another fault, or lacks that.
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
from truth import first_screen, plain, untrue

CHROMIUM = "/usr/bin/chromium"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
PAGE_JS = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


def main() -> None:
    pictures, *pages = map(Path, sys.argv[1:])
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        wrong = [f"{page.name}: {fault}" for page in pages for fault in judged(browser, page.resolve(), pictures)]
        browser.close()
    print("\n".join([*wrong, f"{len(pages)} pages opened, {len(wrong)} wrong"]))
    sys.exit(1 if wrong or not pages else 0)


def judged(browser: Browser, page: Path, pictures: Path) -> list[str]:
    """What is wrong with the page, or that a fault in it was not found."""
    expected = page.with_suffix(".fault")
    if not expected.exists():
        return list(faults(browser, page, pictures))
    words = expected.read_text()
    return [] if any(words in fault for fault in faults(browser, page, pictures)) else [f"not found: {words}"]


def faults(browser: Browser, page: Path, pictures: Path) -> t.Iterator[str]:
    """What is wrong with the page, a line each."""
    yield from reads(browser, page, pictures)
    for scheme in ("light", "dark"):
        for size, (width, height) in SIZES.items():
            # axe is a script of its own, put in from outside, past the page's own policy.
            for script in (False, True):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=script, bypass_csp=script)
                name = f"{page.stem}-{scheme}-{size}"
                yield from (f"{name}: {fault}" for fault in visit(context.new_page(), page, script, pictures / f"{name}.png"))
                context.close()


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
    opened.evaluate(PAGE_JS)
    yield from unseen(opened, json.loads(page.with_suffix(".json").read_text()))
    yield from opened.evaluate("faultsOfScreen()")
    opened.evaluate("unfold()")
    yield from opened.evaluate("faultsOfLayout()")
    yield from axe(opened)


def unseen(opened: Page, told: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What the first screen does not say."""
    seen = plain(opened.evaluate("firstScreen()")).lower()
    yield from (f"not on the first screen: {words}" for words in first_screen(told) if words not in seen)


def axe(opened: Page) -> t.Iterator[str]:
    found = Axe().run(opened, options={"runOnly": TAGS}).response
    for kind in ("violations", "incomplete"):
        for one in found[kind]:
            # Of words that lie over a line of a chart, axe cannot tell what is behind; others of their colours it can.
            if (kind, one["id"]) != ("incomplete", "color-contrast"):
                yield f"axe {kind} {one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}"


def reads(browser: Browser, page: Path, pictures: Path) -> list[str]:
    """What the page does not say of its JSON, and what its print does not say of the page."""
    opened = browser.new_page()
    opened.goto(page.as_uri())
    opened.evaluate(PAGE_JS)
    printed = pictures / f"{page.stem}.pdf"
    opened.pdf(path=str(printed), format="A4")
    opened.emulate_media(media="print")
    folded = opened.evaluate("foldedInPrint()")
    said = {name: opened.locator(name).all_text_contents() for name in ("h1", "h3", "dd", "li", "p", "tr", "article")}
    found = untrue(json.loads(page.with_suffix(".json").read_text()), said) + folded + lost(opened.evaluate("document.body.textContent"), printed)
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

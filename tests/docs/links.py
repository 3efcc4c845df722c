# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follows every link within a built site, to files and to anchors, and names those that lead nowhere.

usage: links.py SITE

Links to other sites are not followed. (LinkChecker from PyPI does the same in some minutes, reading a page anew for each anchor, and not as root.)
"""

from __future__ import annotations

import sys
import typing as t
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The anchors that a page has, and the links that it holds."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        self.links |= {found[name] for name in ("href", "src") if name in found}


def main() -> None:
    site = Path(sys.argv[1]).resolve()
    pages = {path: Page(path) for path in site.rglob("*.html")}
    links = [(path, link) for path, page in pages.items() for link in page.links if not urlsplit(link).scheme and not urlsplit(link).netloc]
    broken = sorted(f"{path.relative_to(site)}: {link}" for path, link in links if not leads(path, link, pages))
    print("\n".join([*broken, f"{len(links)} links within {len(pages)} pages, {len(broken)} lead nowhere"]))
    sys.exit(1 if broken or not links else 0)


def leads(page: Path, link: str, pages: t.Mapping[Path, Page]) -> bool:
    parts = urlsplit(link)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


if __name__ == "__main__":
    main()

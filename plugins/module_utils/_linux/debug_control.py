# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the pr_debug sites of the kernel from the control file's text, matches them as the kernel does, and writes queries. Pure.

Source: lib/dynamic_debug.c of Linux, and Documentation/admin-guide/dynamic-debug-howto.rst.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from dataclasses import dataclass, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

# USER_BUF_PAGE, of which the last byte ends the text; a query has at most 9 words, MAXWORDS.
LONGEST_WRITE = 4095
_NO_FLAGS = "_"
# opt_array of Linux 6.8; older kernels have no s.
_ORDER = "pmfslt"
# A format can hold quotes itself; kernels from 6.1 on can name a class behind it.
_LINE = re.compile(r'(?P<file>.+?):(?P<line>\d+) \[(?P<module>[^\]]*)\](?P<func>\S+) =(?P<flags>\S+) "(?P<format>.*)"(?: class.*)?')
_LINES = re.compile(r"(?P<first>\d+)?(?P<dash>-)?(?P<last>\d+)?")


@dataclass(frozen=True)
class Site:
    """Holds one pr_debug. ``file`` as the control file shows it, ``format`` with the control file's escapes, ``flags`` without the C(_) for none."""

    file: str
    line: int
    module: str
    func: str
    format: str
    flags: frozenset[str]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} [{self.module}]{self.func} ={show_flags(self.flags)}"

    @property
    def place(self) -> tuple[str, str, str, int, str]:
        """Returns what identifies the site, without its flags."""
        return (self.module, self.file, self.func, self.line, self.format)

    def with_flags(self, flags: t.AbstractSet[str]) -> Site:
        """Returns the same site with other flags."""
        return replace(self, flags=frozenset(flags))


@dataclass(frozen=True)
class Match:
    """Holds what the user looks for. None matches everything, and every given part must match."""

    func: str | None = None
    file: str | None = None
    module: str | None = None
    line: str | None = None
    format: str | None = None

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items() if value is not None)


def parse(text: str) -> list[Site]:
    """Returns the sites of the control file, without its headline and other lines."""
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return [
        Site(hit["file"], int(hit["line"]), hit["module"], hit["func"], hit["format"], parse_flags(hit["flags"]))
        for hit in found
        if hit  # no comment line has this shape
    ]


def parse_flags(text: str) -> frozenset[str]:
    """Flags in any order; C(_) is none. Which letters there are is for the kernel to say. Raises InputError."""
    if not re.fullmatch(r"[a-zA-Z_]*", text):
        raise InputError(f"flags '{text}' are not letters such as p or lptf: leave out signs, since state says whether to add, remove or set them.")
    return frozenset(text) - {_NO_FLAGS}


def show_flags(flags: t.AbstractSet[str]) -> str:
    """Flags in the order of the control file; unknown flags come last."""
    return "".join(sorted(flags, key=lambda flag: (_ORDER.find(flag) % (len(_ORDER) + 1), flag))) or _NO_FLAGS


def select(sites: t.Sequence[Site], matches: t.Iterable[Match]) -> tuple[list[Site], list[Match]]:
    """Returns the sites that any of ``matches`` matches, and those of ``matches`` that match none. Raises InputError."""
    hits = {match: list(filter(_test(match), sites)) for match in matches}
    taken = {site.place for found in hits.values() for site in found}
    return [site for site in sites if site.place in taken], [match for match, found in hits.items() if not found]


def _test(match: Match) -> t.Callable[[Site], bool]:
    """Returns a test that does what ddebug_change() does with one query."""
    if not str(match):
        raise InputError("An entry of match names nothing and would match every site of the kernel: give func, file, module, line or format.")
    parts: list[t.Callable[[Site], bool]] = []
    if match.module is not None:
        module = _wildcard(match.module)
        parts.append(lambda site: bool(module(site.module)))
    if match.func is not None:
        func = _wildcard(match.func)
        parts.append(lambda site: bool(func(site.func)))
    if match.file is not None:
        file = _wildcard(match.file)
        parts.append(lambda site: bool(file(site.file) or file(site.file.rpartition("/")[2])))
    if match.line is not None:
        first, last = _line_range(match.line)
        parts.append(lambda site: first <= site.line <= last)
    if match.format is not None:
        wanted = match.format.replace("\n", r"\n").replace("\t", r"\t")
        parts.append(lambda site: site.format.startswith(wanted[1:]) if wanted.startswith("^") else wanted in site.format)
    return lambda site: all(part(site) for part in parts)


def _wildcard(pattern: str) -> t.Callable[[str], object]:
    """Returns a test like match_wildcard() of lib/parser.c: only C(*) and C(?) are special."""
    return re.compile("".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)).fullmatch


def _line_range(text: str) -> tuple[float, float]:
    """Reads C(291), C(280-300), C(-300) or C(280-). Raises InputError."""
    hit = _LINES.fullmatch(text)
    if not hit or not (hit["first"] or hit["last"]):
        raise InputError(f"line '{text}' is neither a number nor a range such as 280-300, -300 or 280-.")
    first = int(hit["first"] or 0)
    last = float(hit["last"] or "inf") if hit["dash"] else first
    if last < first:
        raise InputError(f"line '{text}' ends before it begins.")
    return first, last


def changed(before: t.Iterable[Site], after: t.Iterable[Site]) -> list[tuple[Site, Site]]:
    """Returns the pairs with different flags; both sides have the same sites in the same order."""
    return [(old, new) for old, new in zip(before, after) if old.flags != new.flags]


def queries(sites: t.Sequence[Site], wanted: t.Sequence[Site]) -> list[str]:
    """Returns one query for each of ``wanted``, which sets the flags of this site alone, among all the kernel's ``sites``.

    Module, file, line and function name a site. If a macro put two into one line, the format replaces the function, since a query has no
    room for both.
    """
    shared = Counter(site.place[:4] for site in sites)
    return [_query(site, shared[site.place[:4]] > 1) for site in wanted]


def _query(site: Site, by_format: bool) -> str:
    # A query cannot escape a quote, so only the part of a format before its first quote counts.
    told = f'format "^{site.format.partition(chr(34))[0]}"' if by_format else f"func {site.func}"
    return f"module {site.module} {told} file {site.file} line {site.line} ={show_flags(site.flags)}"


def writes(lines: t.Iterable[str]) -> list[str]:
    """Queries put together into texts that the kernel takes in one write each."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= LONGEST_WRITE:
            texts[-1] += "\n" + line
        else:
            texts.append(line)
    return texts

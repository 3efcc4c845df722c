# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts the files of a support bundle together: the rotated parts of a log in their order, and the logs of one host. Pure.

ESXi rotates vmkernel.log to vmkernel.0.gz, vmkernel.1.gz and so on; syslog daemons to vmkernel.log.1, vmkernel.log.2.gz. The highest number is the oldest.
"""

from __future__ import annotations

import re
import typing as t
from collections import defaultdict

_ROTATED = re.compile(r"(?P<stem>[^\n]*?)(?:\.log)?(?:\.(?P<number>[0-9]{1,4}))?(?:\.(?:gz|xz|bz2|zst))?")
# Only such a name is a file's: the name of a host might end with a number, too.
_FILE = re.compile(r"(?s:.*)(?:\.log(?:\.[0-9]{1,4})?(?:\.gz|\.xz|\.bz2|\.zst)?|\.(?:gz|xz|bz2|zst)|(?:^|/)(?:vmkernel|vmkwarning|vobd)(?:\.[0-9]{1,4})?)")
_WARNINGS, _WHOLE = "vmkwarning", "vmkernel"
# The logs that ESXi keeps beside each other.
_OF_ONE_HOST = (_WHOLE, _WARNINGS, "vobd", "syslog")


class Log(t.NamedTuple):
    """``name``: the newest part, ``host``: the host of its events, ``parts``: the oldest first, ``repeats``: whether it repeats lines of another log."""

    name: str
    host: str
    parts: list[str]
    repeats: bool = False


def logs(names: t.Sequence[str]) -> list[Log]:
    """Returns the logs that files, or hosts, of these names are parts of."""
    stems: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name in names:
        stem, age = _place(name)
        stems[stem][name] = age
    hosts = _hosts(stems)
    return [_log(stem, sorted(parts, key=lambda name: -parts[name]), hosts) for stem, parts in stems.items()]


def _place(name: str) -> tuple[str, int]:
    """Returns (the common name of a log's parts, the part's age: 0 for the current one)."""
    hit = _ROTATED.fullmatch(name) if _FILE.fullmatch(name) else None
    if not hit:
        return name, 0
    return hit["stem"], int(hit["number"]) + 1 if hit["number"] else 0


def _hosts(stems: t.Iterable[str]) -> dict[str, set[str]]:
    """Returns directory -> the logs in it that ESXi keeps beside each other."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for stem in stems:
        directory, _slash, name = stem.rpartition("/")
        if name in _OF_ONE_HOST:
            found[directory].add(name)
    return found


def _log(stem: str, parts: list[str], hosts: t.Mapping[str, set[str]]) -> Log:
    directory, _slash, name = stem.rpartition("/")
    beside = hosts.get(directory, set())
    host = (directory or ".") if name in beside and len(beside) > 1 else parts[-1]
    return Log(parts[-1], host, parts, name == _WARNINGS and _WHOLE in beside)

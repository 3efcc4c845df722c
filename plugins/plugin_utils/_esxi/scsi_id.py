# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name that ESXi gives a SCSI device: which identifier of INQUIRY page 83h it is (SPC-4 7.8.6), and what that says. Pure."""

from __future__ import annotations

import re
import string
import typing as t

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_PARTITION = re.compile(r"(.+):(\d{1,9})")
_PREFIXED = ("eui", "naa")
# ESXi writes an underscore for what it cannot show in a path, so blanks and underscores of a T10 name look the same.
_FILLER = re.compile("_+")
_READABLE = frozenset(string.printable) - frozenset(string.whitespace) | {" "}


def parse(name: str) -> dict[str, t.Any]:
    """What a device's name says.

    ``device``: the name without a partition's number, ``partition``: that number or None, ``kind``: ``eui``, ``naa``, ``t10``, ``mpx`` (named by its path)
    or ``other``, ``bytes``: the identifier in lower-case hex, '' where the name does not hold it, ``ascii``: what these bytes read as, '' where they
    are no text.
    """
    hit = _PARTITION.fullmatch(name)
    # The path in an mpx name has colons of its own, but never a number alone behind the last.
    device, partition = (hit[1], int(hit[2])) if hit else (name, None)
    kind, dot, rest = device.partition(".")
    kind = kind.lower()
    told = {"device": device, "partition": partition, "kind": "other", "bytes": "", "ascii": ""}
    if kind in _PREFIXED and _HEX.fullmatch(rest.lower()):
        return {**told, "kind": kind, "bytes": rest.lower(), "ascii": _text(bytes.fromhex(rest))}
    if kind == "t10" and rest:
        return {**told, "kind": kind, "ascii": _FILLER.sub(" ", rest).strip()}
    return {**told, "kind": "mpx"} if kind == "mpx" and dot else told


def _text(identifier: bytes) -> str:
    """As SCST makes one of a name: text, filled up with zero bytes."""
    text = identifier.rstrip(b"\0").decode("latin-1")
    return text if set(text) <= _READABLE else ""

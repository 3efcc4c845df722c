# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the name that ESXi gives a SCSI device: its identifier of INQUIRY page 83h (SPC-4 7.8.6), and what that says. Pure."""

from __future__ import annotations

import re
import string
import typing as t

_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_PARTITION = re.compile(r"(.+):(\d{1,9})")
_PREFIXED = ("eui", "naa", "sym")
# VMware's own name: what identifier it holds, the LUN's number, the identifier, and six characters of the model. 02h is one of INQUIRY page 83h.
_VML = re.compile(r"vml\.02[0-9a-f]{8}([0-9a-f]{32}|[0-9a-f]{16})[0-9a-f]{12}")
# An NAA identifier of 8 bytes is of format 2, 3 or 5 (SPC-4 7.8.6.6); other 8 bytes are an EUI-64.
_SHORT_NAA = ("2", "3", "5")
# ESXi writes an underscore for what it cannot show in a path, so blanks and underscores of a T10 name look the same.
_FILLER = re.compile("_+")
_READABLE = frozenset(string.printable) - frozenset(string.whitespace) | {" "}


def parse(name: str) -> dict[str, t.Any]:
    """Returns what a device's name says.

    ``device``: the name without a partition's number, ``partition``: that number or None, ``kind``: ``eui``, ``naa``, ``t10``, ``sym``, ``vml``, ``mpx``
    (named by its path) or ``other``, ``bytes``: the identifier in lower-case hex, '' where the name does not hold it, ``ascii``: what these bytes read as,
    '' where they are no text.
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
    inside = _VML.fullmatch(device.lower())
    if inside:
        return {**told, "kind": "vml", "bytes": inside[1], "ascii": _text(bytes.fromhex(inside[1]))}
    return {**told, "kind": kind} if kind in ("mpx", "vml") and dot else told


def canonical(device: str) -> str:
    """Returns the name by which other lines call the device: of a ``vml.`` name the NAA or EUI in it, any other name as it is."""
    inside = _VML.fullmatch(device.lower()) if device.startswith("vml.") else None
    if not inside:
        return device
    kind = "naa" if len(inside[1]) > 16 or inside[1][0] in _SHORT_NAA else "eui"
    return f"{kind}.{inside[1]}"


def _text(identifier: bytes) -> str:
    """Returns the text of an identifier, as SCST makes one: text, filled up with zero bytes."""
    text = identifier.rstrip(b"\0").decode("latin-1")
    return text if set(text) <= _READABLE else ""

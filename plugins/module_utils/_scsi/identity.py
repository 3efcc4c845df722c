# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads a LUN's identity from INQUIRY and its vital product data pages. Pure: SPC-4 names the sections."""

from __future__ import annotations

import typing as t


def decode(standard: bytes, serial_page: bytes, device_page: bytes) -> dict[str, t.Any]:
    """Returns the LUN's identity: vendor, product, revision (SPC-4 6.6.2), serial (7.8.17), eui and naa in hex (7.8.6).

    C(tpgs) is the asymmetric access to its target port groups: 0 for none, 1 implicit, 2 explicit, 3 both (SPC-4 6.6.2).
    """
    text = standard.ljust(36, b" ")
    identity: dict[str, t.Any] = {"vendor": _text(text[8:16]), "product": _text(text[16:32]), "revision": _text(text[32:36])}
    identity["serial"] = _text(serial_page[4 : 4 + serial_page[3]]) if len(serial_page) > 4 else ""
    identity["tpgs"] = standard[5] >> 4 & 3 if len(standard) > 5 else 0
    identity["eui"] = identity["naa"] = ""
    for kind, name in _designators(device_page):
        if kind in (2, 3):
            identity["eui" if kind == 2 else "naa"] = name.hex()
    return identity


def breaks_locks(identity: t.Mapping[str, t.Any]) -> bool:
    """Returns whether a write makes the gateway break the image's lock and blocklist its owner, dead or alive.

    tcmu-runner does so if its LUN has implicit access states, as ceph-iscsi makes them (measured with 1.5.4; tcmu-runner's rbd.c and alua.c).
    """
    return identity["product"] == "TCMU device" and identity["tpgs"] != 0


def _designators(page: bytes) -> t.Iterator[tuple[int, bytes]]:
    """Yields (type, bytes) of the binary designators of the logical unit."""
    offset = 4
    while offset + 4 <= len(page):
        code_set, kind, length = page[offset] & 0x0F, page[offset + 1], page[offset + 3]
        if code_set == 1 and not kind & 0x30:
            yield kind & 0x0F, page[offset + 4 : offset + 4 + length]
        offset += 4 + length


def _text(raw: bytes) -> str:
    return "".join(character if character.isprintable() else "?" for character in raw.decode("latin-1").strip(" \0"))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Ceph keyring's text, as a controller has it. Pure. No error contains a part of the text."""

from __future__ import annotations

import re

# A key is base64 of a header and 16 bytes or more, see CryptoKey::encode of Ceph.
_KEY = re.compile(r"^[A-Za-z0-9+/]{30,}={0,2}$")
_SECTION = re.compile(r"^\[\s*(.*?)\s*\]$")


def key_of(text: str, client: str) -> str:
    """Returns the key of ``client``, whose name has ``client.`` before it or not. Empty if there is none. If the text is only a key, it is that key."""
    wanted = client if client.startswith("client.") else f"client.{client}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) == 1 and _KEY.match(lines[0]):
        return lines[0]
    section, found = "", ""
    for line in lines:
        if header := _SECTION.match(line):
            section = header.group(1)
        name, _equals, value = (part.strip() for part in line.partition("="))
        if section == wanted and name == "key" and _KEY.match(value):
            found = value
    return found

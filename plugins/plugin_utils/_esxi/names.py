# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds what a message of the VMkernel names: devices, paths, iSCSI sessions and VMFS volumes. Pure."""

from __future__ import annotations

import re
import typing as t

# Every line is searched for these patterns. Ranges instead of classes, and letters instead of a border at the beginning, take half the time.
_DEVICE = re.compile(r"((?:eui|naa|t10|sym|vml)\.(?<!\w....)[^\0- \"':;,\[\]()]*[^\0- \"':;,\[\]().])(?::(\d{1,9}))?")
_BY_PATH = re.compile(r"\b(mpx\.vmhba\d{1,9}:C\d{1,9}:T\d{1,9}:L\d{1,9})(?::(\d{1,9}))?")
_PATH = re.compile(r"vmhba\d{1,9}:C\d{1,9}:T\d{1,9}:L(\d{1,9})")
# As the software iSCSI initiator writes it: vmhba33:CH:0 T:1 L:14 is the path vmhba33:C0:T1:L14. vmhba33:CH:0 T:1 CN:0 is a connection of its session.
_NEXUS = re.compile(r"(vmhba\d{1,9}):CH:(\d{1,9}) T:(\d{1,9})(?: L:(\d{1,9}))?")
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# The UUID in such brackets is that of the heartbeat's owner, a host.
_HEARTBEAT = "[HB state"
# The volume's UUID as four words of 32 bits, the last two of which are its last eight bytes, little-endian.
_RESERVE = re.compile(r"Failed to reserve volume \S{1,20} \d{1,9} \d{1,9} ([0-9a-f]{1,8}) ([0-9a-f]{1,8}) ([0-9a-f]{1,8}) ([0-9a-f]{1,8})\b")
# A label has up to 128 characters, quotation marks too.
_QUOTED = re.compile(r"(?:\bvol(?:ume)? |\bon |^\d{1,9}: )'([^\n]{1,200}?)'(?=[:.,; ]|$)")
_UNQUOTED = re.compile(r"\bon vol (?P<name>[^\n'\"\[]{1,200})$")
_BRACKETED = re.compile(r"\bvolume [0-9a-f-]{35} \(\"?([^\n\"]{1,200}?)\"?\)")


_NFS = re.compile(r"\[[0-9a-f]{8}-[0-9a-f]{8}\]")


class Place(t.NamedTuple):
    """A place on the storage network. ``session``: adapter, channel and target, if no path is known."""

    path: str = ""
    lun: t.Optional[int] = None
    session: str = ""


_NOWHERE = Place()


def device(message: str) -> t.Optional[re.Match[str]]:
    """Finds a device's name, and the partition's number behind it."""
    # To look for a fixed text first takes a tenth of the pattern's time.
    named = "eui." in message or "naa." in message or "t10." in message or "vml." in message or "sym." in message
    found = _DEVICE.search(message) if named else None
    return found or (_BY_PATH.search(message) if "mpx.vmhba" in message else None)


def place(message: str) -> Place:
    """Returns the path or the iSCSI session that the message names."""
    if "vmhba" not in message:
        return _NOWHERE
    hit = _PATH.search(message)
    if hit:
        return Place(hit[0], int(hit[1]))
    nexus = _NEXUS.search(message)
    return _behind(nexus) if nexus else _NOWHERE


def _behind(nexus: re.Match[str]) -> Place:
    session = f"{nexus[1]}:C{nexus[2]}:T{nexus[3]}"
    return Place(f"{session}:L{nexus[4]}", int(nexus[4])) if nexus[4] else Place(session=session)


def volume(message: str) -> str:
    """Returns the UUID of the VMFS volume that the message names, or ''."""
    hit = _RESERVE.search(message) if "reserve" in message else None
    if hit:
        return volume_uuid(*(int(word, 16) for word in hit.groups()))
    dash = message.find("-")
    if dash < 0:
        return ""
    owner = message.find(_HEARTBEAT)
    told = _UUID.search(message, max(dash - 8, 0), owner) if owner >= 0 else _UUID.search(message, max(dash - 8, 0))
    return told[0] if told else ""


def volume_name(message: str) -> str:
    """Returns the label of the VMFS volume that the message names, or ''."""
    # Each of these fixed texts takes a tenth of the pattern's time.
    quoted = "vol '" in message or "on '" in message or ": '" in message or "volume '" in message
    hit = _QUOTED.search(message) if quoted else None
    hit = hit or (_BRACKETED.search(message) if "volume " in message else _UNQUOTED.search(message) if " vol " in message else None)
    return hit[1].strip() if hit else ""


def is_nfs(message: str) -> bool:
    """Returns whether the message is on an NFS datastore, which no LUN is behind: its identifier has two words."""
    return bool(_NFS.search(message))


def volume_uuid(first: int, second: int, third: int, fourth: int) -> str:
    """Returns the UUID of a VMFS volume from the four words of ``Failed to reserve volume``."""
    last = (third.to_bytes(4, "little") + fourth.to_bytes(4, "little")).hex()
    return f"{first:08x}-{second:08x}-{last[2:4]}{last[:2]}-{last[4:]}"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the VMkernel's log of ESXi tells of SCSI devices. Pure, and linear in the length of the text.

Sources: the incident's log; Broadcom's articles 289902 (status codes), 338435 (device status) and 2030787 (reservation conflicts); lines of ESXi 5 to 8.
"""

from __future__ import annotations

import re
import typing as t

Kind = t.Literal[
    "reservation_conflict",
    "reserve_failed",
    "timeout",
    "no_connection",
    "busy",
    "check_condition",
    "command_failed",
    "io_error",
    "path_in_doubt",
    "slow",
    "answered",
]
Event = dict[str, t.Any]

# Longer than any line of ESXi; what follows is not read, so that no line costs more than any other.
_LONGEST = 2000
_TIME = re.compile(r"[0-9]{4}-[0-9-]{5}T[0-9:]{8}(?:\.[0-9]{1,9})?Z?")
_WORLD = r"cpu[0-9]{1,9}:([0-9]{1,18})(?: opID=([^\0- )]{1,200}))?\)(?:(WARNING|ALERT): )?([A-Za-z0-9_]{1,40}): "
# What most lines begin with, seen in one look, and the same anywhere, with an empty group where the time would be.
_USUAL = re.compile(f"({_TIME.pattern}) {_WORLD}")
_HEAD = re.compile(f"(){_WORLD}")
# Modules that speak of SCSI devices, of paths to them, and of VMFS on them.
_MODULES = frozenset(
    (
        *(
            "NMP",
            "HPP",
            "ScsiDeviceIO",
            "ScsiDevice",
            "ScsiCore",
            "ScsiPath",
            "ScsiScan",
            "Scsi",
            "SCSI",
            "StorageApdHandler",
            "StorageApdHandlerEv",
            "iscsi_vmk",
        ),
        *("VMW_SATP_ALUA", "VMW_SATP_DEFAULT_AA", "VMW_PSP_RR", "VMW_PSP_FIXED", "VMW_PSP_MRU"),
        *("Partition", "LVM", "Vol3", "Fil3", "FS3", "FS3J", "FS3Misc", "HBX", "J3", "J6", "Res3", "Res6", "DLX", "ATSLock", "VMFS"),
    )
)

# In patterns that every line is searched for, ranges in place of classes, and letters in place of a border at the beginning, which take half the time.
_DEVICE = re.compile(r"((?:eui|naa|t10)\.(?<!\w....)[^\0- \"':;,\[\]()]*[^\0- \"':;,\[\]().])(?::(\d{1,9}))?")
_BY_PATH = re.compile(r"\b(mpx\.vmhba\d{1,9}:C\d{1,9}:T\d{1,9}:L\d{1,9})(?::(\d{1,9}))?")
_PATH = re.compile(r"vmhba\d{1,9}:C\d{1,9}:T\d{1,9}:L(\d{1,9})")
_OPCODE = re.compile(r"(?:Cmd|Command)(?: ?\(0x[0-9a-f]{1,16}\))? (0x[0-9a-f]{1,2})\b")
_STATUS = re.compile(
    r"H:(0x[0-9a-f]{1,8}) D:(0x[0-9a-f]{1,8}) P:(0x[0-9a-f]{1,8})(?: (\w+) sense data:? (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}) (0x[0-9a-f]{1,2}))?"
)
_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}\b")
# The UUID in a line on a heartbeat is its owner's, a host's.
_OTHER_UUIDS = ("HBX",)
# The volume's UUID as four words of 32 bits, the last two of which are its last eight bytes, little-endian.
_RESERVE = re.compile(r"Failed to reserve volume \S{1,20} \d{1,9} \d{1,9} ([0-9a-f]{1,8}) ([0-9a-f]{1,8}) ([0-9a-f]{1,8}) ([0-9a-f]{1,8})\b")

_CONFLICT, _GOOD = "0x18", "0x0"
# SPC-4 4.5.6: no sense, recovered error, illegal request, unit attention, miscompare. The device is well, and says that it did not do this one thing.
_WELL = frozenset(("0x0", "0x1", "0x5", "0x6", "0xe"))
_DEVICE_STATUS: dict[str, Kind] = {_CONFLICT: "reservation_conflict", "0x2": "check_condition", "0x8": "busy", "0x28": "busy"}
# Timed out, aborted, reset.
_HOST_STATUS: dict[str, Kind] = {"0x3": "timeout", "0x5": "timeout", "0x8": "timeout", "0x1": "no_connection", "0x2": "busy"}
# The first that a message holds, in lower case, counts; what comes to None is good news.
_WORDS: tuple[tuple[str, t.Optional[Kind]], ...] = (
    ("reservation conflict", "reservation_conflict"),
    ("failed to reserve volume", "reserve_failed"),
    ("reservation error", "reserve_failed"),
    ("exited the all paths down", None),
    ("apd exit", None),
    ("all paths down", "path_in_doubt"),
    ("apd start", "path_in_doubt"),
    ("not supported", "answered"),
    ("timeout", "timeout"),
    ("timed out", "timeout"),
    ("performance has deteriorated", "slow"),
    ("state in doubt", "path_in_doubt"),
    ("fastdeviceprobe", "path_in_doubt"),
    ("fast path state update", "path_in_doubt"),
    ("nmp_throttlelog", "command_failed"),
    ("nmp_completecommand", "command_failed"),
    ("i/o error", "io_error"),
    ("no such partition", "io_error"),
    ("no connection", "no_connection"),
    ("failed", "io_error"),
    ("couldn't", "io_error"),
    ("could not", "io_error"),
)


class _Line(t.NamedTuple):
    """One that tells of an event. What else it says is read only where it is kept."""

    text: str
    head: re.Match[str]
    message: str
    status: t.Optional[re.Match[str]]
    kind: Kind


def events(text: str, host: str = "", limit: int = 100_000) -> dict[str, t.Any]:
    """The storage events of a log.

    Returns ``events`` (the newest ``limit``), ``dropped`` (older ones), ``lines`` (that are not empty) and ``unparsed`` (lines that tell of no such event).
    ``host``: whose log it is, kept in each event.
    """
    counted = {"lines": 0, "unparsed": 0}
    newest: list[Event] = []
    made = 0
    for line, rest in _with_rests(_backwards(text, counted)):
        made += 1
        if made <= limit:
            newest.append(_event(line, rest, host))
    return {"events": newest[::-1], "dropped": made - len(newest), **counted}


def _backwards(text: str, counted: dict[str, int]) -> t.Iterator[_Line]:
    """The lines that tell of an event, the last one first. One at a time, for a log may be most of what fits into memory."""
    end = len(text)
    while end >= 0:
        begin = text.rfind("\n", 0, end) + 1
        line = text[begin : min(end, begin + _LONGEST)]
        end = begin - 1
        if not line or line.isspace():
            continue
        counted["lines"] += 1
        seen = _seen(line)
        if seen:
            yield seen
        else:
            counted["unparsed"] += 1


def _with_rests(backwards: t.Iterable[_Line]) -> t.Iterator[tuple[_Line, t.Optional[_Line]]]:
    """ESXi 7 and 8 write a command's status into a line of its own, behind the one with the device: the two as one."""
    rest: t.Optional[_Line] = None
    for line in backwards:
        if rest and _completes(line, rest):
            yield line, rest
            rest = None
            continue
        if rest:
            yield rest, None
        rest = line if line.status and not _device(line.message) else None
        if not rest:
            yield line, None
    if rest:
        yield rest, None


def _completes(former: _Line, rest: _Line) -> bool:
    return not former.status and bool(_OPCODE.search(former.message)) and _operation(former) == _operation(rest)


def parse(line: str, host: str = "") -> t.Optional[Event]:
    """The event of a line, None for any other line. A field that the line does not tell is ''; ``lun`` and ``partition`` are numbers or None."""
    seen = _seen(line)
    return _event(seen, None, host) if seen else None


def _seen(line: str) -> t.Optional[_Line]:
    head = _USUAL.match(line) or _HEAD.search(line)
    if not head or head[5] not in _MODULES:
        return None
    message = line[head.end() :]
    status = _STATUS.search(message) if "H:0x" in message else None
    kind = _kind(message, status)
    return _Line(line, head, message, status, kind) if kind else None


def _event(line: _Line, rest: t.Optional[_Line], host: str) -> Event:
    message, told = line.message, rest or line
    status = told.status
    device = _device(message)
    path = _PATH.search(message) if "vmhba" in message else None
    opcode = _OPCODE.search(message) if " 0x" in message else None
    module = line.head[5]
    return {
        "time": line.head[1] or _time(line),
        "host": host,
        "severity": line.head[4] or "",
        "module": module,
        "kind": told.kind,
        "device": device[1] if device else "",
        "partition": int(device[2]) if device and device[2] else None,
        "path": path[0] if path else "",
        "lun": int(path[1]) if path else None,
        "opcode": opcode[1] if opcode else "",
        "host_status": status[1] if status else "",
        "device_status": status[2] if status else "",
        "plugin_status": status[3] if status else "",
        "sense": _sense(status) if status else "",
        "volume": "" if module in _OTHER_UUIDS else _volume(message),
        "operation": f"{host} {_operation(line)}".strip(),
        "text": f"{line.text.strip()} {rest.text.strip()}" if rest else line.text.strip(),
    }


def _operation(line: _Line) -> str:
    """What one world says at one instant in one operation is about one thing."""
    head = line.head
    return f"{head[1] or _before(line)} {head[2]} {head[3] or ''}".strip()


def _before(line: _Line) -> str:
    return line.text[: line.head.start()].strip()


def _time(line: _Line) -> str:
    hit = _TIME.search(_before(line))
    return hit[0] if hit else ""


def _device(message: str) -> t.Optional[re.Match[str]]:
    # To look for a fixed text first takes a tenth of the pattern's time.
    named = _DEVICE.search(message) if "eui." in message or "naa." in message or "t10." in message else None
    return named or (_BY_PATH.search(message) if "mpx.vmhba" in message else None)


def _sense(status: re.Match[str]) -> str:
    """Only a valid one is the device's own word."""
    return " ".join(status.groups()[4:]) if status[4] == "Valid" else ""


def _volume(message: str) -> str:
    hit = _RESERVE.search(message) if "reserve" in message else None
    if hit:
        return volume_uuid(*(int(word, 16) for word in hit.groups()))
    dash = message.find("-")
    told = _UUID.search(message, max(dash - 8, 0)) if dash >= 0 else None
    return told[0] if told else ""


def volume_uuid(first: int, second: int, third: int, fourth: int) -> str:
    """The UUID of a VMFS volume from the four words of ``Failed to reserve volume``."""
    last = (third.to_bytes(4, "little") + fourth.to_bytes(4, "little")).hex()
    return f"{first:08x}-{second:08x}-{last[2:4]}{last[:2]}-{last[4:]}"


def _kind(message: str, status: t.Optional[re.Match[str]]) -> t.Optional[Kind]:
    if status:
        host, device = status[1], status[2]
        if _sense(status).partition(" ")[0] in _WELL:
            return "answered"
        if device in _DEVICE_STATUS:
            return _DEVICE_STATUS[device]
        if host != _GOOD:
            return _HOST_STATUS.get(host, "command_failed")
    lower = message.lower()
    # A loop, for it is done for every line, and a generator takes twice as long.
    for words, kind in _WORDS:
        if words in lower:
            return kind
    return None

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel log tells of reservations, and of what hinders them: records in, events out. Pure.

Sources: drivers/target/target_core_pr.c and target_core_tmr.c, drivers/scsi/scsi_logging.c, scsi_lib.c and scsi_error.c, block/blk-mq.c,
drivers/block/rbd.c of Linux; SCST's trace of the flags scsi and pr, and the debug messages of its old releases.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kmsg import Record

Kind = t.Literal["reserve", "conflict", "release", "error", "lock"]

# A SCST command of which the end is not in the log would be kept for ever.
_MOST_PENDING = 10_000
_CONFLICT = "18"
_OPERATIONS: dict[str, Kind] = {"RESERVE": "reserve", "RELEASE": "release"}


@dataclass(frozen=True)
class Event:
    """One event; what the kernel did not tell is empty.

    C(conflict): ``initiator`` was turned away, by ``old_holder``. C(lock): krbd's exclusive lock, with its owner as ``old_holder``.
    ``device`` is SCST's name, C(H:C:T:L) of an initiator's disk, or C(rbdN); ``seconds`` since boot; ``text`` the messages behind it, a line each.
    """

    kind: Kind
    seconds: float
    stack: str
    text: str
    device: str = ""
    disk: str = ""
    lun: int | None = None
    initiator: str = ""
    target: str = ""
    old_holder: str = ""
    holder: str = ""
    command: str = ""
    status: str = ""
    sense: str = ""


class Parsed(t.NamedTuple):
    """``understood``: how many of the records are part of an event, or are known to be none."""

    events: list[Event]
    understood: int


@dataclass
class _Command:
    """A SCST command of which the trace has shown the beginning."""

    text: list[str]
    lun: int | None = None
    initiator: str = ""
    target: str = ""
    operation: str = ""
    device: str = ""

    def ended(self, status: str) -> Kind | None:
        """What it was, now that its SCSI status is known, in hex; None for what has nothing to do with reservations."""
        kind = _OPERATIONS.get(self.operation.partition("(")[0])
        if status == _CONFLICT:
            return "conflict"
        return kind if status == "0" else "error" if kind else None


def parse(records: t.Iterable[Record]) -> Parsed:
    """The events of ``records``, which may be cut off and mixed with anything; nothing is raised."""
    reader = _Reader()
    understood = sum(reader.take(record) for record in records)
    return Parsed(reader.events, understood)


class _Reader:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self._commands: dict[str, _Command] = {}
        # Where the event is to which a later line belongs: by disk and tag, and LIO's last conflict.
        self._failed: dict[tuple[str, str], int] = {}
        self._lio_conflict = -1

    def take(self, record: Record) -> bool:
        for needle, pattern, understand in _FORMS:
            if needle in record.message:
                hit = pattern.search(record.message)
                if hit:
                    understand(self, record, hit.groupdict())
                    return True
        return False

    def known(self, record: Record, told: dict[str, str]) -> None:
        """It belongs to the trace and tells nothing more."""

    def add(self, kind: Kind, stack: str, record: Record, **told: t.Any) -> None:
        self.events.append(Event(kind, record.seconds, stack, record.message, **told))

    def amend(self, index: int, record: Record, **told: t.Any) -> None:
        event = self.events[index]
        self.events[index] = replace(event, text=f"{event.text}\n{record.message}", **told)

    # LIO

    def lio_reserve(self, record: Record, told: dict[str, str]) -> None:
        self.add("reserve", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], holder=told["initiator"])

    def lio_release(self, record: Record, told: dict[str, str]) -> None:
        self.add("release", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], old_holder=told["initiator"])

    def lio_conflict(self, record: Record, told: dict[str, str]) -> None:
        self._lio_conflict = len(self.events)
        self.add("conflict", "lio", record, target=told["fabric"])

    def lio_conflict_part(self, record: Record, told: dict[str, str]) -> None:
        if self._lio_conflict >= 0:
            lun = {"lun": int(told["lun"])} if "lun" in told else {}
            self.amend(self._lio_conflict, record, **{**told, **lun})

    def lio_error(self, record: Record, told: dict[str, str]) -> None:
        self.add("error", "lio", record)

    # SCST

    def scst_old_reserve(self, record: Record, told: dict[str, str]) -> None:
        self.add("reserve", "scst", record, old_holder=_pointer(told["old"]), holder=_pointer(told["new"]))

    def scst_old_release(self, record: Record, told: dict[str, str]) -> None:
        self.add("release", "scst", record, old_holder=_pointer(told["old"]))

    def scst_begins(self, record: Record, told: dict[str, str]) -> None:
        if len(self._commands) >= _MOST_PENDING:
            self._commands.pop(next(iter(self._commands)))
        self._commands[told["command"]] = _Command([record.message], int(told["lun"]), told["initiator"], told["target"])

    def scst_operation(self, record: Record, told: dict[str, str]) -> None:
        command = self._commands.setdefault(told["command"], _Command([]))
        command.operation = told["operation"]
        command.text.append(record.message)

    def scst_conflict(self, record: Record, told: dict[str, str]) -> None:
        """It names no command; the one of that initiator which has not ended is meant."""
        for command in reversed(self._commands.values()):
            if command.initiator == told["initiator"] and command.operation:
                command.device = told["device"]
                command.text.append(record.message)
                return
        self.add("conflict", "scst", record, device=told["device"], initiator=told["initiator"])

    def scst_ends(self, record: Record, told: dict[str, str]) -> None:
        command = self._commands.pop(told["command"], None)
        kind = command.ended(told["status"]) if command else None
        if command and kind:
            holders = {"reserve": (command.initiator, ""), "release": ("", command.initiator)}
            holder, old_holder = holders.get(kind, ("", ""))
            event = Event(kind, record.seconds, "scst", "\n".join([*command.text, record.message]), command.device)
            event = replace(event, lun=command.lun, initiator=command.initiator, target=command.target)
            self.events.append(replace(event, holder=holder, old_holder=old_holder, command=command.operation, status=f"0x{told['status']}"))

    # The initiator's disks

    def sd_conflict(self, record: Record, told: dict[str, str]) -> None:
        self.add("conflict", "sd", record, device=told["device"])

    def sd_failed(self, record: Record, told: dict[str, str]) -> None:
        self._failed[told["device"], told["tag"] or ""] = len(self.events)
        self.add("error", "sd", record, device=told["device"], disk=told["disk"], status=told["status"].strip())

    def sd_part(self, record: Record, told: dict[str, str]) -> None:
        index = self._failed.get((told["device"], told["tag"] or ""))
        if index is None:
            self.sd_error(record, told)
        elif told["command"]:
            self.amend(index, record, command=told["command"])
        else:
            sense = self.events[index].sense
            self.amend(index, record, sense=f"{sense}; {told['sense']}" if sense else told["sense"])

    def sd_error(self, record: Record, told: dict[str, str]) -> None:
        self.add("error", "sd", record, device=told.get("device", ""), disk=told.get("disk") or "")

    def disk_conflict(self, record: Record, told: dict[str, str]) -> None:
        self.add("conflict", "sd", record, disk=told["disk"])

    # krbd

    def krbd_lock(self, record: Record, told: dict[str, str]) -> None:
        self.add("lock", "krbd", record, device=told["device"], old_holder=told["owner"] or "")


def _pointer(text: str) -> str:
    return "" if text == "(null)" else text


_DEVICE = r"\bsd (?P<device>\d+:\d+:\d+:\d+): "
_DISK = r"(?:\[(?P<disk>\w+)\] )?"
_TAG = r"(?:tag#(?P<tag>\d+) )?"
_MAPPED = r"LUN: \d+ -> MAPPED LUN: (?P<lun>\d+)"

_Understand = t.Callable[[_Reader, Record, "dict[str, str]"], None]
# A part of the message that is quick to look for, the form, and what it means. The first that fits counts.
_FORMS: tuple[tuple[str, re.Pattern[str], _Understand], ...] = tuple(
    (needle, re.compile(pattern), understand)
    for needle, pattern, understand in (
        ("SCSI-2 Reserved", rf"SCSI-2 Reserved (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", _Reader.lio_reserve),
        ("SCSI-2 Released", rf"SCSI-2 Released reservation for (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", _Reader.lio_release),
        ("SCSI-2 RESERVATION CONFLICT", r"SCSI-2 RESERVATION CONFLICT (?:FOR|for) (?P<fabric>\S+) fabric", _Reader.lio_conflict),
        ("Original reserver", r"Original reserver LUN: \d+ (?P<old_holder>\S+)", _Reader.lio_conflict_part),
        ("Current attempt", rf"Current attempt - {_MAPPED} from (?P<initiator>\S+)", _Reader.lio_conflict_part),
        ("ABORT_TASK: ", r"ABORT_TASK: ", _Reader.lio_error),
        ("LUN_RESET: ", r"LUN_RESET: ", _Reader.lio_error),
        ("TARGET_CORE[", r"TARGET_CORE\[", _Reader.lio_error),
        ("scst_reserve_dev", r"scst_reserve_dev:\d+: Old Holder:\s*(?P<old>\S+), New Holder:\s*(?P<new>\S+)", _Reader.scst_old_reserve),
        ("scst_clear_dev_reservation", r"scst_clear_dev_reservation:\d+:(?: Old Holder:\s*)?\s*(?P<old>[^\s,]*)", _Reader.scst_old_release),
        ("Reservation conflict (", r"Reservation conflict \(dev (?P<device>[^,]+), initiator (?P<initiator>[^,]+), tgt_id ", _Reader.scst_conflict),
        (
            "NEW CDB: ",
            r"NEW CDB: len \d+, lun (?P<lun>\d+), initiator (?P<initiator>[^,]+), target (?P<target>[^,]+), .*\(cmd (?P<command>\w+)",
            _Reader.scst_begins,
        ),
        ("op_name <", r"op_name <(?P<operation>[^>]*)> \(cmd (?P<command>\w+)\)", _Reader.scst_operation),
        ("msg_status", r"\bcmd (?P<command>\w+), status (?P<status>[0-9a-f]+), msg_status", _Reader.scst_ends),
        ("CDB:", r"^(?:\[\d+\]: )?CDB:$", _Reader.known),
        ("(h)___0__1", r"\(h\)___0__1__2", _Reader.known),
        (": ", r"^\s+[0-9A-F]+: (?:[0-9a-f]{2} )+", _Reader.known),
        ("Changed trace level", r"Changed trace level for ", _Reader.known),
        ("reservation conflict", _DEVICE + _DISK + r"reservation conflict", _Reader.sd_conflict),
        ("Result: ", _DEVICE + _DISK + _TAG + r"(?:\S+ )?Result: (?P<status>.*)", _Reader.sd_failed),
        ("CDB: ", _DEVICE + _DISK + _TAG + r"(?P<sense>)CDB: (?P<command>.*?)(?: [0-9a-f]{2}\b.*)?$", _Reader.sd_part),
        ("Sense", _DEVICE + _DISK + _TAG + r"(?P<command>)(?:Sense Key : |Add\. Sense: )(?P<sense>.*?)\s*$", _Reader.sd_part),
        ("sd ", _DEVICE + _DISK + r"(?:Device offlined|rejecting I/O|Power-on or device reset|timing out command)", _Reader.sd_error),
        ("reservation conflict error", r"reservation conflict error, dev (?P<disk>\w+)", _Reader.disk_conflict),
        (" error, dev ", r"(?:I/O|critical \w+|timeout|recoverable transport) error, dev (?P<disk>\w+)", _Reader.sd_error),
        ("rbd: rbd", r"\brbd: (?P<device>rbd\d+): .*\block\b(?:.*owned by (?P<owner>\w+))?", _Reader.krbd_lock),
        ("rbd: rbd", r"\brbd: (?P<device>rbd\d+): (?P<owner>)encountered watch error", _Reader.krbd_lock),
    )
)

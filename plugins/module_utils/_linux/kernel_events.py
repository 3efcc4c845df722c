# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the kernel log tells of reservations, and of what hinders them: records in, events out. Pure.

Sources: drivers/target/target_core_pr.c and target_core_tmr.c, drivers/scsi/scsi_logging.c, scsi_lib.c and scsi_error.c, block/blk-core.c
and blk-mq.c, drivers/block/rbd.c of Linux; SCST's trace of the flags scsi and pr, and the debug messages of its old releases.
"""

from __future__ import annotations

import re
import typing as t
from collections import OrderedDict
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

Kind = t.Literal["reserve", "conflict", "release", "error", "lock"]

# A SCST command of which the end is not in the log would be kept for ever.
_MOST_PENDING = 10_000
_GOOD, _CONFLICT = "0", "18"
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
class _Draft:
    """An event to which later lines may add. ``parts`` tells what it has: a second one of the same belongs to another event."""

    kind: Kind
    seconds: float
    stack: str
    text: list[str]
    told: dict[str, t.Any]
    parts: set[str] = field(default_factory=set)

    def finished(self) -> Event:
        return Event(self.kind, self.seconds, self.stack, "\n".join(self.text), **self.told)


@dataclass
class _Command:
    """A SCST command of which the trace has shown the beginning, but not the end."""

    seconds: float
    text: list[str]
    lun: int | None = None
    initiator: str = ""
    target: str = ""
    operation: str = ""
    device: str = ""
    ended: bool = False


def parse(records: t.Iterable[Record]) -> Parsed:
    """The events of ``records``, which may be cut off and mixed with anything; nothing is raised."""
    reader = _Reader()
    understood = sum(reader.take(record) for record in records)
    return Parsed(reader.finished(), understood)


class _Reader:
    def __init__(self) -> None:
        self._drafts: list[_Draft] = []
        # Under way in SCST, by the command's address, and which of them a thread or an initiator had to do with last.
        self._commands: OrderedDict[str, _Command] = OrderedDict()
        self._last: dict[str, _Command] = {}
        # Who has reserved, by SCST's target and LUN: a RELEASE is good for everybody, and has no effect but for the holder (SPC-2 7.18).
        self._holders: OrderedDict[tuple[str, int | None], str] = OrderedDict()
        # What later lines belong to: by disk and tag, and LIO's last conflict.
        self._failed: dict[tuple[str, str], _Draft] = {}
        self._lio_conflict: _Draft | None = None

    def take(self, record: Record) -> bool:
        for needle, pattern, understand in _FORMS:
            if needle in record.message:
                hit = pattern.search(record.message)
                if hit:
                    understand(self, record, {key: value or "" for key, value in hit.groupdict().items()})
                    return True
        return False

    def finished(self) -> list[Event]:
        while self._commands:
            self._drop_oldest()
        return [draft.finished() for draft in self._drafts]

    def known(self, record: Record, told: dict[str, str]) -> None:
        """It belongs to the trace and tells nothing more."""

    def add(self, kind: Kind, stack: str, record: Record, **told: t.Any) -> _Draft:
        draft = _Draft(kind, record.seconds, stack, [record.message], told)
        self._drafts.append(draft)
        return draft

    # LIO

    def lio_reserve(self, record: Record, told: dict[str, str]) -> None:
        self.add("reserve", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], holder=told["initiator"])

    def lio_release(self, record: Record, told: dict[str, str]) -> None:
        self.add("release", "lio", record, lun=int(told["lun"]), target=told["fabric"], initiator=told["initiator"], old_holder=told["initiator"])

    def lio_release_by_reset(self, record: Record, told: dict[str, str]) -> None:
        self.add("release", "lio", record)

    def lio_conflict(self, record: Record, told: dict[str, str]) -> None:
        self._lio_conflict = self.add("conflict", "lio", record, target=told["fabric"])

    def lio_conflict_holder(self, record: Record, told: dict[str, str]) -> None:
        if self._lio_conflict and "old_holder" not in self._lio_conflict.told:
            self._lio_conflict.text.append(record.message)
            self._lio_conflict.told.update(told)

    def lio_conflict_attempt(self, record: Record, told: dict[str, str]) -> None:
        """The last of the three lines."""
        if self._lio_conflict:
            self._lio_conflict.text.append(record.message)
            self._lio_conflict.told.update(lun=int(told["lun"]), initiator=told["initiator"])
        self._lio_conflict = None

    def lio_error(self, record: Record, told: dict[str, str]) -> None:
        self.add("error", "lio", record)

    # SCST

    def scst_old_holders(self, record: Record, told: dict[str, str]) -> None:
        """Nobody reserves for nobody, so without a new holder it is a release."""
        old, new = _pointer(told["old"]), _pointer(told["new"])
        self.add("reserve" if new else "release", "scst", record, old_holder=old, holder=new)

    def scst_old_release(self, record: Record, told: dict[str, str]) -> None:
        self.add("release", "scst", record, old_holder=_pointer(told["old"]))

    def scst_begins(self, record: Record, told: dict[str, str]) -> None:
        self._begin(told["command"], _Command(record.seconds, [record.message], int(told["lun"]), told["initiator"], told["target"]))

    def scst_operation(self, record: Record, told: dict[str, str]) -> None:
        if told["command"] not in self._commands:
            self._begin(told["command"], _Command(record.seconds, []))
        command = self._commands[told["command"]]
        command.seconds, command.operation = record.seconds, told["operation"]
        command.text.append(record.message)
        self._last.update({key: command for key in (told["thread"], command.initiator) if key})

    def scst_conflict(self, record: Record, told: dict[str, str]) -> None:
        """It names no command; that initiator's is meant which this thread has in hand, or its last."""
        for last in (self._last.get(told["thread"]), self._last.get(told["initiator"])):
            if last and not (last.ended or last.device) and last.initiator in ("", told["initiator"]):
                last.seconds, last.device, last.initiator = record.seconds, told["device"], told["initiator"]
                last.text.append(record.message)
                return
        self.add("conflict", "scst", record, device=told["device"], initiator=told["initiator"])

    def scst_ends(self, record: Record, told: dict[str, str]) -> None:
        command = self._commands.pop(told["command"], None)
        if command:
            command.seconds = record.seconds
            command.text.append(record.message)
            self._end(command, told["status"])

    def _begin(self, address: str, command: _Command) -> None:
        self._end(self._commands.pop(address, None), "")
        if len(self._commands) >= _MOST_PENDING:
            self._drop_oldest()
        self._commands[address] = command

    def _drop_oldest(self) -> None:
        self._end(self._commands.popitem(last=False)[1], "")

    def _end(self, command: _Command | None, status: str) -> None:
        """``status`` is empty where the log does not tell how it ended: then only a conflict is known."""
        if not command:
            return
        command.ended = True
        kind = _kind(command, status)
        if not kind:
            return
        who = {"device": command.device, "lun": command.lun, "initiator": command.initiator, "target": command.target, "command": command.operation}
        holders = self._change_of_holder(kind, command)
        told = {**who, **holders, "status": f"0x{status}" if status else ""}
        self._drafts.append(_Draft(kind, command.seconds, "scst", command.text, told))

    def _change_of_holder(self, kind: Kind, command: _Command) -> dict[str, str]:
        place = (command.target, command.lun)
        if kind == "reserve":
            self._holders[place] = command.initiator
            if len(self._holders) > _MOST_PENDING:
                self._holders.popitem(last=False)
            return {"holder": command.initiator}
        if kind == "release" and command.initiator and self._holders.get(place) == command.initiator:
            return {"old_holder": self._holders.pop(place)}
        return {}

    # The initiator's disks

    def sd_conflict(self, record: Record, told: dict[str, str]) -> None:
        self.add("conflict", "sd", record, device=told["device"])

    def sd_result(self, record: Record, told: dict[str, str]) -> None:
        self._part(record, told, "result").told["status"] = told["status"].strip()

    def sd_sense(self, record: Record, told: dict[str, str]) -> None:
        draft = self._part(record, told, told["part"])
        draft.told["sense"] = "; ".join(filter(None, (draft.told.get("sense"), told["sense"].strip())))

    def sd_command(self, record: Record, told: dict[str, str]) -> None:
        """The last of the lines about a command."""
        self._part(record, told, "command").told["command"] = told["command"].rstrip(":")
        del self._failed[told["device"], told["tag"]]

    def _part(self, record: Record, told: dict[str, str], part: str) -> _Draft:
        """The event that has got this part now, which is a new one where the last of this disk and tag had it before."""
        key = (told["device"], told["tag"])
        draft = self._failed.get(key)
        if draft is None or part in draft.parts:
            draft = self._failed[key] = self.add("error", "sd", record, device=told["device"], disk=told["disk"])
        else:
            draft.text.append(record.message)
        draft.parts.add(part)
        return draft

    def sd_error(self, record: Record, told: dict[str, str]) -> None:
        self.add("error", "sd", record, device=told["device"], disk=told["disk"])

    def block_error(self, record: Record, told: dict[str, str]) -> None:
        """An older kernel's word for a reservation conflict is nexus."""
        kind: Kind = "conflict" if told["status"] in ("reservation conflict error", "critical nexus error") else "error"
        if re.fullmatch(r"rbd\d+", told["disk"]):
            self.add(kind, "krbd", record, device=told["disk"], status=told["status"])
        else:
            self.add(kind, "sd", record, disk=told["disk"], status=told["status"])

    # krbd

    def krbd_lock(self, record: Record, told: dict[str, str]) -> None:
        self.add("lock", "krbd", record, device=told["device"], old_holder=told["owner"])


def _kind(command: _Command, status: str) -> Kind | None:
    """What a SCST command is that ended so; None for what has nothing to do with reservations."""
    if status == _CONFLICT or command.device:
        return "conflict"
    kind = _OPERATIONS.get(command.operation.partition("(")[0]) if status else None
    return "error" if kind and status != _GOOD else kind


def _pointer(text: str) -> str:
    """Kernels print a null pointer as C((null)), or as zeros."""
    return "" if text == "(null)" or not text.strip("0") else text


_THREAD = r"^(?P<thread>\[\d+\])?.*?"
_DEVICE = r"\b(?:sd|scsi) (?P<device>\d+:\d+:\d+:\d+): "
_DISK = r"(?:\[(?P<disk>\w+)\] )?"
_TAG = r"(?:tag#(?P<tag>\d+) )?"
_MAPPED = r"LUN: \d+ -> MAPPED LUN: (?P<lun>\d{1,20})"
_OF_COMMAND = _DEVICE + _DISK + _TAG

_Understand = t.Callable[[_Reader, Record, "dict[str, str]"], None]
# A part of the message that is quick to look for, the form, and what it means. The first that fits counts.
_FORMS: tuple[tuple[str, re.Pattern[str], _Understand], ...] = tuple(
    (needle, re.compile(pattern), understand)
    for needle, pattern, understand in (
        ("SCSI-2 Reserved", rf"SCSI-2 Reserved (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", _Reader.lio_reserve),
        ("SCSI-2 Released", rf"SCSI-2 Released reservation for (?P<fabric>\S+) {_MAPPED} for (?P<initiator>\S+)", _Reader.lio_release),
        # Kernels before 2021 misspell it.
        ("SCSI-2 RESERVATION CONFLI", r"SCSI-2 RESERVATION CONFLI[CF]T (?:FOR|for) (?P<fabric>\S+) fabric", _Reader.lio_conflict),
        ("Original reserver", r"Original reserver LUN: \d+ (?P<old_holder>\S+)", _Reader.lio_conflict_holder),
        ("Current attempt", rf"Current attempt - {_MAPPED} from (?P<initiator>\S+)", _Reader.lio_conflict_attempt),
        ("ABORT_TASK: ", r"ABORT_TASK: ", _Reader.lio_error),
        ("LUN_RESET: ", r"LUN_RESET: SCSI-2 Released reservation", _Reader.lio_release_by_reset),
        ("LUN_RESET: ", r"LUN_RESET: ", _Reader.lio_error),
        ("TARGET_CORE[", r"TARGET_CORE\[", _Reader.lio_error),
        ("New Holder:", r"\bOld Holder:\s*(?P<old>[^\s,]+), New Holder:\s*(?P<new>\S+)", _Reader.scst_old_holders),
        ("scst_clear_dev_reservation", r"\bscst_clear_dev_reservation:(?:.*\bOld Holder:\s*(?P<old>[^\s,]+))?", _Reader.scst_old_release),
        (
            "Reservation conflict (",
            _THREAD + r"Reservation conflict \(dev (?P<device>[^,]+), initiator (?P<initiator>[^,]+), tgt_id ",
            _Reader.scst_conflict,
        ),
        (
            "NEW CDB: ",
            r"NEW CDB: len \d+, lun (?P<lun>\d{1,20}), initiator (?P<initiator>[^,]+), target (?P<target>[^,]+), .*\(cmd (?P<command>\w+)",
            _Reader.scst_begins,
        ),
        ("op_name <", _THREAD + r"op_name <(?P<operation>[^>]*)> \(cmd (?P<command>\w+)\)", _Reader.scst_operation),
        ("msg_status", r"\bcmd (?P<command>\w+), status (?P<status>[0-9a-f]+), msg_status", _Reader.scst_ends),
        ("CDB:", r"^(?:\[\d+\]: )?CDB:$", _Reader.known),
        ("(h)___0__1", r"\(h\)___0__1__2", _Reader.known),
        (": ", r"^\s+[0-9A-F]+: (?:[0-9a-f]{2} )+", _Reader.known),
        ("Changed trace level", r"Changed trace level for ", _Reader.known),
        (": reservation conflict", _DEVICE + r"reservation conflict", _Reader.sd_conflict),
        ("Result: ", _OF_COMMAND + r"(?:.* )?Result: (?P<status>.*)", _Reader.sd_result),
        ("Sense", _OF_COMMAND + r"(?P<part>Sense Key|Add\. Sense) ?: (?P<sense>.*)", _Reader.sd_sense),
        ("CDB: ", _OF_COMMAND + r"CDB: (?P<command>[^ \n]+(?: (?![0-9a-f]{2}\b)[^ \n]+)*)", _Reader.sd_command),
        ("CDB[", _OF_COMMAND + r"CDB\[[0-9a-f]+\]: ", _Reader.known),
        ("rejecting I/O", _OF_COMMAND + r"rejecting I/O", _Reader.sd_error),
        ("Device offlined", _OF_COMMAND + r"Device offlined", _Reader.sd_error),
        ("timing out command", _OF_COMMAND + r"timing out command", _Reader.sd_error),
        ("reset", _OF_COMMAND + r".*\breset\b", _Reader.sd_error),
        ("abort", _OF_COMMAND + r".*\babort", _Reader.sd_error),
        (" error, dev ", r"(?:^|: )(?P<status>(?:[\w/]+ ){1,3}error), dev (?P<disk>[\w!-]+)", _Reader.block_error),
        (
            "rbd: ",
            r"\brbd: (?:(?P<device>rbd\d+)|image \S+): (?=.*\b(?:un)?(?:lock|blocklist|blacklist|watch))(?:.*?\b(?P<owner>client\d+))?",
            _Reader.krbd_lock,
        ),
    )
)

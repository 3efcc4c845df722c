# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what SCST's trace logs about reservations: the lines of its flags scsi and pr, and the debug messages of its old releases."""

from __future__ import annotations

import typing as t
from collections import OrderedDict
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.event_drafts import Draft, Drafts, Kind, Told, forms, skip
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record

# A command without its end in the log would be kept forever.
_MOST_PENDING = 10_000
_GOOD, _CONFLICT = "0", "18"
_OPERATIONS: dict[str, Kind] = {"RESERVE": "reserve", "RELEASE": "release"}
# Task management functions that end a nexus, and its reservation with it (SCST_NEXUS_LOSS_SESS and others in SCST's scst/include/scst.h).
_SESSION_ENDS = ("NEXUS_LOSS", "UNREG_SESS")
_THREAD = r"^(?P<thread>\[\d+\])?.*?"


@dataclass
class _Command:
    """Holds a SCST command of which the trace has shown the beginning, but not the end."""

    seconds: float
    text: list[str]
    lun: int | None = None
    initiator: str = ""
    target: str = ""
    operation: str = ""
    device: str = ""
    ended: bool = False


class ScstEvents:
    """Turns SCST's lines into events."""

    def __init__(self, drafts: Drafts) -> None:
        self._drafts = drafts
        # Pending in SCST, by the command's address, and the last one of each thread and initiator.
        self._commands: OrderedDict[str, _Command] = OrderedDict()
        self._last: dict[str, _Command] = {}
        # The holder, by SCST's target and LUN: a RELEASE succeeds for any initiator, and has an effect only for the holder (SPC-2 7.18).
        self._holders: OrderedDict[tuple[str, int | None], str] = OrderedDict()
        # A pending LUN reset, by the address of its management command.
        self._resets: OrderedDict[str, Draft] = OrderedDict()

    def old_holders(self, record: Record, told: Told) -> None:
        """Adds a reserve, or a release if there is no new holder."""
        old, new = _pointer(told["old"]), _pointer(told["new"])
        self._drafts.add("reserve" if new else "release", "scst", record, old_holder=old, holder=new)

    def old_release(self, record: Record, told: Told) -> None:
        self._drafts.add("release", "scst", record, old_holder=_pointer(told["old"]))

    def begin_command(self, record: Record, told: Told) -> None:
        self._begin(told["command"], _Command(record.seconds, [record.message], int(told["lun"]), told["initiator"], told["target"]))

    def operation(self, record: Record, told: Told) -> None:
        if told["command"] not in self._commands:
            self._begin(told["command"], _Command(record.seconds, []))
        command = self._commands[told["command"]]
        command.seconds, command.operation = record.seconds, told["operation"]
        command.text.append(record.message)
        self._last.update({key: command for key in (told["thread"], command.initiator) if key})

    def conflict(self, record: Record, told: Told) -> None:
        """Adds a conflict to the pending command of this thread, or of this initiator, since the line names no command."""
        for last in (self._last.get(told["thread"]), self._last.get(told["initiator"])):
            if last and not (last.ended or last.device) and last.initiator in ("", told["initiator"]):
                last.seconds, last.device, last.initiator = record.seconds, told["device"], told["initiator"]
                last.text.append(record.message)
                return
        self._drafts.add("conflict", "scst", record, device=told["device"], initiator=told["initiator"])

    def end_command(self, record: Record, told: Told) -> None:
        command = self._commands.pop(told["command"], None)
        if command:
            command.seconds = record.seconds
            command.text.append(record.message)
            self._end(command, told["status"])

    def manage(self, record: Record, told: Told) -> None:
        """Adds an abort, or a reset of a LUN or a target. A session that ends takes only its reservations along."""
        if told["function"].startswith(_SESSION_ENDS):
            self._forget(lambda place, holder: place[0] == told["target"] and holder == told["initiator"])
            return
        who = {"initiator": told["initiator"], "target": told["target"], "command": told["function"]}
        draft = self._drafts.add("error", "scst", record, **who)
        if told["function"] == "LUN_RESET":
            self._resets[told["management"]] = draft
            if len(self._resets) > _MOST_PENDING:
                self._resets.popitem(last=False)
        elif told["function"] == "TARGET_RESET":
            self._forget(lambda place, _holder: place[0] == told["target"])

    def reset_lun(self, record: Record, told: Told) -> None:
        """Ends the reservation of a LUN after its reset."""
        lun, draft = int(told["lun"]), self._resets.pop(told["management"], None)
        if draft is None:
            self._drafts.add("error", "scst", record, lun=lun, command="LUN_RESET")
            self._forget(lambda place, _holder: place[1] == lun)
            return
        draft.text.append(record.message)
        draft.told.update(lun=lun, old_holder=self._holders.pop((draft.told["target"], lun), ""))

    def stuck(self, record: Record, told: Told) -> None:
        """Adds a command for which an abort has to wait."""
        self._drafts.add("error", "scst", record, initiator=told["initiator"], target=told["target"], command=told["operation"])

    def _forget(self, gone: t.Callable[[tuple[str, int | None], str], bool]) -> None:
        for place in [place for place, holder in self._holders.items() if gone(place, holder)]:
            del self._holders[place]

    def finish(self) -> None:
        """Ends the commands without their end in the log."""
        while self._commands:
            self._drop_oldest()

    def _begin(self, address: str, command: _Command) -> None:
        self._end(self._commands.pop(address, None), "")
        if len(self._commands) >= _MOST_PENDING:
            self._drop_oldest()
        self._commands[address] = command

    def _drop_oldest(self) -> None:
        self._end(self._commands.popitem(last=False)[1], "")

    def _end(self, command: _Command | None, status: str) -> None:
        """Ends a command. ``status`` is empty if the log does not have it: then only a conflict is known."""
        if not command:
            return
        command.ended = True
        kind = _kind(command, status)
        if not kind:
            return
        who = {"device": command.device, "lun": command.lun, "initiator": command.initiator, "target": command.target, "command": command.operation}
        holders = self._change_of_holder(kind, command)
        told = {**who, **holders, "status": f"0x{status}" if status else ""}
        self._drafts.put(Draft(kind, command.seconds, "scst", command.text, told))

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


def _kind(command: _Command, status: str) -> Kind | None:
    """Returns the kind of a SCST command that ended with this status; None if it has nothing to do with reservations."""
    if status == _CONFLICT or command.device:
        return "conflict"
    kind = _OPERATIONS.get(command.operation.partition("(")[0]) if status else None
    return "error" if kind and status != _GOOD else kind


def _pointer(text: str) -> str:
    """Returns a pointer, '' for a null pointer, which kernels print as C((null)), or as zeros."""
    return "" if text == "(null)" or not text.strip("0") else text


FORMS = forms(
    ("New Holder:", r"\bOld Holder:\s*(?P<old>[^\s,]+), New Holder:\s*(?P<new>\S+)", ScstEvents.old_holders),
    ("scst_clear_dev_reservation", r"\bscst_clear_dev_reservation:(?:.*\bOld Holder:\s*(?P<old>[^\s,]+))?", ScstEvents.old_release),
    (
        "Reservation conflict (",
        _THREAD + r"Reservation conflict \(dev (?P<device>[^,]+), initiator (?P<initiator>[^,]+), tgt_id ",
        ScstEvents.conflict,
    ),
    (
        "NEW CDB: ",
        r"NEW CDB: len \d+, lun (?P<lun>\d{1,20}), initiator (?P<initiator>[^,]+), target (?P<target>[^,]+), .*\(cmd (?P<command>\w+)",
        ScstEvents.begin_command,
    ),
    ("op_name <", _THREAD + r"op_name <(?P<operation>[^>]*)> \(cmd (?P<command>\w+)\)", ScstEvents.operation),
    ("msg_status", r"\bcmd (?P<command>\w+), status (?P<status>[0-9a-f]+), msg_status", ScstEvents.end_command),
    (
        "TM fn ",
        r"\bTM fn (?P<function>\w+)/\d+ \(mcmd (?P<management>\w+), initiator (?P<initiator>[^,]+), target (?P<target>[^,)]+)\)",
        ScstEvents.manage,
    ),
    ("Resetting LUN ", r"\bResetting LUN (?P<lun>\d{1,20}) \(mcmd (?P<management>\w+)\)", ScstEvents.reset_lun),
    (
        "being executed/xmitted",
        r"\bbeing executed/xmitted \(state \w+, op (?P<operation>[^,]+), .*, initiator (?P<initiator>[^,]+), target (?P<target>[^,)]+)\)",
        ScstEvents.stuck,
    ),
    ("Aborting cmd ", r"\bAborting cmd \w+", skip),
    ("is being executed", r"\bscst_abort_cmd:\d+:cmd \w+ \(tag \d+\) is being executed", skip),
    ("TM fn ", r"\bTM fn UNREG_SESS_TM/\d+ \(mcmd \w+\)", skip),
    ("CDB:", r"^(?:\[\d+\]: )?CDB:$", skip),
    ("(h)___0__1", r"\(h\)___0__1__2", skip),
    (": ", r"^\s+[0-9A-F]+: (?:[0-9a-f]{2} )+", skip),
    ("Changed trace level", r"Changed trace level for ", skip),
)

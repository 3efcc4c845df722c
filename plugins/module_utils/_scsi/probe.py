# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Probes a LUN: its steps, its clock, and its verdict. Pure over a transport.

RELEASE follows RESERVE immediately, before the steps that might hang. A target keeps a session's reservation as long as one of its
commands is pending, even after the session ended (measured with tgt: a probe killed during a hanging flush left the LUN reserved
until the LUN healed).
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, identity, parameter_data, reasons, replies, unit_attention
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.parameter_data import Capacity
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import NoAnswer, Transport, Unreachable

Verdict = t.Literal["healthy", "slow", "hung", "conflict", "faulty", "unreachable", "mismatch"]
WritePath = t.Literal["auto", "none", "flush", "ats", "orwrite", "lock"]
# The path leads to no LUN, or to another LUN than the wanted one.
NOT_REACHED: tuple[Verdict, ...] = ("unreachable", "mismatch")
# What the probe proves about writes: a write reached the storage; the target answered, but its cache might hide the storage; nothing.
Proof = t.Literal["write", "cache", "none"]

# Kept back from the deadline for RELEASE and for ending the session.
_CLOSING_S = 0.5
# Each time that COMPARE AND WRITE finds another content, an initiator has written the block since it was read.
_COMPARE_TRIES = 5
# The LUN does not know the command, or is read-only, or the block was written meanwhile.
_REFUSALS = (replies.ILLEGAL_REQUEST, replies.DATA_PROTECT, replies.MISCOMPARE)
# LOGICAL UNIT NOT SUPPORTED (SPC-4 annex D): LIO's answer for an unknown LUN number.
_NOT_SUPPORTED = replies.Sense(replies.ILLEGAL_REQUEST, 0x25, 0)
_NO_SUCH_LUN = 0x7F  # peripheral qualifier 3, type 1Fh: no device there (SPC-4 6.6.2)


@dataclass(frozen=True)
class Plan:
    """Says how to probe. Both times in seconds; ``deadline_s`` is for the whole probe. ``dry``: no command on the write path, whatever ``write_path`` says.

    ``nv_cache``: the target is set up for a cache that survives, so it keeps writes there and answers a flush by itself.
    ``breaks_locks``: the gateway breaks the image's lock at a command on the write path, see identity.breaks_locks().
    """

    deadline_s: float
    slow_after_s: float
    write_path: WritePath
    dry: bool = False
    nv_cache: bool = False
    breaks_locks: bool = False


@dataclass
class Step:
    """Holds one command: how many seconds it took, with all its tries, and how it ended."""

    name: str
    seconds: float
    status: str
    sense: str = ""
    tries: int = 1


@dataclass
class Outcome:
    """Holds what the probe found."""

    verdict: Verdict = "healthy"
    reason: str = reasons.HEALTHY
    proof: Proof = "none"
    steps: list[Step] = field(default_factory=list)
    identity: dict[str, t.Any] = field(default_factory=dict)
    registrants: list[str] = field(default_factory=list)
    persistent_reservation: dict[str, str] = field(default_factory=dict)


class _Ended(Exception):
    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict: Verdict = verdict
        self.reason = reason


def run(transport: Transport, plan: Plan, names: t.Mapping[str, str] | None = None, end: float | None = None, login_s: float | None = None) -> Outcome:
    """Runs all steps until one of them decides. Always returns by ``plan.deadline_s``, and leaves nothing reserved.

    ``names``: the LUN's wanted C(serial), C(eui) and C(naa). ``end``: the deadline on the monotonic clock, if it began to run before.
    ``login_s``: the longest login in seconds, if other paths are left to try.
    """
    run = _Run(transport, plan, end or time.monotonic() + plan.deadline_s, login_s)
    try:
        run.connect()
        run.identify(names or {})
        run.check_registrants()
        if run.reserved:
            run.find_out_who_holds_it()
        if not run.outcome.registrants and not run.reserved:
            run.reserve_and_release()
        run.check_read()
        run.check_write_path()
        run.judge()
    except _Ended as ended:
        run.outcome.verdict, run.outcome.reason = ended.verdict, ended.reason
    finally:
        transport.close(run.left(0.0))
    return run.outcome


def _fault(name: str, reply: Reply) -> _Ended:
    return _Ended("faulty", reasons.FAULT.format(what=name, status=replies.status_name(reply.status), sense=reply.sense or reasons.NO_SENSE))


def _refusal(way: WritePath, reply: Reply) -> _Ended:
    if reply.is_sense(replies.ILLEGAL_REQUEST):
        return _Ended("faulty", reasons.UNKNOWN_COMMAND.format(what=way))
    return _fault(way, reply)


def differs(told: str, meant: str) -> bool:
    """Returns whether two names belong to two LUNs; an unknown name proves nothing."""
    return bool(told and meant) and told.casefold() != meant.casefold()


class _Run:
    def __init__(self, transport: Transport, plan: Plan, end: float, login_s: float | None) -> None:
        self.transport = transport
        self.login_s = login_s
        self.plan = plan
        self.outcome = Outcome()
        self.end = end
        self.reserved = False
        self.notes: list[str] = []
        self.capacity = Capacity(0, 0)

    def left(self, kept_back: float = _CLOSING_S) -> float:
        return max(0.0, self.end - time.monotonic() - kept_back)

    def connect(self) -> None:
        started = time.monotonic()
        longest_s = self.left() if self.login_s is None else min(self.left(), self.login_s)
        try:
            self.transport.connect(longest_s)
        except NoAnswer:
            self._note("connect", started, "no_answer")
            raise _Ended("unreachable", reasons.LOGIN_TIMED_OUT.format(seconds=f"{longest_s:.1f}")) from None
        except Unreachable as error:
            self._note("connect", started, "failed")
            raise _Ended("unreachable", str(error)) from None
        self._note("connect", started, "good")

    def identify(self, names: t.Mapping[str, str]) -> None:
        answer = self._optional(commands.inquiry())
        standard = answer.data
        if standard[:1] == bytes((_NO_SUCH_LUN,)) or answer.sense == _NOT_SUPPORTED:
            raise _Ended("unreachable", reasons.NO_SUCH_LUN)
        if answer.status != replies.GOOD:
            raise _fault("inquiry", answer)
        pages = [self._optional(commands.inquiry(page)).data for page in (0x80, 0x83)]
        self.outcome.identity = identity.decode(standard, *pages)
        found = self.outcome.identity
        other = [reasons.OTHER_NAME.format(what=name, name=found[name], wanted=meant) for name, meant in names.items() if differs(found[name], meant)]
        if other:
            raise _Ended("mismatch", reasons.MISMATCH.format(what=", ".join(other)))
        self._must(commands.test_unit_ready())

    def check_registrants(self) -> None:
        """Reads keys and reservation. While an initiator holds the LUN by RESERVE, LIO and SCST refuse both to every initiator."""
        told = [self._optional(command, conflict_decides=False) for command in (commands.pr_read_keys(), commands.pr_read_reservation())]
        self.reserved = any(reply.status == replies.RESERVATION_CONFLICT for reply in told)
        self.outcome.registrants = parameter_data.decode_registrants(told[0].data)
        self.outcome.persistent_reservation = parameter_data.decode_reservation(told[1].data)
        listed, count = len(self.outcome.registrants), parameter_data.count_registrants(told[0].data)
        self.notes = [reasons.KEYS_CUT.format(n=count, m=listed)] if count > listed else []

    def find_out_who_holds_it(self) -> None:
        """Finds out by READ, which conflicts for every initiator but the holder (SPC-2 5.5.1). A RELEASE would end the holder's reservation.

        If READ succeeds, this initiator is the holder, or the holder released the LUN meanwhile.
        """
        self.check_read()
        self.check_registrants()

    def reserve_and_release(self) -> None:
        try:
            self._must(commands.reserve())
        except _Ended as ended:
            # A reservation that arrives late must end: targets execute the commands of a session in their order.
            if ended.verdict == "hung":
                self._send(commands.release(), _CLOSING_S / 2)
            raise
        self._must(commands.release(), kept_back=0.0)

    def check_read(self) -> None:
        capacity = parameter_data.decode_capacity(self._must(commands.read_capacity()).data)
        if capacity is None:
            raise _Ended("faulty", reasons.NO_CAPACITY)
        self._must(commands.read(0, capacity.block_length))
        self.capacity = capacity

    def check_write_path(self) -> None:
        """Tests the write path. With write_path=auto, a LUN that refuses the command is not at fault: then a flush is enough, or nothing."""
        way = self.plan.write_path
        if self.plan.dry:
            self.notes.append(reasons.NOT_WRITTEN_CHECK_MODE)
        elif way not in ("none", "lock") and (self.plan.breaks_locks or identity.breaks_locks(self.outcome.identity)):
            self.notes.append(reasons.NOT_WRITTEN_LOCK)
        elif way in ("auto", "lock"):
            self._test_writes_as_the_lun_can()
        elif way == "flush":
            self._only_flush("")
        elif way != "none":
            refused = self._write_and_flush(way)
            if refused is not None:
                raise _refusal(way, refused)

    def _test_writes_as_the_lun_can(self) -> None:
        refused = self._write_and_flush("ats") if self._takes_compare_and_write() else None
        if self.outcome.proof == "none":
            self._only_flush(reasons.REFUSED_COMPARE_AND_WRITE.format(sense=refused.sense) if refused else reasons.NO_COMPARE_AND_WRITE)

    def _only_flush(self, why: str) -> None:
        refused = self._flush()
        if refused or why:
            how = reasons.NOT_WRITTEN.format(sense=refused.sense) if refused else reasons.ONLY_FLUSHED
            self.notes.append(", ".join(filter(None, [how, why])))

    def _takes_compare_and_write(self) -> bool:
        """Returns whether the LUN takes it, by its own limits, since vendors rename their LUNs."""
        return parameter_data.decode_compare_and_write_blocks(self._optional(commands.inquiry(0xB0)).data) > 0

    def _write_and_flush(self, way: WritePath) -> Reply | None:
        """Returns the reply if the LUN refused to write.

        A flush follows the write, since a target that writes to a file only fills its host's page cache (measured with SCST's vdisk_fileio).
        """
        refused = self._try(way)
        if refused is None:
            unflushed = self._try("flush")
            # A LUN that does not know a flush has written through if it reports no write cache.
            hidden = self.plan.nv_cache or (unflushed and self._write_cache() is not False)
            self.outcome.proof = "cache" if hidden else "write"
        return refused

    def _flush(self) -> Reply | None:
        """Returns the reply if the LUN refused the flush.

        Without a write cache, a target answers by itself (measured with SCST and LIO on krbd: good while every write hung).
        """
        refused = self._try("flush")
        if refused is None:
            self.outcome.proof = "cache"
        return refused

    def _write_cache(self) -> bool | None:
        return parameter_data.decode_write_cache(self._optional(commands.mode_sense_caching()).data)

    def judge(self) -> None:
        if self.reserved:
            self.notes.append(reasons.OWN_RESERVATION)
        if self.outcome.registrants:
            raise self._ended("conflict", reasons.REGISTERED.format(what=", ".join(self.outcome.registrants)))
        slow = [step for step in self.outcome.steps if step.seconds > self.plan.slow_after_s]
        if slow:
            shown = ", ".join(reasons.SLOW_STEP.format(what=step.name, seconds=f"{step.seconds:.2f}") for step in slow)
            raise self._ended("slow", reasons.SLOW.format(steps=shown, seconds=f"{self.plan.slow_after_s:g}"))
        raise self._ended("healthy", self.outcome.reason)

    def _ended(self, verdict: Verdict, reason: str) -> _Ended:
        return _Ended(verdict, "; ".join([reason, *self.notes]))

    def _try(self, way: WritePath) -> Reply | None:
        """Returns None on success, and the reply if the LUN refused; any other bad end is a fault."""
        for _try in range(_COMPARE_TRIES):
            reply = self._must(self._of_write_path(way), but=_REFUSALS)
            if not reply.is_sense(replies.MISCOMPARE):
                break
        return None if reply.status == replies.GOOD else reply

    def _of_write_path(self, way: WritePath) -> Command:
        block, length = self.capacity.last_block, self.capacity.block_length
        if way == "ats":
            return commands.compare_and_write(block, self._must(commands.read(block, length)).data)
        return commands.orwrite_zeros(block, length) if way == "orwrite" else commands.synchronize_cache()

    def _must(self, command: Command, kept_back: float = _CLOSING_S, but: t.Collection[int] = ()) -> Reply:
        """Sends a command that must succeed, or end with one of the sense keys ``but``."""
        reply = self._optional(command, kept_back)
        if reply.status != replies.GOOD and not reply.is_sense(*but):
            raise _fault(command.name, reply)
        return reply

    def _optional(self, command: Command, kept_back: float = _CLOSING_S, conflict_decides: bool = True) -> Reply:
        """Sends a command that the LUN might not know. A timeout, a lost session and a conflict end the probe."""
        reply = self._send(command, self.left(kept_back))
        if isinstance(reply, _Ended):
            raise reply
        if reply.status == replies.RESERVATION_CONFLICT and conflict_decides:
            raise _Ended("conflict", reasons.CONFLICT.format(what=command.name))
        return reply

    def _send(self, command: Command, seconds: float) -> Reply | _Ended:
        """Sends a command, again after a unit attention or while the LUN is busy, and notes the step."""
        started, tries = time.monotonic(), 0
        while True:
            tries += 1
            try:
                reply = self.transport.execute(command, max(0.0, started + seconds - time.monotonic()))
            except NoAnswer:
                self._note(command.name, started, "no_answer", tries=tries)
                return _Ended("hung", reasons.TIMED_OUT.format(what=command.name, seconds=f"{time.monotonic() - started:.1f}"))
            except Unreachable as error:
                self._note(command.name, started, "connection_lost", tries=tries)
                return _Ended("unreachable", reasons.SESSION_LOST.format(what=command.name, reason=error))
            if not unit_attention.calls_again(reply, started + seconds, tries):
                self._note(command.name, started, replies.status_name(reply.status), str(reply.sense or ""), tries)
                return reply

    def _note(self, name: str, started: float, status: str, sense: str = "", tries: int = 1) -> None:
        self.outcome.steps.append(Step(name, round(time.monotonic() - started, 4), status, sense, tries))

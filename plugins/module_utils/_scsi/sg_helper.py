# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owns an sg device for a probe, in a process that outlives the probe while one of its commands is pending.

The kernel takes a command back only by an abort, and then by a LUN reset, which ends all SCSI-2 reservations. So commands get a
timeout that is never reached, this process waits for them as long as necessary, and the probe watches the clock.
RELEASE is queued directly behind RESERVE: the kernel sends it even if this process is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import select
import time
import typing as t
from multiprocessing.connection import Connection

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, reasons, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import Unreachable

# include/scsi/sg.h
_INTERFACE = ord("S")
_NONE, _TO_DEVICE, _FROM_DEVICE = -1, -2, -3
_AT_TAIL = 0x10  # SG_FLAG_Q_AT_TAIL; without it the later of two commands would go first
_DRIVER_SENSE = 0x08
_SENSE_LENGTH = 96
# A week in milliseconds: the kernel must not begin its error handling for a probe.
_TIMEOUT_MS = 7 * 24 * 3600 * 1000
# A LUN can be in trouble for a while: how long RELEASE is repeated, with growing pauses.
_RELEASE_FOR_S = 600.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 10.0
_GONE = (errno.ENODEV, errno.ENXIO)
# include/scsi/scsi_status.h: the host bytes of a path that is down
_HOST_BYTES = {0x01: "no connection", 0x02: "the bus is busy", 0x03: "timeout", 0x04: "bad target", 0x05: "aborted", 0x07: "error", 0x08: "reset"}


class _Header(ctypes.Structure):
    """Holds a struct sg_io_hdr."""

    _fields_ = [
        ("interface_id", ctypes.c_int),
        ("dxfer_direction", ctypes.c_int),
        ("cmd_len", ctypes.c_ubyte),
        ("mx_sb_len", ctypes.c_ubyte),
        ("iovec_count", ctypes.c_ushort),
        ("dxfer_len", ctypes.c_uint),
        ("dxferp", ctypes.c_void_p),
        ("cmdp", ctypes.c_void_p),
        ("sbp", ctypes.c_void_p),
        ("timeout", ctypes.c_uint),
        ("flags", ctypes.c_uint),
        ("pack_id", ctypes.c_int),
        ("usr_ptr", ctypes.c_void_p),
        ("status", ctypes.c_ubyte),
        ("masked_status", ctypes.c_ubyte),
        ("msg_status", ctypes.c_ubyte),
        ("sb_len_wr", ctypes.c_ubyte),
        ("host_status", ctypes.c_ushort),
        ("driver_status", ctypes.c_ushort),
        ("resid", ctypes.c_int),
        ("duration", ctypes.c_uint),
        ("info", ctypes.c_uint),
    ]


class _Sent(t.NamedTuple):
    """Holds a pending command, with the buffers that the kernel fills."""

    command: Command
    data: t.Any
    sense: t.Any
    cdb: t.Any


def run(generic: str, channel: Connection) -> t.NoReturn:
    """Serves commands from ``channel`` until its other end is closed, leaves nothing reserved, and ends the process."""
    # Whatever happens, this copy of the caller must not continue as the caller.
    with contextlib.suppress(BaseException):
        detached_process.detach(keep=channel.fileno())
        unit = _Unit(generic)
        try:
            _serve(unit, channel)
        finally:
            unit.leave()
    os._exit(0)


def _serve(unit: _Unit, channel: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            command = channel.recv()
            channel.send(unit.answer(command))


class _Unit:
    """Speaks to the LUN behind one sg device."""

    def __init__(self, generic: str) -> None:
        self._generic = generic
        self._file = -1
        self._number = 0
        self._sent: dict[int, _Sent] = {}
        self._replies: dict[int, Reply | Unreachable] = {}
        # The number of a RELEASE behind a RESERVE, and whether a RELEASE is still due that surely follows it.
        self._queued_release = 0
        self._owes_release = False

    def answer(self, command: Command | None) -> Reply | Unreachable:
        """Returns the reply, however long it takes; for None, whether the device could be opened."""
        try:
            if self._file < 0:
                # Without O_NONBLOCK the call itself waits while the kernel handles errors of the LUN.
                self._file = os.open(self._generic, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            return self._execute(command) if command else Reply(replies.GOOD)
        except OSError as error:
            return Unreachable(reasons.DEVICE_SAYS.format(device=self._generic, reason=error.strerror))
        except Exception as error:
            # The probe must not take it as the end of this process, which still has to release the LUN.
            return Unreachable(reasons.HELPER_FAILED.format(what=command.name if command else "open", reason=f"{error!r}"))

    def leave(self) -> None:
        """Waits for pending commands, and releases what it might have reserved."""
        for number in [number for number in self._sent if number != self._queued_release]:
            self._wait(number)
        end, pause = time.monotonic() + _RELEASE_FOR_S, _FIRST_PAUSE_S
        while not self._released() and time.monotonic() < end:
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _released(self) -> bool:
        """Sends a RELEASE if one is due. Returns whether none is due any more; a device that is gone takes its reservation along."""
        try:
            if self._owes_release:
                self._release()
        except OSError as error:
            return error.errno in _GONE
        return not self._owes_release

    def _execute(self, command: Command) -> Reply | Unreachable:
        if command.name == "reserve":
            return self._reserve(command)
        if command.name == "release":
            return self._release()
        return self._wait(*self._send(command))

    def _reserve(self, command: Command) -> Reply | Unreachable:
        if self._queued_release:
            self._release()
        self._owes_release = True
        number, self._queued_release = self._send(command, commands.release())
        return self._wait(number)

    def _release(self) -> Reply | Unreachable:
        """Sends a second RELEASE after the queued one, which might have overtaken its RESERVE. It is harmless without a reservation (SPC-2 7.18)."""
        number, self._queued_release = self._queued_release, 0
        if number:
            self._wait(number)
        reply = self._wait(*self._send(commands.release()))
        self._owes_release = not (isinstance(reply, Reply) and reply.status == replies.GOOD)
        return reply

    def _send(self, *sequence: Command) -> list[int]:
        """Queues commands in one system call, so that no kill comes between them. Returns the numbers of their replies."""
        headers = [self._header(command) for command in sequence]
        numbers = list(range(self._number + 1 - len(sequence), self._number + 1))
        taken = 0
        try:
            # fs/read_write.c gives the driver one header after the other, and stops at the first that it refuses.
            taken = os.writev(self._file, headers) // ctypes.sizeof(_Header)
            for header in headers[taken:]:
                os.write(self._file, header)
                taken += 1
        finally:
            for number in numbers[taken:]:
                del self._sent[number]
        return numbers

    def _header(self, command: Command) -> bytes:
        self._number += 1
        length = len(command.data) or command.read_length
        sent = _Sent(
            command,
            ctypes.create_string_buffer(command.data or bytes(length), max(1, length)),
            ctypes.create_string_buffer(_SENSE_LENGTH),
            ctypes.create_string_buffer(command.cdb, len(command.cdb)),
        )
        self._sent[self._number] = sent
        header = _Header(interface_id=_INTERFACE, dxfer_direction=_TO_DEVICE if command.data else _FROM_DEVICE if command.read_length else _NONE)
        header.cmd_len, header.mx_sb_len, header.dxfer_len = len(command.cdb), _SENSE_LENGTH, length
        header.dxferp, header.cmdp, header.sbp = (ctypes.addressof(buffer) for buffer in (sent.data, sent.cdb, sent.sense))
        header.timeout, header.flags, header.pack_id = _TIMEOUT_MS, _AT_TAIL, self._number
        return bytes(header)

    def _wait(self, number: int) -> Reply | Unreachable:
        while number not in self._replies:
            select.select([self._file], [], [])
            header = _Header.from_buffer_copy(os.read(self._file, ctypes.sizeof(_Header)))
            self._replies[header.pack_id] = _reply(self._sent.pop(header.pack_id), header)
        return self._replies.pop(number)


def _reply(sent: _Sent, header: _Header) -> Reply | Unreachable:
    if header.host_status or header.driver_status & 0x0F & ~_DRIVER_SENSE:
        word = _HOST_BYTES.get(header.host_status, f"host byte 0x{header.host_status:02x}, driver byte 0x{header.driver_status:02x}")
        return Unreachable(reasons.NOT_DELIVERED.format(what=sent.command.name, reason=word))
    if header.status != replies.GOOD:
        return Reply(header.status, sense=replies.decode_sense(sent.sense.raw[: header.sb_len_wr]))
    length = max(0, sent.command.read_length - max(0, header.resid))
    return Reply(header.status, sent.data.raw[:length])

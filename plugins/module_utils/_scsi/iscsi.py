# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Speaks SCSI over iSCSI in user space: libiscsi, called by ctypes.

User space is the safer probe: a session that ends takes its reservation along, and no kernel error handling resets the LUN.
The calls of libiscsi never block; this file polls the socket and watches the clock.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import select
import socket
import threading
import time
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._portal import portal_at
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import libiscsi, reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply, decode_sense
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import NoAnswer, Unreachable

_DEFAULT_PORT = 3260
# libiscsi writes the number into two bytes. Beyond 255 that is another address method, and so another LUN (SAM-5 4.7.3).
_HIGHEST_LUN = 255
# RFC 7143, 4.2.7.
_ISCSI_NAME = re.compile(r"(iqn\.[0-9]{4}-[0-9]{2}\.[^\s/]+|eui\.[0-9A-Fa-f]{16}|naa\.(?:[0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}))")
_LONGEST_NAME = 223
_SESSION_NORMAL = 2  # enum iscsi_session_type in libiscsi's iscsi.h
_DIGEST_NONE_CRC32C = 1  # enum iscsi_header_digest
_TRANSPORT_STATUS = 0x0F000000  # SCSI_STATUS_CANCELLED, _ERROR and _TIMEOUT: no answer of the device
_SENSE_LENGTH_FIELD = 2  # a check condition's data segment begins with the length of the sense (RFC 7143, 11.4.7.2)


class _Data(ctypes.Structure):
    _fields_ = [("size", ctypes.c_int), ("data", ctypes.c_void_p)]


class _OutData(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("data", ctypes.c_char_p)]


class Credentials(t.NamedTuple):
    """Holds CHAP user and secret."""

    user: str
    secret: str


class IscsiTransport:
    """Holds one iSCSI session with one LUN. ``portal`` is HOST, HOST:PORT or [IPV6]:PORT."""

    def __init__(self, portal: str, target: str, lun: int, initiator: str, chap: Credentials | None = None) -> None:
        self._library = libiscsi.load()
        self._datain = libiscsi.datain_offset(self._library)
        self._host, self._port = split_portal(portal)
        check_name(target)
        check_name(initiator)
        if not 0 <= lun <= _HIGHEST_LUN:
            raise InputError(f"LUN {lun} cannot be probed: give a number from 0 to {_HIGHEST_LUN}, which libiscsi can address.")
        self._lun = lun
        self._context = self._library.iscsi_create_context(initiator.encode())
        self._library.iscsi_set_targetname(self._context, target.encode())
        self._library.iscsi_set_session_type(self._context, _SESSION_NORMAL)
        self._library.iscsi_set_header_digest(self._context, _DIGEST_NONE_CRC32C)
        self._library.iscsi_set_noautoreconnect(self._context, 1)
        if chap:
            self._library.iscsi_set_initiator_username_pwd(self._context, chap.user.encode(), chap.secret.encode())
        self._logged_in = False
        # libiscsi keeps pointers to callbacks and buffers of pending commands: they live as long as the session.
        self._kept: list[t.Any] = []

    def connect(self, seconds: float) -> None:
        """Logs in, without the TEST UNIT READY that libiscsi's own full connect sends. Raises Unreachable or NoAnswer."""
        end = time.monotonic() + seconds
        address = _resolve(self._host, self._port, seconds)
        try:
            self._wait(lambda callback: self._library.iscsi_connect_async(self._context, address.encode(), callback, None), end)
        except Unreachable:
            # The text of libiscsi is about its own reconnect, which does not help the reader.
            raise Unreachable(reasons.NO_CONNECTION.format(portal=address)) from None
        self._wait(lambda callback: self._library.iscsi_login_async(self._context, callback, None), end)
        self._logged_in = True

    def execute(self, command: Command, seconds: float) -> Reply:
        """Sends one command. Raises Unreachable or NoAnswer."""
        cdb = (ctypes.c_ubyte * len(command.cdb)).from_buffer_copy(command.cdb)
        direction = libiscsi.XFER_WRITE if command.data else libiscsi.XFER_READ if command.read_length else libiscsi.XFER_NONE
        task = self._library.scsi_create_task(len(command.cdb), cdb, direction, len(command.data) or command.read_length)
        data = _OutData(len(command.data), command.data) if command.data else None
        self._kept += [task, data, command.data]
        out = ctypes.byref(data) if data else None
        status = self._wait(
            lambda callback: self._library.iscsi_scsi_command_async(self._context, self._lun, task, callback, out, None),
            time.monotonic() + seconds,
        )
        received = _Data.from_address(task + self._datain)
        content = ctypes.string_at(received.data, received.size) if received.data and received.size > 0 else b""
        sense = decode_sense(content[_SENSE_LENGTH_FIELD:]) if status else None
        return Reply(status, b"" if status else content, sense)

    def close(self, seconds: float) -> None:
        """Logs out if that is quick, and always closes the connection."""
        if self._context is None:
            return
        if self._logged_in:
            with contextlib.suppress(NoAnswer, Unreachable):
                self._wait(lambda callback: self._library.iscsi_logout_async(self._context, callback, None), time.monotonic() + seconds)
        self._library.iscsi_destroy_context(self._context)
        self._context = None

    def _wait(self, start: t.Callable[[t.Any], int], end: float) -> int:
        """Starts an operation, serves the session until its callback, and returns the SCSI status."""
        statuses: list[int] = []
        callback = libiscsi.Callback(lambda _context, status, _data, _private: statuses.append(status))
        self._kept.append(callback)
        if start(callback):
            raise Unreachable(self._error())
        while not statuses:
            self._serve(end)
        if statuses[0] & _TRANSPORT_STATUS == _TRANSPORT_STATUS:
            raise Unreachable(self._error())
        return statuses[0]

    def _serve(self, end: float) -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise NoAnswer
        poll = select.poll()
        poll.register(self._library.iscsi_get_fd(self._context), self._library.iscsi_which_events(self._context))
        events = poll.poll(left * 1000)
        if events and self._library.iscsi_service(self._context, events[0][1]) < 0:
            # The error text at this point might be of an earlier command.
            raise Unreachable(reasons.CONNECTION_LOST)

    def _error(self) -> str:
        message = (self._library.iscsi_get_error(self._context) or b"").decode(errors="replace").strip()
        return message or reasons.CLOSED


def split_portal(portal: str) -> tuple[str, int]:
    """Returns host and port of HOST, HOST:PORT, IPV6 or [IPV6]:PORT. Raises InputError."""
    host, bracket, rest = portal.rpartition("]")
    if bracket:
        host, port = host.lstrip("["), rest.lstrip(":")
    elif portal.count(":") > 1:
        host, port = portal, ""
    else:
        host, _colon, port = portal.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise InputError(f"'{portal}' is no portal: give HOST, HOST:PORT or [IPV6]:PORT.")
    return host, int(port or _DEFAULT_PORT)


def check_name(name: str) -> None:
    """Raises InputError for any other text than an iSCSI name."""
    if not _ISCSI_NAME.fullmatch(name) or len(name.encode()) > _LONGEST_NAME:
        raise InputError(f"'{name[:80]}' is no iSCSI name: give a name such as iqn.2001-04.com.example:storage.")


def _resolve(host: str, port: int, seconds: float) -> str:
    """Returns IP:PORT. The resolver has no deadline, so it runs in a thread that is left behind if it takes too long."""
    found: list[str] = []
    wrong: list[str] = []

    def look_up() -> None:
        try:
            ip = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
        except (OSError, UnicodeError) as error:  # UnicodeError for a text that cannot be a name
            wrong.append(getattr(error, "strerror", None) or reasons.NO_NAME)
            return
        found.append(portal_at(ip, port))

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise Unreachable(reasons.NO_ADDRESS.format(host=host[:80], reason=wrong[0] if wrong else reasons.LOOKUP_TIMED_OUT))
    return found[0]

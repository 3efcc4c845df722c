# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds processes of this host by pid or command line, and stops and continues them."""

from __future__ import annotations

import os
import re
import signal
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, ProcessError

# States of /proc/PID/stat (proc(5)): T stopped by a signal, Z zombie, X dead.
_STOPPED = "T"
_GONE = ("Z", "X")
_SETTLE_S = 2.0
_POLL_S = 0.01


@dataclass(frozen=True)
class Process:
    """Holds a process. ``command`` is the program's short name: a command line can hold secrets and is never returned."""

    pid: int
    command: str
    state: str

    @property
    def paused(self) -> bool:
        """Returns whether it is stopped by a signal."""
        return self.state == _STOPPED


def read(pid: int) -> Process | None:
    """Returns the process, or None if there is none or it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            process = parse_stat(file.read())
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if process.state in _GONE else process


def parse_stat(stat: str) -> Process:
    """Parses /proc/PID/stat. The name is in parentheses and can contain some itself, so the last one counts (proc(5))."""
    head, _close, rest = stat.rpartition(")")
    pid, _open, command = head.partition(" (")
    return Process(int(pid), command, rest.split()[0])


def find(pattern: str) -> list[Process]:
    """Returns the processes whose command line the regular expression matches anywhere, without this one and its ancestors. Raises InputError."""
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise InputError(f"pattern '{pattern}' is no regular expression: {error}.") from error
    if not pattern:
        raise InputError("pattern is empty and would match every process: give a part of the command line.")
    own = _ancestors(os.getpid())
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal() and int(entry) not in own]
    found = [read(pid) for pid in sorted(pids) if wanted.search(_command_line(pid))]
    return [process for process in found if process is not None]


def set_paused(process: Process, paused: bool) -> Process:
    """Sends SIGSTOP or SIGCONT and waits until /proc shows the effect. Raises ProcessError."""
    if process.pid in _ancestors(os.getpid()):
        raise ProcessError(f"Process {process.pid} runs this very task: pausing it would hang the run.")
    _signal(process, signal.SIGSTOP if paused else signal.SIGCONT)
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        now = read(process.pid)
        if now is None:
            raise ProcessError(f"Process {process.pid} ({process.command}) ended while it was signalled.")
        if now.paused == paused:
            return now
        time.sleep(_POLL_S)
    raise ProcessError(f"Process {process.pid} ({process.command}) did not {'stop' if paused else 'go on'} within {_SETTLE_S:g} s: check for a debugger.")


def _signal(process: Process, number: signal.Signals) -> None:
    """Signals by pidfd, so that a process that reuses the pid is not hit."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError as error:
        raise ProcessError(f"Process {process.pid} ({process.command}) is gone: {error.strerror}.") from error
    try:
        now = read(process.pid)
        if now is None or now.command != process.command:
            raise ProcessError(f"Process {process.pid} ({process.command}) ended meanwhile: look for it again.")
        signal.pidfd_send_signal(handle, number)
    except PermissionError as error:
        raise ProcessError(f"Process {process.pid} ({process.command}) belongs to another user: run the task as that user or with become.") from error
    finally:
        os.close(handle)


def _command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _ancestors(pid: int) -> set[int]:
    found: set[int] = set()
    while pid > 0 and pid not in found:
        found.add(pid)
        pid = _parent(pid)
    return found


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def choose(pid: t.Optional[int], pattern: t.Optional[str], multiple: bool) -> list[Process]:
    """Returns the process with ``pid``, or those that ``pattern`` matches: exactly one unless ``multiple``. Raises ProcessError."""
    if pid is not None:
        process = read(pid) if pid > 1 else None
        if process is None:
            raise ProcessError(f"There is no process {pid} to pause or continue on this host.")
        return [process]
    found = find(pattern or "")
    if not found:
        raise ProcessError(f"No process's command line matches '{pattern}'.")
    if len(found) > 1 and not multiple:
        shown = ", ".join(f"{process.pid} ({process.command})" for process in found)
        raise ProcessError(f"'{pattern}' matches {len(found)} processes, {shown}: make it match one, or set multiple.")
    return found

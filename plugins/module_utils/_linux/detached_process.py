# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a function in its own process, and leaves the process behind if it hangs: a wait in the kernel cannot be ended."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import typing as t

_T = t.TypeVar("_T")


def within(seconds: float, function: t.Callable[[], _T]) -> _T | None:
    """Returns what ``function`` returns; None if it raises, or takes longer."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    if os.fork() == 0:
        with contextlib.suppress(BaseException):
            detach(keep=theirs.fileno())
            theirs.send(function())
        os._exit(0)
    theirs.close()
    with contextlib.suppress(EOFError, OSError):
        if ours.poll(max(0.0, seconds)):
            return t.cast(_T, ours.recv())
    return None


def detach(keep: int) -> None:
    """Detaches this process from its caller's terminal and process group, and from its pipes, on which Ansible waits."""
    os.setsid()
    os.chdir("/")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for name in os.listdir("/proc/self/fd"):
        if int(name) != keep:
            with contextlib.suppress(OSError):
                os.close(int(name))
    for _standard in range(3):
        os.open(os.devnull, os.O_RDWR)

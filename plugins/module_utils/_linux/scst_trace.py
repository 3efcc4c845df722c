# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads SCST's trace flags from its trace_level file, and writes the words that change them.

Source: scst_sysfs.c and scst_priv.h of SCST, and the file's own usage text.
"""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, KernelError

DIRECTORY = "/sys/kernel/scst_tgt"
_FILE = f"{DIRECTORY}/trace_level"
_TOKENS = re.compile(r"TOKEN is one of \[([^\]]*)\]")
# The default depends on release and build, and SCST shows it only by setting it. These are the defaults of known builds with tracing.
_DEFAULTS = (
    {"out_of_mem", "special", "mgmt"},
    {"out_of_mem", "pid", "special", "mgmt"},
    {"out_of_mem", "minor", "pid", "line", "function", "special", "mgmt", "mgmt_dbg", "retry"},
)
# Every flag, in the order in which SCST shows them. Any can be added, also a flag that the usage text of a release build omits (scst_trace_tbl and
# scst_local_trace_tbl in SCST's scst/src/scst_sysfs.c).
ORDER = (
    *("out_of_mem", "minor", "sg", "mem", "buff", "entryexit", "pid", "line", "function", "debug", "special", "scsi", "mgmt", "mgmt_dbg", "flow_control", "pr"),
    *("retry", "scsi_serializing", "data_send", "data_received", "block"),
)

State = t.Literal["default", "all", "none", "restored"]


class Level(t.NamedTuple):
    """Holds the flags that are set, in SCST's order, and the flags of its usage text, in its own order."""

    flags: list[str]
    known: list[str]


def parse(text: str) -> Level:
    """Parses the file: the first line holds the flags that are set, and the usage text behind it all flags."""
    flags = [token.strip() for token in text.partition("\n")[0].split("|")]
    told = _TOKENS.search(text)
    known = [token.strip() for token in told[1].split(",")] if told else []
    return Level([token for token in flags if token], known)


def plan(level: Level, add: t.Collection[str], remove: t.Collection[str]) -> list[str]:
    """Returns what to write, one text a write, so that the flags of ``add`` are set and those of ``remove`` are not. Raises InputError."""
    both, unknown = sorted(set(add) & set(remove)), sorted({*add, *remove} - {*ORDER, *level.known, *level.flags})
    if both:
        raise InputError(f"{', '.join(both)} is both in add and in remove.")
    if unknown:
        raise InputError(f"SCST has no trace flag {', '.join(unknown)}: it has {', '.join(in_order(level, {*ORDER, *level.known}))}.")
    return [f"add {token}" for token in add if token not in level.flags] + [f"del {token}" for token in remove if token in level.flags]


def back(level: Level, flags: t.Collection[str]) -> list[str]:
    """Returns what to write, one text a write, so that just these flags are set. Raises InputError.

    It sets the whole value: C(none) also removes the bits that C(all) sets and no flag names. It writes no number, since the bits differ
    between releases (TRACE_SCSI in SCST's scst_debug.h is 0x2000 in old ones).
    """
    added = plan(Level([], level.known), flags, ())
    if set(level.flags) == set(flags):
        return []
    return ["all"] if set(ORDER) <= set(flags) else ["none", *added]


def expect(level: Level, state: State | None, writes: t.Iterable[str]) -> list[str]:
    """Returns the flags after the change. For C(default): the present flags if they are a known default, else a known default."""
    if state == "default":
        return level.flags if set(level.flags) in _DEFAULTS else in_order(level, _DEFAULTS[1])
    if state:
        return in_order(level, [*ORDER, *level.known] if state == "all" else [])
    words = [write.split() for write in writes]
    added, removed = ({token for word, token in words if word == which} for which in ("add", "del"))
    return in_order(level, {*level.flags, *added} - removed)


def in_order(level: Level, flags: t.Collection[str]) -> list[str]:
    """Returns the flags in SCST's order. Unknown flags come last, so that check mode returns the same as the run itself."""
    return [token for token in dict.fromkeys([*ORDER, *level.flags, *level.known, *sorted(flags)]) if token in flags]


def read() -> Level:
    """Reads the file. Raises KernelError if SCST is not loaded, or was built without tracing."""
    if not os.path.isdir(DIRECTORY):
        raise KernelError(f"SCST is not loaded on this host: there is no {DIRECTORY}.")
    try:
        with open(_FILE, encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except FileNotFoundError as error:
        raise KernelError(f"This build of SCST has no tracing: there is no {_FILE}; a build with CONFIG_SCST_TRACING has it.") from error
    except OSError as error:
        raise KernelError(f"{_FILE} cannot be read ({error.strerror}): run the task as root.") from error


def write(text: str) -> None:
    """Writes one text. Raises KernelError."""
    try:
        with open(_FILE, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as error:
        raise KernelError(f"SCST refused '{text}' in {_FILE}: {error.strerror}.") from error


def _write_all(writes: t.Iterable[str]) -> None:
    """Writes all texts, or none if SCST refuses one. Raises KernelError."""
    done: list[str] = []
    try:
        for text in writes:
            write(text)
            done.append(text)
    except KernelError:
        # A failed task returns nothing to restore from.
        for word, token in (text.split() for text in reversed(done)):
            with contextlib.suppress(KernelError):
                write(f"{'del' if word == 'add' else 'add'} {token}")
        raise


def change(state: State | None, add: t.Collection[str], remove: t.Collection[str], dry_run: bool, flags: t.Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Sets the flags. Returns the flags before and after. ``flags``: for the state C(restored). Raises RescueError."""
    level = read()
    if state == "restored":
        return _go_back(level, flags, dry_run)
    writes = [] if state else plan(level, add, remove)
    if dry_run:
        return level.flags, expect(level, state, writes)
    # SCST logs each write, so no unchanged value is written. Only SCST knows its default.
    if state and (state == "default" or set(level.flags) != set(expect(level, state, []))):
        write(state)
    _write_all(writes)
    return level.flags, in_order(level, read().flags)


def _go_back(level: Level, flags: t.Collection[str], dry_run: bool) -> tuple[list[str], list[str]]:
    writes = back(level, flags)
    if dry_run:
        return level.flags, in_order(level, flags)
    refused: list[str] = []
    for text in writes:
        try:
            write(text)
        except KernelError as error:
            refused.append(str(error))
    if refused:
        raise KernelError(f"{'; '.join(refused)} The other flags are back.")
    return level.flags, in_order(level, read().flags)

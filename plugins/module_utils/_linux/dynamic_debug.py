# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the control file of the kernel's dynamic debug, and writes queries to it."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, KernelError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import debug_control, kernel_log
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.debug_control import Match, Site
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import some

# The first is there without debugfs, since Linux 5.8.
CONTROLS = ("/proc/dynamic_debug/control", "/sys/kernel/debug/dynamic_debug/control")
# Its name in the log; lib/dynamic_debug.c, pr_fmt and its printk lines of older kernels.
_SPEAKER = ("dyndbg:", "dynamic_debug:")

State = t.Literal["present", "absent", "exact"]


class Change(t.NamedTuple):
    """Holds the sites in question, in the same order before and after."""

    before: list[Site]
    after: list[Site]


def read() -> list[Site]:
    """Returns all sites of the running kernel and its modules. Raises KernelError."""
    with _open("r") as control:
        return debug_control.parse(control.read())


def change(matches: t.Sequence[Match], flags: str, state: State, missing_ok: bool, dry_run: bool) -> Change:
    """Adds, removes or sets ``flags`` at the sites that any of ``matches`` names; changes nothing if one of them finds none. Raises RescueError."""
    letters, sites = debug_control.parse_flags(flags), read()
    before, empty = debug_control.select(sites, matches)
    if empty and not missing_ok:
        raise KernelError(f"This kernel has no site with {empty[0]}, and nothing was changed. Check whether its module is loaded, or set missing_ok.")
    targets = {"present": lambda now: now | letters, "absent": lambda now: now - letters, "exact": lambda now: letters}
    after = [site.with_flags(targets[state](site.flags)) for site in before]
    try:
        return _apply(sites, before, after, dry_run)
    except RescueError:
        # A failed task returns nothing to restore from.
        with contextlib.suppress(RescueError):
            _apply(sites, before=after, after=before, dry_run=dry_run)
        raise


def restore(recorded: t.Sequence[Site], missing_ok: bool, dry_run: bool) -> Change:
    """Sets each recorded site to the flags it had; reports missing sites after that. Raises RescueError."""
    sites = read()
    here = {site.place: site for site in sites}
    wanted = [site for site in recorded if site.place in here]
    change = _apply(sites, [here[site.place] for site in wanted], wanted, dry_run)
    missing = [site for site in recorded if site.place not in here]
    if missing and not missing_ok:
        gone = some([str(site) for site in missing], 1)
        raise KernelError(f"Sites that are no longer there: {gone}. The others were restored. If a module was unloaded, set missing_ok.")
    return change


def undo(recorded: t.Sequence[Site], flags: str, dry_run: bool) -> Change:
    """Takes ``flags`` away at those of the recorded sites that did not have them; what others set or removed meanwhile stays. Raises RescueError."""
    letters, sites = debug_control.parse_flags(flags), read()
    had = {site.place: site.flags for site in recorded}
    before = [site for site in sites if site.place in had]
    return _apply(sites, before, [site.with_flags(site.flags - (letters - had[site.place])) for site in before], dry_run)


def _apply(sites: list[Site], before: list[Site], after: list[Site], dry_run: bool) -> Change:
    todo = [new for _old, new in debug_control.changed(before, after)]
    if todo and not dry_run:
        for text in debug_control.writes(debug_control.queries(sites, todo)):
            _write(text)
        _check(todo)
    return Change(before, after)


def _check(wanted: t.Iterable[Site]) -> None:
    """Compares the flags, since the kernel reports success for a query that matched nothing."""
    now = {site.place: site.flags for site in read()}
    for site in wanted:
        if now.get(site.place) != site.flags:
            found = debug_control.show_flags(now[site.place]) if site.place in now else "gone"
            raise KernelError(f"The kernel took the query for {site} but shows {found}: check its module, and for another user's changes.")


def _write(text: str) -> None:
    mark = _mark()
    try:
        with _open("w") as control:
            control.write(text)
    except OSError as error:
        raise InputError(f"The kernel refused the flags ({_own_words(mark) or error.strerror}) in: {text.splitlines()[0]}.") from error


def _open(mode: str) -> t.IO[str]:
    control = next((path for path in CONTROLS if os.path.exists(path)), None)
    if control is None:
        raise KernelError("This kernel has no dynamic debug: neither " + " nor ".join(CONTROLS) + " exists. Mount debugfs.")
    try:
        # With room for the whole text, since the kernel takes each write as a whole.
        return open(control, mode, encoding="utf-8", errors="surrogateescape", buffering=1 if mode == "r" else debug_control.LONGEST_WRITE + 1)
    except PermissionError as error:
        raise KernelError(f"{control} cannot be opened ({error.strerror}): run the task as root, and check whether kernel lockdown forbids it.") from error


def _mark() -> str:
    try:
        return kernel_log.mark()
    except RescueError:
        return ""


def _own_words(mark: str) -> str:
    """Returns what the kernel logged about the query since ``mark``; empty if the log cannot be read."""
    if not mark:
        return ""
    try:
        records = kernel_log.since(mark).records
    except RescueError:
        return ""
    return "; ".join(record.message.strip() for record in records if record.message.startswith(_SPEAKER))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the files of tests/kernel/cases, each in a guest of its own, so many guests at a time: run.py CACHE GUESTS [NAME...]."""

from __future__ import annotations

import compileall
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from boot import HERE, Ended, Kernel, boot, kernel
from guest import ROOT

# The longest takes eight minutes, and more where this machine has more to do.
DEADLINE_S = 1500
_LOG_LINES = 40


def main() -> int:
    cache, guests, names = Path(sys.argv[1]).resolve(), int(sys.argv[2]), sys.argv[3:]
    # The role's take longest, so they must not come last.
    cases = sorted((path for path in (HERE / "cases").glob("test_*.py") if not names or path.stem.removeprefix("test_") in names), reverse=True)
    if not cases:
        raise SystemExit(f"There is no case of that name in {HERE / 'cases'}.")
    guest = kernel(cache)
    # A third of a module's time in a guest, which keeps nothing that it compiles.
    compileall.compile_dir(ROOT / "plugins", quiet=1)
    print(f"Debian's kernel {guest.version}, {len(cases)} guests", flush=True)
    with ThreadPoolExecutor(guests) as pool:
        ended = list(pool.map(lambda case: run(guest, case), cases))
    failed = [case.name for case, good in zip(cases, ended) if not good]
    print(f"{len(cases) - len(failed)} guests passed, {len(failed)} failed {' '.join(failed)}")
    return bool(failed)


def run(guest: Kernel, case: Path) -> bool:
    began = time.monotonic()
    # -p no:cacheprovider: nothing is kept of what a guest writes.
    command = ["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(HERE), "-c", "/dev/null", "-q", "-rs", "--tb=short", str(case)]
    path = ":".join(p for p in (os.environ.get("PYTHONPATH", ""), str(HERE)) if p)
    done = boot(guest, ["env", f"PYTHONPATH={path}", "PYTHONDONTWRITEBYTECODE=1", *command], DEADLINE_S)
    _show(case, done, time.monotonic() - began)
    return done.status == 0


def _show(case: Path, done: Ended, seconds: float) -> None:
    ending = "came to no end, or not even to a beginning," if done.status is None else f"ended with {done.status}"
    log = "" if done.status == 0 else "\n--- the guest's log\n" + "\n".join(done.log.splitlines()[-_LOG_LINES:])
    print(f"=== {case.name} {ending} after {seconds:.0f} s\n{done.output}{log}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

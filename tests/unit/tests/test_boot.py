# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a guest that hangs, with a STAND-IN for qemu that says a word on the console and never ends; the real one boots in tests/kernel."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.tests.unit.captured import ROOT

sys.path.insert(0, str(ROOT / "tests/kernel"))
import boot
import run
from guest import wait_for

QEMU = """#!/bin/sh
for option; do case $option in file:*) echo 'BUG: soft lockup' > "${option#file:}";; esac; done
echo $$ > {pid}
exec sleep 100
"""


@pytest.fixture
def guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> boot.Kernel:
    program = tmp_path / "bin/qemu-system-x86_64"
    program.parent.mkdir()
    program.write_text(QEMU.replace("{pid}", str(tmp_path / "pid")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return boot.Kernel("6.1", tmp_path / "vmlinuz", tmp_path)


def test_a_guest_that_hangs_is_killed_and_its_log_is_shown(guest: boot.Kernel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(run, "DEADLINE_S", 2)
    began = time.monotonic()
    assert not run.run(guest, Path("test_hangs.py"))
    assert time.monotonic() - began < 20
    told = capsys.readouterr().out
    assert "test_hangs.py came to no end" in told and "BUG: soft lockup" in told
    assert not is_running((guest.root / "pid").read_text().strip())


def test_a_guest_ends_with_its_runner(guest: boot.Kernel) -> None:
    code = "import sys, pathlib, boot; boot.boot(boot.Kernel('6.1', *map(pathlib.Path, sys.argv[1:])), ['true'], 90)"
    runner = subprocess.Popen([sys.executable, "-c", code, str(guest.image), str(guest.root)], cwd=boot.HERE)
    pid = guest.root / "pid"
    wait_for(lambda: pid.exists() and pid.read_text().endswith("\n"))
    runner.kill()
    runner.wait()
    wait_for(lambda: not is_running(pid.read_text().strip()))


def is_running(process: str) -> bool:
    """A process that has ended and was not waited for is listed as well, without a command line. It can end while it is read."""
    try:
        return Path("/proc", process, "cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False

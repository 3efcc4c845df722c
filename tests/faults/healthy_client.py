# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A healthy client that a test disturbs, and whether it is fenced meanwhile."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path

from aftermath import outcome
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster, Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist
from lab import Lab, LabError

HERE = Path(__file__).parent
POLL_S = 0.2


class Writer:
    """A client that writes, and logs that to a file. ``host``: a command that runs another one on the client's host."""

    def __init__(self, lab: Lab, image: str, host: t.Sequence[str] = ()) -> None:
        self.log = lab.directory / "clients" / f"{image}.writes"
        self.log.unlink(missing_ok=True)
        self.process = subprocess.Popen([*host, sys.executable, str(HERE / "writer.py"), lab.conf, "rbd", image, str(self.log)])
        give_up = time.monotonic() + 60
        while len(self.lines) < 2:
            if time.monotonic() > give_up:
                raise LabError(f"The writer of rbd/{image} did not write within 60 s.")
            time.sleep(0.1)

    @property
    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    @property
    def address(self) -> str:
        return self.lines[0]

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def pause(self, pauses: t.Sequence[tuple[float, float]], began: float) -> None:
        for at, seconds in pauses:
            time.sleep(max(0.0, began + at - time.monotonic()))
            self.signal(signal.SIGSTOP)
            time.sleep(seconds)
            self.signal(signal.SIGCONT)

    def writes_on(self) -> bool:
        """Returns whether another write succeeds."""
        seen = len(self.lines)
        give_up = time.monotonic() + 20
        while len(self.lines) == seen and time.monotonic() < give_up:
            time.sleep(0.1)
        return len(self.lines) > seen and not self.lines[-1].startswith("failed")

    def end(self) -> None:
        self.signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


class Guarded:
    """Reads the blocklist until it ends, and knows whether a client was ever on it."""

    def __init__(self, lab: Lab, client: str) -> None:
        self.seen, self._over, self._lab, self._client = False, threading.Event(), lab, client
        self._reader = threading.Thread(target=self._read, daemon=True)

    def _read(self) -> None:
        with Cluster(Connection.from_options(self._lab.connection)) as cluster:
            while not self._over.wait(POLL_S):
                self.seen = self.seen or self._client in blocklist.read(cluster).entries

    def __enter__(self) -> Guarded:
        self._reader.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._reader.join()


def judged(name: str, run: subprocess.CompletedProcess[str], took_s: float, ends: t.Container[str], fenced: bool) -> list[str]:
    """Prints how a run of the role ended. Returns what is wrong with that."""
    ended = outcome(run)
    print(f"{name}: {ended} after {took_s:.0f} s, {'fenced' if fenced else 'not fenced'}", flush=True)
    return [] if ended in ends else [f"it ended as {ended}: {run.stdout[-2500:]}{run.stderr[-500:]}"]


def free(lab: Lab, client: str) -> None:
    """Ends the fence of a client that is gone: the next program in this lab expects no lease of it."""
    lab.play("playbooks/restore_blacklist.yml", {"remediate_watchers_restore": "always", "restore_blacklist_addresses": [client]})

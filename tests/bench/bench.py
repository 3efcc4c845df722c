# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules and the role cost, beside what one would do otherwise, measured in one run on one machine.

usage: bench.py LAB PORT, of a lab that is up and not used otherwise; the fleet stays in it

Prints one table. What is too slow to be done for all is timed on a sample and multiplied; the table says the sample's size.
Ends with 1 when a bound was missed.
"""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import fleet
import peers
import rados
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import suspects, vmkernel
from lab import BLACKLIST, LOOK, Lab, wanting

HERE = Path(__file__).parent
POOL = "fleet"
SIZES = (1_000, 10_000, 100_000)
WATCHED = 5  # every fifth image is watched
SUSPECTS = CLIENTS = 1_000
REPEATS = 5
SAMPLE, ADDRESSES = 100, 10
LOG_BYTES = (10_000_000, 100_000_000)


class Row(t.NamedTuple):
    """A line of the table. ``bound``: what must be reached, in words, with whether it was."""

    what: str
    measured: str
    bound: str = ""
    kept: bool = True


class Bench:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.rows: list[Row] = []
        self.watchers: list[subprocess.Popen[bytes]] = []

    def add(self, what: str, measured: str, bound: str = "", kept: bool = True) -> None:
        self.rows.append(Row(what, measured, bound, kept))
        print(f"{what:<60}{measured:<44}{f'{bound}: ' + ('reached' if kept else 'MISSED') if bound else ''}".rstrip(), flush=True)

    def make_pool(self) -> None:
        for command in (
            f"ceph config set global mon_allow_pool_size_one true\nceph osd pool create {POOL} 32\n"
            f"ceph osd pool set {POOL} size 1 --yes-i-really-mean-it\nrbd pool init {POOL}"
        ).splitlines():
            program, *arguments = command.split()
            subprocess.run([program, "--conf", self.lab.conf, *arguments], check=True, capture_output=True, timeout=60)

    def watch(self, count: int, *options: str) -> list[str]:
        """Starts a program that watches, and returns the addresses of its clients."""
        ready = self.lab.directory / "watching"
        ready.unlink(missing_ok=True)
        command = [sys.executable, str(HERE / "watchers.py"), self.lab.conf, POOL, str(ready), str(count), *options]
        self.watchers.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        for _try in range(1200):
            if ready.exists():
                return json.loads(ready.read_text())["addresses"]  # type: ignore[no-any-return]
            time.sleep(0.1)
        raise SystemExit("The fleet's watchers did not start within 120 s.")

    def close(self) -> None:
        for process in self.watchers:
            process.kill()
            process.wait()

    def look(self, **options: t.Any) -> dict[str, t.Any]:
        """One look in a process of its own; ``process`` is what that took as a whole, Python's start included."""
        began = time.perf_counter()
        command = [sys.executable, str(HERE / "look.py"), str(self.lab.directory), json.dumps(options)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=300).stdout)
        return {**told, "process": time.perf_counter() - began}

    def base(self) -> dict[str, int]:
        """What is there besides the fleet, once the new pool can be seen whole."""
        for _try in range(60):
            look = self.look()
            if not look["incomplete"]:
                return look["counts"]  # type: ignore[no-any-return]
            time.sleep(1)
        raise SystemExit(f"The fleet's pool did not become active: {look['incomplete']}")

    def survey(self) -> None:
        """Surveys of growing fleets, beside looking at image by image."""
        base, before, last = self.base(), 0, 0.0
        for size in SIZES:
            fleet.make(self.lab.conf, POOL, before, size - before)
            self.watch((size - before) // WATCHED, "--every", str(WATCHED), "--offset", str(before))
            looks = [self.look() for _repeat in range(REPEATS)]
            seconds, peak = statistics.median(look["seconds"] for look in looks), max(look["peak_mib"] for look in looks)
            self._check_counts(looks[-1], base["images"] + size, base["watched"] + size // WATCHED)
            whole = statistics.median(look["process"] for look in looks)
            self._survey_rows(size, seconds, whole, peak)
            more = statistics.median(self.look(deep=True)["seconds"] for _repeat in range(REPEATS)) - seconds
            self.add("  more for the headers that no OSD told of", f"{more:.2f} s", "under 4 s" if size == SIZES[-1] else "", more < 4)
            if last:
                self.add("  growth for ten times the images", f"{seconds / last:.1f} times", "at most 10 times", seconds / last <= 10)
            before, last = size, seconds

    def _survey_rows(self, size: int, seconds: float, whole: float, peak: float) -> None:
        fast = "under 5 s" if size == SIZES[-1] else ""
        self.add(f"survey of {size} images, {size // WATCHED} watched", f"{seconds:.3f} s ({whole:.2f} s with Python's start)", fast, whole < 5)
        lean = "under 400 MiB" if size == SIZES[-1] else ""
        self.add("  peak memory of the process", f"{peak:.0f} MiB", lean, peak < 400)
        ids = self._sample_ids(SAMPLE)
        bounds = {"rbd status": 2000, "librbd loop": 100} if size == 10_000 else {}
        for name, took in {
            "rbd status": peers.rbd_status(self.lab.conf, POOL, list(ids)),
            "rados listwatchers": peers.rados_listwatchers(self.lab.conf, POOL, list(ids.values())),
            "librbd loop": peers.librbd_loop(self.lab.conf, POOL, list(ids.values())),
        }.items():
            ratio, bound = took.median * size / seconds, bounds.get(name, 0)
            words = f"{ratio:.0f} times faster ({took.median * 1000:.1f} ms each, of {took.sample})"
            self.add(f"  than {name}, image by image", words, f"at least {bound} times" if bound else "", ratio >= bound)

    def log(self) -> None:
        """A log of ESXi in which every line is the incident's, of 10 and of 100 MB, by this program's own time; the best, for machines share processors."""
        text = (HERE.parent / "unit" / "data" / "esxi" / "esxi-vmkernel.log").read_text()
        speeds = []
        for size in LOG_BYTES:
            log, times = text * (size // len(text)), []
            for _repeat in range(REPEATS):
                began = time.process_time()
                read = vmkernel.events(log)
                times.append(time.process_time() - began)
            speeds.append(read["lines"] / min(times))
            bound = "at least 200,000" if size == LOG_BYTES[-1] else ""
            self.add(f"{size // 1_000_000} MB of ESXi's log", f"{speeds[-1]:,.0f} lines a second", bound, not bound or speeds[-1] >= 200_000)
        began = time.process_time()
        suspects.from_events(read["events"], [])
        self.add("  the suspects of its events", f"{len(read['events']) / (time.process_time() - began):,.0f} events a second")
        self.add("  the same for ten times the lines", f"{speeds[1] / speeds[0]:.2f} of that speed", "at least 0.7", speeds[1] / speeds[0] >= 0.7)

    def _sample_ids(self, count: int) -> dict[str, str]:
        with rados.Rados(conffile=self.lab.conf) as cluster, cluster.open_ioctx(POOL) as ioctx:
            found = fleet.read_ids(ioctx)
        return {name: found[name] for name in peers.spread(list(found), count)}

    @staticmethod
    def _check_counts(look: dict[str, t.Any], images: int, watched: int) -> None:
        """A survey that is fast because it saw nothing would be no survey."""
        counts = look["counts"]
        if (counts["images"], counts["watched"], look["survey"]["way"]) != (images, watched, "sweep") or look["incomplete"]:
            raise SystemExit(f"The survey of {images} images is not right: {look}")

    def liveness(self) -> None:
        """A second, silent watcher on a thousand of the watched images."""
        self.watch(SUSPECTS, "--every", str(WATCHED), "--silent")
        look = self.look(notify_timeout=5)
        if look["counts"]["stale_duplicate"] != SUSPECTS:
            raise SystemExit(f"Not all suspects were found: {look['counts']}")
        self.add(f"liveness of {SUSPECTS} suspects, notify timeout 5 s", f"{look['elapsed']['liveness']:.2f} s", "within 6 s", look["elapsed"]["liveness"] <= 6)

    def fence(self) -> None:
        """A thousand made-up clients, fenced under leases and restored, beside a shell loop."""
        options = {**self.lab.connection, **BLACKLIST, "addresses": peers.nobodys(CLIENTS)}
        lease = {
            "pool": "rbd",
            "run": "bench",
            "reason": "",
            "images": [],
            "look": wanting(*options["addresses"], gone=True),
            "patience": 1,
            "evict": options["addresses"],
        }
        times = []
        for wanted in ({**options, "lease": lease}, {**options, "state": "restored"}):
            began = time.perf_counter()
            change = fence.apply(wanted, dry_run=False)
            times.append(time.perf_counter() - began)
            if len(change.added + change.removed) != CLIENTS:
                raise SystemExit(f"Not all clients were fenced and restored: {len(change.added)}, {len(change.removed)}")
        self.add(f"{CLIENTS} clients fenced and confirmed", f"{times[0]:.2f} s", "under 4 s", times[0] < 4)
        self.add(f"{CLIENTS} clients restored, looked at twice", f"{times[1]:.2f} s")
        loop = peers.blocklist_loop(self.lab.conf, peers.nobodys(ADDRESSES))
        words = f"{loop.median * CLIENTS / sum(times):.0f} times faster ({loop.median:.2f} s each, of {loop.sample})"
        self.add("  than a shell loop of add and rm", words)

    def role(self) -> None:
        """The whole role on one broken LUN, beside a script that types the commands and decides nothing."""
        # In a lab that is younger, the look would wait for as long.
        time.sleep(self.lab.connection["osd_settle"])
        # A round of the monitors, of which each takes some, lasts up to a second by chance.
        by_hand = statistics.median(self._by_hand(f"byhand{number}") for number in range(REPEATS))
        whole = statistics.median(self._by_role(f"byrole{number}") for number in range(REPEATS))
        waits = LOOK["notify_timeout"] + 10.0
        own = whole - waits
        self.add("the incident's commands, typed by a script", f"{by_hand:.2f} s")
        self.add("role on one broken LUN, ansible-playbook's start included", f"{whole:.1f} s, {own:.1f} s without the two waits", "at most 24 s", whole <= 24)
        self.add("  to that script, without the waits", f"{own / by_hand:.1f} times", "at most 3 times", own <= 3 * by_hand)

    def _by_role(self, image: str) -> float:
        self.lab.inject(image)
        began = time.perf_counter()
        done = self.lab.play("playbooks/remediate_watchers.yml", {"remediate_watchers_images": [f"rbd/{image}"]})
        if done.returncode or not re.search("healed, looked at", done.stdout):
            raise SystemExit(f"The role did not heal:\n{done.stdout}{done.stderr}")
        return time.perf_counter() - began

    def _by_hand(self, image: str) -> float:
        client, lun = self.lab.inject(image), self.lab.lun(image)
        url = f"iscsi://{lun['portal']}/{lun['target']}/{lun['lun']}"
        began = time.perf_counter()
        subprocess.run([str(HERE / "by_hand.sh"), self.lab.conf, image, client["address"], url], check=True, capture_output=True, timeout=120)
        return time.perf_counter() - began


def main() -> None:
    bench = Bench(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    try:
        bench.role()
        bench.make_pool()
        bench.survey()
        bench.liveness()
        bench.fence()
        # Last, since Linux counts the memory of a process as the peak of each process that it starts.
        bench.log()
    finally:
        bench.close()
    missed = [row.what.strip() for row in bench.rows if not row.kept]
    sys.exit(f"Missed: {', '.join(missed)}" if missed else 0)


if __name__ == "__main__":
    main()

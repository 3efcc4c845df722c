# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cuts links between hosts. A client with a sign of life within the patience is never fenced, and no client is judged on what cannot be seen.

usage: cuts.py LAB PORT [WORDS], of a lab with hosts of their own and three monitors that is up; WORDS choose the cases whose names hold them all

Each case has an image of its own, served by the lab's gateway. A client on another host writes to it and holds its lock. Blackhole routes
cut the links of that client, or of this host, which runs the role. Prints a line for each case, and exits with 1 if one did not end as it must.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from aftermath import blacklist
from fault_list import after_task
from healthy_client import Guarded, Writer, free, judged
from lab import Lab

# A little longer than a monitor remembers a silent client (mon_session_timeout).
FORGOTTEN_S = 330
RUN = {"remediate_watchers_report_dir": "", "remediate_watchers_notify_timeout": 3}
REFUSED, PENDING, HEALED = ("refused",), ("healed_restore_pending",), ("healed",)


@dataclass(frozen=True)
class Case:
    """``cut``: what the client is cut off from: ``monitors``, ``leader`` (the OSD of the image's header) or ``all``; ``down`` takes its host's device down.

    ``before_s``: seconds from the cut to the run. The cut ends ``for_s`` seconds after the run's start, or ``then_s`` seconds after the task ``until`` of
    fault_list. Without either, it ends after the run. ``fenced``: whether the client must be fenced.
    """

    name: str
    cut: str
    ends: tuple[str, ...]
    fenced: bool = False
    before_s: float = 1
    for_s: float = 0
    until: str = ""
    then_s: float = 0


@dataclass(frozen=True)
class Blind:
    """An image with a dead client, and this host cut off from one ``monitor``, or from the ``leader``. ``fenced``: whether a fence is allowed."""

    name: str
    cut: str
    ends: tuple[str, ...]
    fenced: bool


CASES = (
    Case("from the monitors only", "monitors", REFUSED),
    Case("from the OSD only", "leader", PENDING, fenced=True),
    Case("from all for 20 s", "all", REFUSED, for_s=19),
    Case("from all until the look has ended", "all", REFUSED, until="detected"),
    Case("from all until the probe has ended", "all", REFUSED, until="probed"),
    Case("from all until the middle of the last question", "all", REFUSED, until="probed", then_s=10),
    Case("with its host down", "down", PENDING, fenced=True),
    Blind("this host from one monitor", "monitor", (*PENDING, *REFUSED), fenced=True),
    Blind("this host from the OSD", "leader", REFUSED, fenced=False),
    Case("from all for six minutes", "all", HEALED, fenced=True, before_s=FORGOTTEN_S),
)


class Links:
    """Cuts links of one host: of the namespace ``host``, or of this host if that is empty."""

    def __init__(self, lab: Lab, host: str) -> None:
        self.lab, self.prefix = lab, ["ip", *(["-n", f"lab{lab.port}-{host}"] if host else [])]
        self.cut_off: list[str] = []

    def cut(self, addresses: t.Sequence[str]) -> None:
        for one in addresses:
            self.lab.run(*self.prefix, "route", "replace", "blackhole", f"{one}/32")
            self.cut_off.append(one)

    def down(self) -> None:
        self.lab.run(*self.prefix, "link", "set", "eth0", "down")

    @property
    def mending(self) -> str:
        """Returns the shell command that mends all links."""
        routes = [" ".join([*self.prefix, "route", "del", "blackhole", f"{one}/32"]) for one in self.cut_off]
        return "; ".join(routes) or " ".join([*self.prefix, "link", "set", "eth0", "up"])

    def mend(self) -> None:
        subprocess.run(["bash", "-c", self.mending], check=False, capture_output=True)


def subnet(port: int) -> str:
    """Returns the lab's subnet, as in roles/incident_lab/vars/main.yml."""
    return f"10.99.{port // 100 % 256}"


def addresses(lab: Lab, group: str, image: str) -> list[str]:
    """Returns the addresses of ``monitors``, of ``monitor`` (the second one), of ``leader`` (the OSD that leads the image's header), or of ``all``."""
    net = subnet(lab.port)
    monitors, osds = [f"{net}.{number}" for number in (11, 12, 13)], [f"{net}.{30 + osd}" for osd in lab.json("ceph", "osd", "ls")]
    leader = [f"{net}.{30 + lab.placed(image)['acting_primary']}"]
    return {"monitors": monitors, "monitor": monitors[1:2], "leader": leader, "all": monitors + osds}[group]


def settings(lab: Lab, image: str) -> dict[str, t.Any]:
    return {**RUN, "remediate_watchers_images": [f"rbd/{image}"], "remediate_watchers_luns": [lab.lun(image)]}


def callback(case: Case, links: Links, note: Path) -> dict[str, str]:
    if not case.until:
        return {}
    note.unlink(missing_ok=True)
    happen = f"(sleep {case.then_s}; {links.mending}) >/dev/null 2>&1 &" if case.then_s else links.mending
    return after_task(case.until, happen, note)


def cut(lab: Lab, image: str, case: Case) -> list[str]:
    """Returns what is wrong."""
    lab.create(image, "layering,exclusive-lock")
    lab.serve(image)
    writer, links = Writer(lab, image, ["ip", "netns", "exec", f"lab{lab.port}-client"]), Links(lab, "client")
    try:
        links.down() if case.cut == "down" else links.cut(addresses(lab, case.cut, image))
        time.sleep(case.before_s)
        mending = threading.Timer(case.for_s, links.mend)
        with Guarded(lab, writer.address) as listed:
            began = time.monotonic()
            if case.for_s:
                mending.start()
            run = lab.play("playbooks/remediate_watchers.yml", settings(lab, image), **callback(case, links, lab.directory / "cut.note"))
            took_s = time.monotonic() - began
        mending.cancel()
        links.mend()
        wrong = judged(case.name, run, took_s, case.ends, listed.seen)
        wrong += [] if listed.seen == case.fenced else ["a client with a sign of life was fenced" if listed.seen else "a silent client was not fenced"]
        return wrong + ([] if case.fenced or writer.writes_on() else ["the client's writes failed"])
    finally:
        links.mend()
        writer.end()
        free(lab, writer.address)


def blind(lab: Lab, image: str, case: Blind) -> list[str]:
    """Returns what is wrong."""
    stale, links = lab.inject(image)["address"], Links(lab, "")
    try:
        links.cut(addresses(lab, case.cut, image))
        began = time.monotonic()
        run = lab.play("playbooks/remediate_watchers.yml", settings(lab, image))
        took_s = time.monotonic() - began
        links.mend()
        listed = stale in blacklist(lab)["entries"]
        said = "".join(run.stdout.split())
        wrong = judged(case.name, run, took_s, case.ends, listed)
        wrong += [f"the run says that the client is gone: {run.stdout[-2500:]}"] if f"{stale}isorphaned" in said else []
        return wrong + ([] if case.fenced or not listed else ["a client was fenced"])
    finally:
        links.mend()
        free(lab, stale)


def main() -> None:
    port, failed = int(sys.argv[2]), 0
    lab = Lab(Path(sys.argv[1]), port, f"{subnet(port)}.50")
    cases = [case for case in CASES if set(sys.argv[3:]) <= set(case.name.split())]
    for number, case in enumerate(cases):
        image = f"cut{number}-{time.time():.0f}"
        wrong = cut(lab, image, case) if isinstance(case, Case) else blind(lab, image, case)
        failed += bool(wrong)
        print(*(f"FAILED {case.name}: {one}" for one in wrong), sep="\n", end="\n" if wrong else "", flush=True)
    print(f"{len(cases)} cuts, {failed} failed")
    sys.exit(1 if failed or not cases else 0)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells when a run of the role did what, from the times in its state. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import count, some
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, Probe, Run, TimelineEntry
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.outcome import lock_owner

Times = t.Mapping[str, float]

# The name of the time at which a phase ended -> the phase, in the order in which they come.
_PHASES = {
    "look": "detect",
    "probe_before": "probe before",
    "fence": "fence",
    "verify": "watch gone",
    "probe_after": "probe after",
    "failed": "failed",
    "restore": "restore",
    "look_after": "look again",
    "failed_again": "failed",
    "ended": "report",
}


def entries(run: Run, ended: float) -> list[TimelineEntry]:
    """Returns phases and moments in their order.

    The times are those of the controller when a task returned, so what Ansible itself takes is in them.
    """
    times = {name: round(at - run["began"], 2) for name, at in {**run["times"], "ended": ended}.items()}
    ends = sorted(((name, times[name]) for name in _PHASES if name in times), key=lambda end: end[1])
    begins = [0.0, *(end for _name, end in ends)]
    what = _what(run)
    phases = [_entry(_PHASES[name], begin, end, what.get(name, "")) for begin, (name, end) in zip(begins, ends)]
    return sorted([*phases, *_notify(run, times), *_lock_moved(run, times)], key=lambda entry: (entry["begin"], entry["end"] > entry["begin"]))


def _entry(phase: str, begin: float, end: float, what: str) -> TimelineEntry:
    return {"phase": phase, "begin": begin, "end": end, "what": what}


def _what(run: Run) -> dict[str, str]:
    fenced, restored, failed = run["fenced"], run["restored"], f"a step failed: {run['error']}"
    added = [*fenced.get("added", []), *fenced.get("extended", [])]
    removed = [*restored.get("removed", []), *restored.get("reset", [])]
    return {
        "look": f"read the watchers of {count(run['detected']['counts']['images'], 'image')}",
        "probe_before": _probed(run["probes_before"]),
        "fence": f"fenced {some(added)}" if added else "fenced no client",
        "verify": "waited until each remaining watcher is expected and responds",
        "probe_after": _probed(run["probes_after"]),
        "failed": failed,
        "failed_again": failed,
        "restore": f"removed from the blocklist: {some(removed)}" if removed else "removed no entry from the blocklist",
        "look_after": "looked for clients that came back",
        "ended": "wrote the report",
    }


def _probed(probes: t.Sequence[Probe]) -> str:
    return some([f"{probe['name']} is {probe['verdict']}" for probe in probes]) or "no LUN was probed"


def _notify(run: Run, times: Times) -> list[TimelineEntry]:
    """Returns the notify, which is a part of the look: that says how long its parts took."""
    elapsed = run["detected"].get("elapsed", {})
    asked = float(elapsed.get("liveness", 0))
    if "look" not in times or asked < 0.05:
        return []
    end = times["look"] - float(elapsed.get("blast_radius", 0))
    return [_entry("notify", round(max(end - asked, 0), 2), round(end, 2), "asked the watchers of doubtful images to respond")]


def _lock_moved(run: Run, times: Times) -> list[TimelineEntry]:
    """Returns for each image the first look that saw another owner of its lock than before."""
    before = {image["spec"]: lock_owner(image) for image in run["detected"]["images"]}
    found: dict[str, TimelineEntry] = {}
    for time, look in (("verify", run["verified"]), ("look_after", run["afterwards"])):
        moved = [image for image in look.get("images", []) if _has_moved(image, before.get(image["spec"], ""))] if time in times else []
        for image in moved:
            words = f"the lock of {image['spec']} is at {lock_owner(image)}; before, it was at {before[image['spec']]}"
            found.setdefault(image["spec"], _entry("lock moved", times[time], times[time], words))
    return list(found.values())


def _has_moved(image: Image, before: str) -> bool:
    owner = lock_owner(image)
    return bool(owner and before and owner != before)

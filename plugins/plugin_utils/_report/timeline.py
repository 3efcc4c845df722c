# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a run of the role did what, from the times that its tasks left. Pure."""

from __future__ import annotations

import typing as t

Data = t.Mapping[str, t.Any]
Times = t.Mapping[str, float]

# The name of the time at which a phase ended -> the phase, in the order in which they come.
_PHASES = {
    "looked": "detect",
    "probed_before": "probe before",
    "asked": "ask again",
    "fenced": "fence",
    "verified": "watch gone",
    "probed_after": "probe after",
    "failed": "failed",
    "restored": "restore",
    "looked_after": "look again",
    "failed_restoring": "failed",
    "ended": "report",
}


def timeline(run: Data, tasks: Data) -> list[dict[str, t.Any]]:
    """Phases and moments in their order: ``phase``, ``begin`` and ``end`` in seconds since the run began, and ``what`` in words.

    The times are those of the controller when a task returned, so what Ansible itself takes is in them. A moment's ``begin`` is its ``end``.
    """
    began = float(run["began"])
    times = {name: round(float(at) - began, 2) for name, at in {**tasks.get("times", {}), "ended": run["ended"]}.items()}
    ends = sorted(((name, times[name]) for name in _PHASES if name in times), key=lambda end: end[1])
    begins = [0.0, *(end for _name, end in ends)]
    what = _words(tasks, run["error"])
    phases = [_entry(_PHASES[name], begin, end, what.get(name, "")) for begin, (name, end) in zip(begins, ends)]
    return sorted([*phases, *_notify(tasks, times), *_lock_moved(tasks, times)], key=lambda entry: (entry["begin"], entry["end"] > entry["begin"]))


def _entry(phase: str, begin: float, end: float, what: str) -> dict[str, t.Any]:
    return {"phase": phase, "begin": begin, "end": end, "what": what}


def _words(tasks: Data, error: str) -> dict[str, str]:
    seen, fenced = tasks["detected"], tasks["fenced"]
    added = [*fenced.get("added", []), *fenced.get("extended", [])]
    removed = [*tasks["restored"].get("removed", []), *tasks["restored"].get("reset", [])]
    return {
        "looked": f"read who watches {_count(seen['counts']['images'], 'image')}",
        "probed_before": _probed(tasks["probes_before"]),
        "asked": "asked the watchers of sick images once more",
        "fenced": f"put {_some(added)} on the blacklist" if added else "nobody was put on the blacklist",
        "verified": "waited until every watcher left is expected and answers",
        "probed_after": _probed(tasks["probes_after"]),
        "failed": f"what failed: {error}",
        "failed_restoring": f"what failed: {error}",
        "restored": f"took {_some(removed)} off the blacklist" if removed else "nobody was taken off the blacklist",
        "looked_after": "looked whether anybody came back",
        "ended": "put the report together",
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _probed(probes: t.Sequence[Data]) -> str:
    return ", ".join(f"{probe['name']} is {probe['verdict']}" for probe in probes[:3]) + (f", and {len(probes) - 3} more" if len(probes) > 3 else "")


def _some(addresses: t.Sequence[str]) -> str:
    return ", ".join(addresses[:3]) + (f" and {len(addresses) - 3} more" if len(addresses) > 3 else "")


def _notify(tasks: Data, times: Times) -> list[dict[str, t.Any]]:
    """It is a part of the look, which says how long its parts took."""
    elapsed = tasks["detected"].get("elapsed", {})
    asked = float(elapsed.get("liveness", 0))
    if "looked" not in times or asked < 0.05:
        return []
    end = times["looked"] - float(elapsed.get("blast_radius", 0))
    return [_entry("notify", round(max(end - asked, 0), 2), round(end, 2), "asked the watchers of doubtful images whether they are alive")]


def _lock_moved(tasks: Data, times: Times) -> list[dict[str, t.Any]]:
    """The look that first saw another owner of an image's lock than before."""
    before = {image["spec"]: lock_owner(image) for image in tasks["detected"]["images"]}
    found, told = [], set()
    for task, time in (("verified", "verified"), ("afterwards", "looked_after")):
        for image in tasks.get(task, {}).get("images", []):
            spec, owner = image["spec"], lock_owner(image)
            if time in times and spec not in told and owner and before.get(spec) and owner != before[spec]:
                told.add(spec)
                found.append(_entry("lock moved", times[time], times[time], f"the lock of {spec} is seen at {owner}, no more at {before[spec]}"))
    return found


def lock_owner(image: Data) -> str:
    """The address of the watcher that holds the image's lock, '' when none of them does."""
    return next((watcher["address"] for watcher in image.get("watchers", []) if watcher.get("lock_owner")), "")

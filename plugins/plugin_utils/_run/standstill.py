# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows from the gateways that writes hang before the fence. A test command would itself hang, and make others wait. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import InFlight, LockWait

# krbd repeats 'no lock owners detected' every five seconds (measured).
_APART_S = 15


def in_flight(maps: t.Sequence[Result], images: t.Collection[str]) -> list[InFlight]:
    """Returns the I/O that stands still below the LUNs of the images, once for each gateway; ``maps`` as for luns.found()."""
    told = [(one["item"], lun["image"], lun["in_flight"]) for one in maps for lun in one.get("luns", []) if lun["image"] in images and lun.get("in_flight")]
    still = {(host, image): flying for host, image, flying in told if flying["still_for"]}
    return [t.cast(InFlight, {"host": host, "image": image, **flying}) for (host, image), flying in still.items()]


def listening(maps: t.Sequence[Result], images: t.Collection[str]) -> list[str]:
    """Returns the gateways that have krbd below a LUN of the images. The client of a LUN of tcmu-runner is no kernel."""
    return [one["item"] for one in maps if any(lun["image"] in images and lun["client_address"] and not lun["tcmu"] for lun in one.get("luns", []))]


def lock_waits(reads: t.Sequence[Result]) -> list[LockWait]:
    """Returns the locks that the kernels wait for; ``reads``: results of M(cephops.iscsi_rescue.kernel_log) in a loop over gateways."""
    found = [(one["item"], one["clock"], _moments(one["events"])) for one in reads if "events" in one]
    return [_wait(host, text, moments, clock) for host, clock, said in found for text, moments in said.items() if clock - moments[-1] <= _APART_S]


def _moments(events: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, list[float]]:
    """Returns what krbd logged about locks -> when, in seconds since boot."""
    said: dict[str, list[float]] = {}
    for event in events:
        if (event["stack"], event["kind"]) == ("krbd", "lock"):
            said.setdefault(event["text"], []).append(float(event["seconds"]))
    return said


def _wait(host: str, text: str, moments: t.Sequence[float], clock: float) -> LockWait:
    """Returns the wait, for as long as the kernel repeated it, up to now."""
    pairs = list(zip(moments, moments[1:]))
    begins = [later for earlier, later in pairs if later - earlier > _APART_S] or [moments[0]]
    return {"host": host, "text": text, "seconds": round(clock - begins[-1])}

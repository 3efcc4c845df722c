# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""That writes hang before the fence, told by the gateways: a command that shows it would itself be one more for others to wait for. Pure."""

from __future__ import annotations

import typing as t
from collections import Counter

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import Result
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import InFlight, LockWait

# krbd repeats 'no lock owners detected' every five seconds (measured).
RECENT_S = 60


def in_flight(maps: t.Sequence[Result], images: t.Collection[str]) -> list[InFlight]:
    """Returns what stands still below the LUNs of the images, once for each gateway; ``maps`` as for luns.found()."""
    told = [(one["item"], lun["image"], lun["in_flight"]) for one in maps for lun in one.get("luns", []) if lun["image"] in images and lun.get("in_flight")]
    still = {(host, image): flying for host, image, flying in told if flying["still_for"]}
    return [t.cast(InFlight, {"host": host, "image": image, **flying}) for (host, image), flying in still.items()]


def listening(maps: t.Sequence[Result], images: t.Collection[str]) -> list[str]:
    """Returns the gateways that have krbd below a LUN of the images."""
    return [one["item"] for one in maps if any(lun["image"] in images and lun["client_address"] for lun in one.get("luns", []))]


def lock_waits(reads: t.Sequence[Result]) -> list[LockWait]:
    """Returns what the kernels said of locks in the last minute; ``reads``: results of M(cephops.iscsi_rescue.kernel_log) in a loop over gateways."""
    said = Counter((one["item"], event["text"]) for one in reads for event in one.get("events", []) if _is_wait(event, one["clock"]))
    return [{"host": host, "text": text, "count": count} for (host, text), count in said.items()]


def _is_wait(event: t.Mapping[str, t.Any], clock: float) -> bool:
    return (event["stack"], event["kind"]) == ("krbd", "lock") and float(event["seconds"]) >= clock - RECENT_S

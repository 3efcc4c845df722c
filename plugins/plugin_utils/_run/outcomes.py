# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the outcomes of a run: the one table that the report, README and the runbook take their words from."""

from __future__ import annotations

import typing as t


class Outcome(t.NamedTuple):
    """``headline`` and ``meaning`` are shown in the report. ``step``: what to do next. ``play``: how the play ends.

    ``by_item``: open items decide what to do next, where there are any; ``step`` then only sums them up.
    """

    headline: str
    meaning: str
    step: str
    play: str
    by_item: bool = False


_SUCCEEDS = "succeeds"
_FAILS_WHEN_REFUSED = "fails, unless remediate_watchers_fail_when_refused is false"
_BY_ITEM = "Each open item has its own line with its next step."

OUTCOMES: t.Mapping[str, Outcome] = {
    "nothing_to_do": Outcome(
        "Nothing to do",
        "No stale watcher was found on the images that the run looked at. Nothing was changed.",
        "If a LUN still hangs, name its image in remediate_watchers_images, and rerun. If it was named, check the target, the network and 'ceph -s'.",
        _SUCCEEDS,
    ),
    "would_heal": Outcome(
        "Would heal",
        "Check mode: nothing was changed. The plan shows what a run would do.",
        "To heal, run it without check mode.",
        "succeeds, unless remediate_watchers_fail_when_sick is true",
    ),
    "healed": Outcome(
        "Healed",
        "The watchers are as expected, and the blocklist has no entry of this run. If the line of an image says 'not proven', check its LUN.",
        "Rescan the LUN on the initiators that had lost it.",
        _SUCCEEDS,
    ),
    "healed_restore_pending": Outcome(
        "Healed, restore pending",
        "The watchers are as expected, but a fenced client stays on the blocklist. Its line says why.",
        "Do what the client's line says. Usually: end that client on its host, then rerun.",
        _SUCCEEDS,
        by_item=True,
    ),
    "healed_unproven": Outcome(
        "Healed, not proven",
        "The watchers are as expected, but the probe did not reach a known LUN.",
        "Probe the LUN with scsi_reserve_probe, or give a working path in remediate_watchers_luns.",
        "fails, unless remediate_watchers_fail_when_unproven is false",
        by_item=True,
    ),
    "partly_healed": Outcome(
        "Partly healed",
        "At least one image was healed. At least one was refused, is still contested, or could not be seen.",
        f"Rescan the healed LUNs. {_BY_ITEM}",
        _FAILS_WHEN_REFUSED,
        by_item=True,
    ),
    "refused": Outcome(
        "Refused",
        "Something is wrong, but the evidence does not allow fencing, or the run could not see everything. No image was healed.",
        _BY_ITEM,
        _FAILS_WHEN_REFUSED,
        by_item=True,
    ),
    "failed": Outcome(
        "Failed",
        "A step failed. The line 'error:' says which one, and why.",
        "Read the error, then rerun. Entries of clients that are gone were removed. A rerun skips images that are normal: probe their LUNs with "
        "scsi_reserve_probe.",
        "fails",
    ),
}

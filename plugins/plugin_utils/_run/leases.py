# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects the open leases that concern this run: those for images that it is asked to look at. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Change, Lease, Settings


def selected(leases: t.Sequence[Lease], settings: Settings) -> list[str]:
    """Returns the images of leases that the run is asked to look at; all of them if no image and no pool is selected."""
    leased = list(dict.fromkeys(spec for lease in leases for spec in lease["images"]))
    if not settings["images"] and not settings["pools"]:
        return leased
    pools = tuple(f"{pool}/" for pool in settings["pools"])
    return [spec for spec in leased if spec in settings["images"] or spec.startswith(pools)]


def ours(fenced: Change, leases: t.Sequence[Lease], images: t.Collection[str]) -> list[str]:
    """Returns the addresses whose entry this run is allowed to remove: its own, and those of earlier runs for any of these images."""
    owed = [lease["address"] for lease in leases if set(lease["images"]) & set(images)]
    return [*fenced.get("added", []), *fenced.get("extended", []), *owed]

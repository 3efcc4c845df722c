# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts together what the modules returned for one image."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

Record = t.Mapping[str, t.Any]


@dataclass(frozen=True)
class Entry:
    """A blocklist entry that fences a client of the image."""

    entry: str
    until: str
    client: str
    run: str


@dataclass(frozen=True)
class Known:
    """``info``: what rbd_image_info returned; ``image``: the image as rbd_watchers shows it, {} where it is not there; ``luns``: gateway -> LUN records.

    ``asked``: when its watchers were asked, in seconds since the epoch; 0 if it has no watcher. ``gaps``: what could not be seen, and why.
    ``entries``: the blocklist entries that fence the image's clients. ``leases``: those for this image.
    """

    spec: str
    info: Record
    image: Record
    luns: t.Sequence[tuple[str, Record]] = ()
    gaps: t.Sequence[str] = ()
    entries: t.Sequence[Entry] = ()
    leases: t.Sequence[Record] = ()
    asked: float = 0.0

    @property
    def watchers(self) -> list[Record]:
        """Returns its watchers without Ceph's own daemons."""
        return [one for one in self.image.get("watchers", []) if not one["daemon"]]

    @property
    def stale(self) -> list[Record]:
        """Returns the watchers that did not respond."""
        return [one for one in self.watchers if one["liveness"] in ("hung", "orphaned")]

    @property
    def alive(self) -> list[Record]:
        """Returns the watchers that respond."""
        return [one for one in self.watchers if one["liveness"] == "alive"]

    @property
    def by_hand(self) -> list[Record]:
        """Returns the clients that took the lock by ``rbd lock add``."""
        return [one for one in self.info["lockers"] if not one["cookie"].startswith("auto ")]

    @property
    def owner(self) -> Record:
        """Returns the client that holds the exclusive lock, with or without a watch; {} for none."""
        everyone = [*self.image.get("watchers", []), *self.image.get("owner", [])]
        return next((one for one in everyone if one["lock_owner"]), {})


def known(spec: str, info: Record, look: Record, maps: t.Sequence[Record]) -> Known:
    """Puts together what the modules returned for ``spec``. ``maps``: the results of a loop of lun_map, one for each gateway."""
    nothing: Record = {}
    image = next((one for one in look["images"] if one["spec"] == spec), nothing)
    told = [(one["item"], lun) for one in maps for lun in one.get("luns", []) if lun["image"] == spec]
    hosts = {host for host, _lun in told}
    exported = [(host, lun) for host, luns in look["exports"]["luns"].items() if host not in hosts for lun in luns if lun["image"] == spec]
    listed, clients = look["blocklist"], [one["address"] for one in [*image.get("watchers", []), *image.get("owner", [])]]
    clients += [one["address"] for one in info["lockers"]]
    entries = {**listed["after"], **listed["ranges"]}
    runs = {lease["address"]: lease["run"] for lease in listed["leases"]}
    leases = [lease for lease in listed["leases"] if spec in lease["images"]]
    clients += [lease["address"] for lease in leases]
    fencing = [Entry(entry, entries[entry], client, runs.get(entry, "")) for client in dict.fromkeys(clients) for entry in entries if _covers(entry, client)]
    silent = [f"gateway {one['item']} did not tell its LUNs: {one.get('msg') or 'no reason given'}" for one in maps if "luns" not in one]
    gaps = [*info["hidden"], *look["incomplete"], *listed["unread"], *silent, *filter(None, [look["exports"]["gap"]])]
    return Known(spec, info, image, [*told, *exported], gaps, fencing, leases, look["look"]["at"])


def _covers(entry: str, client: str) -> bool:
    try:
        return address.covers(entry, client)
    except InputError:
        return False

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Joins events with devices: by the device's name, the volume, the operation, the path or the iSCSI session. Pure."""

from __future__ import annotations

import typing as t
from collections import defaultdict

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import scsi_id

Data = t.Mapping[str, t.Any]
# (device, '') or, if no device is known, ('', what the line names instead: a volume, a path, a session, or '').
Subject = tuple[str, str]

# A lost session counts for each device behind it, up to so many; beyond that, it counts as a session.
_BEHIND = 16


class Volumes:
    """What ``esxcli storage vmfs extent list`` tells: a volume can span several devices, and several volumes can have one name."""

    def __init__(self, extents: t.Sequence[Data]) -> None:
        self.names: dict[str, str] = {}
        self.devices: defaultdict[str, set[str]] = defaultdict(set)
        self.on: defaultdict[str, set[str]] = defaultdict(set)
        # (host, name) and ('', name) -> UUIDs.
        self._called: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for one in extents:
            self._add(one)

    def _add(self, extent: Data) -> None:
        uuid, device, name = (str(extent.get(field, "")) for field in ("vmfs_uuid", "device_name", "volume_name"))
        self.names[uuid] = name
        self.devices[uuid].add(scsi_id.canonical(device))
        self.on[scsi_id.canonical(device)].add(uuid)
        for host in ("", str(extent.get("host", ""))):
            self._called[host, name].add(uuid)

    def uuid(self, event: Data) -> str:
        """Returns the UUID of the volume that the event names, by its own host's extents if those are known; '' if several have the name."""
        name = event["volume_name"]
        if event["volume"] or not name:
            return str(event["volume"])
        known = self._called.get((event["host"], name)) or self._called.get(("", name)) or set()
        return next(iter(known)) if len(known) == 1 else ""

    def device(self, volume: str, named: str) -> str:
        """Returns the volume's device: the one ``named`` beside it, unless the extents tell another; '' if several are left."""
        known = self.devices.get(volume, set()) if volume else set()
        if named and (not known or named in known):
            return named
        return next(iter(known)) if len(known) == 1 else ""


class Lines:
    """Holds what the lines and the extents tell: which device an operation, a path or a session is about."""

    def __init__(self, events: t.Sequence[Data], volumes: Volumes) -> None:
        self._of_operation: defaultdict[str, set[str]] = defaultdict(set)
        self._of_path: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._of_session: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for event in events:
            device = scsi_id.canonical(event["device"]) or volumes.device(volumes.uuid(event), "")
            if device:
                self._add(event, device)

    def _add(self, event: Data, device: str) -> None:
        self._of_operation[event["operation"]].add(device)
        if event["path"]:
            self._of_path[event["host"], event["path"]].add(device)
            self._of_session[event["host"], event["path"].rpartition(":")[0]].add(device)

    def of_operation(self, event: Data) -> str:
        """Returns the device of the event's operation, '' if it names none or several."""
        return _only(self._of_operation.get(event["operation"], set()))

    def of_path(self, event: Data) -> str:
        """Returns the device that other lines give for the event's path, '' for none or several."""
        return _only(self._of_path.get((event["host"], event["path"]), set())) if event["path"] else ""

    def of_session(self, event: Data) -> list[str]:
        """Returns the devices that other lines give for paths of the event's session, [] if they are too many."""
        found = self._of_session.get((event["host"], event["session"]), set()) if event["session"] else set()
        return sorted(found) if len(found) <= _BEHIND else []


def _only(devices: t.Collection[str]) -> str:
    return next(iter(devices)) if len(devices) == 1 else ""


def by_subject(events: t.Sequence[Data], volumes: Volumes) -> dict[Subject, list[Data]]:
    """Returns the devices, or what lines name instead, with the events of each. Every event is in at least one list."""
    lines = Lines(events, volumes)
    found: defaultdict[Subject, list[Data]] = defaultdict(list)
    for event in events:
        for subject in _subjects(event, lines, volumes):
            found[subject].append(event)
    return found


def _subjects(event: Data, lines: Lines, volumes: Volumes) -> list[Subject]:
    uuid = volumes.uuid(event)
    device = scsi_id.canonical(event["device"]) or volumes.device(uuid, "" if _names_volume_only(event, uuid) else lines.of_operation(event))
    device = device or lines.of_path(event)
    devices = [device] if device else lines.of_session(event)
    return [(one, "") for one in devices] or [("", uuid or event["volume_name"] or event["path"] or event["session"])]


def _names_volume_only(event: Data, uuid: str) -> bool:
    """Returns what the line names. A volume that is known only by its name, and to no extent, is joined with nothing."""
    return bool(event["volume_name"]) and not uuid

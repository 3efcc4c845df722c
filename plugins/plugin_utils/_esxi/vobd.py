# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the messages of vobd, ESXi's observer, by the identifiers of its events. Pure.

The identifiers are those of vSphere's events: vob.* is what was seen, esx.problem.* and esx.clear.* what its correlators made of it.
"""

from __future__ import annotations

import re

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi.kinds import NOTHING, Meaning, Read

# What every line of vobd has.
MARK = "us: ["
# ESXi 8 and before put the correlator in brackets, later ones into structured data of syslog.
HEAD = re.compile(
    r"(?P<time>)(?:\[|=\")(?P<module>[A-Za-z0-9]{1,30}Correlator)\"?\] (?P<world>[0-9]{1,20})us: "
    r"\[(?P<severity>)(?P<operation>)(?:vob|esx\.problem|esx\.clear|esx\.audit)\.(?P<event>[a-z0-9.]{1,100})\] ?",
    re.IGNORECASE,
)
# What an event's identifier begins with, behind vob. and the like; the first row that fits counts.
_EVENTS: tuple[tuple[str, Read], ...] = (
    ("storage.apd.start", Meaning("path_in_doubt", "all_paths_down")),
    ("storage.apd.timeout", Meaning("path_in_doubt", "all_paths_down_timeout")),
    ("storage.apd.exit", Meaning("recovered", "all_paths_down_exit")),
    ("storage.connectivity.lost", Meaning("path_in_doubt", "connectivity_lost")),
    ("storage.connectivity.restored", Meaning("recovered", "connectivity_restored")),
    ("storage.redundancy.restored", Meaning("recovered", "redundancy_restored")),
    ("storage.redundancy", Meaning("path_in_doubt", "redundancy_lost")),
    ("storage.iscsi", Meaning("no_connection", "session_lost")),
    ("scsi.scsipath.pathstate.dead", Meaning("path_in_doubt", "path_dead")),
    ("scsi.scsipath.pathstate.on", Meaning("recovered", "path_restored")),
    ("scsi.scsipath", NOTHING),
    ("scsi.device.state.permanentloss", Meaning("permanent_loss")),
    ("scsi.device.state.on", Meaning("recovered", "device_restored")),
    ("scsi.device.state.off", NOTHING),
    ("scsi.device.io.latency.high", Meaning("slow", "latency")),
    ("scsi.device.io.latency.improved", Meaning("recovered", "latency_improved")),
    ("scsi.device.thinprov", Meaning("out_of_space")),
    ("iscsi.connection.stopped", Meaning("no_connection", "session_lost")),
    ("iscsi.transport.connection.started", Meaning("recovered", "session_recovered")),
    ("iscsi", Meaning("no_connection", "session_lost")),
    ("vmfs.heartbeat.recovered", Meaning("recovered", "heartbeat_reclaimed")),
    ("vmfs.heartbeat.corruptondisk", Meaning("io_error")),
    ("vmfs.heartbeat", Meaning("timeout", "heartbeat_timed_out")),
    ("vmfs.lock.busy", Meaning("lock_wait")),
    ("vmfs.resource.corruptondisk", Meaning("io_error")),
    ("vmfs.volume", NOTHING),
    ("vmfs.nfs", NOTHING),
)
_STORAGE = ("storage.", "scsi.", "iscsi.", "vmfs.")
_VOLUME = re.compile(r"([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}) (?:\(\"?([^\n\"]{1,200}?)\"?\)|(\S[^\n]{0,199}))?")


def meaning(event: str) -> Read:
    """Returns what an event tells, NOTHING for one that is not about storage, None for one that is not known."""
    lower = event.lower()
    known = next((read for begin, read in _EVENTS if lower.startswith(begin)), None)
    return known if known or lower.startswith(_STORAGE) else NOTHING


def volume_name(message: str) -> str:
    """Returns the label that stands behind a volume's UUID, in brackets or to the end of the line; '' for none."""
    hit = _VOLUME.search(message)
    return (hit[2] or hit[3] or "").strip() if hit else ""

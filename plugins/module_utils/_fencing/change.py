# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Holds the result of a change of the blocklist, and checks that the list shows the change."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist


@dataclass(frozen=True)
class Change:
    """Holds the result. ``before`` and ``after``: address -> end. ``extended`` and ``reset``: existing entries with a new end, for the fence and back.

    ``kept``: leases that stay open, with the reason. ``closed``: leases that ended. ``leases``: open leases, if nothing was to be changed.
    ``unread``: why the leases of a pool could not be read. ``foreign``: addresses with an entry that another run or operator made. ``unlisted``: addresses
    to restore that are not on the list. ``spared``: clients that were not fenced, with the ``reason``, such as an answer to the last notify.
    ``vanished``: clients that watch nothing any more. ``missed``: the last notify that each client let time out. ``word``: how this cluster spells
    blocklist. ``ranges``: network -> end, if the list was only read.
    """

    before: dict[str, str]
    after: dict[str, str]
    added: list[str] = field(default_factory=list)
    extended: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    leases: list[dict[str, t.Any]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    unlisted: list[str] = field(default_factory=list)
    spared: list[dict[str, t.Any]] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    missed: list[dict[str, t.Any]] = field(default_factory=list)
    word: str = "blocklist"
    ranges: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Returns whether anything in the cluster is, or in a dry run would be, different."""
        return bool(self.added or self.extended or self.removed or self.reset or self.closed)


def read_with(cluster: Cluster, before: Blocklist, added: t.Sequence[str], expire_s: int, dry_run: bool) -> dict[str, str]:
    """Returns the list, which must have the new entries; in a dry run, the list as it would be. Raises ClusterError."""
    if dry_run or not added:
        return {**before.entries, **dict.fromkeys(added, f"{expire_s} s from then")}
    after = blocklist.read(cluster).entries
    confirm(
        all(after.get(client, "") != before.entries.get(client, "") for client in added), "An entry that was just added is not on the blocklist", before.word
    )
    return after


def read_without(cluster: Cluster, removed: t.Sequence[str], word: str) -> dict[str, str]:
    """Returns the list, which must lack the removed entries. Raises ClusterError."""
    after = blocklist.read(cluster).entries
    confirm(not set(removed) & set(after), "An entry that was just removed is on the blocklist again", word)
    return after


def confirm(holds: bool, what: str, word: str) -> None:
    """Raises ClusterError if an entry differs from the change that was just made."""
    if not holds:
        raise ClusterError(f"{what}: another user is changing it. Check 'ceph osd {word} ls', then rerun.")

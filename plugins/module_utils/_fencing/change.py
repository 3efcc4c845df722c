# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change of the blocklist came to, and the check that it is as it was made."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import blocklist
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.blocklist import Blocklist


@dataclass(frozen=True)
class Change:
    """``before`` and ``after``: address -> until when. ``extended`` and ``reset``: entries that were there and got another expiry, for the fence and back.

    ``kept``: leases that stay open, with the reason. ``closed``: leases that are done with. ``leases``: those that are open, where only looked at.
    ``unread``: why the leases of a pool could not be read. ``foreign``: addresses whose entry is somebody else's, and was left alone. ``unlisted``: addresses
    that were to be restored and are not on the list. ``spared``: clients that were not fenced since they answered the last question, or could not be
    asked, with the ``reason``; ``vanished``: those that watch nothing any more. ``missed``: the last notify that each client let time out. ``word``: how this
    cluster spells the list's name. ``ranges``: network -> until when, where the list was only looked at.
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
        """Whether anything in the cluster is, or in a dry run would be, different."""
        return bool(self.added or self.extended or self.removed or self.reset or self.closed)


def read_with(cluster: Cluster, before: Blocklist, added: t.Sequence[str], expire_s: int, dry_run: bool) -> dict[str, str]:
    """Returns the list, which must have what was just added; in a dry run as it would be. Raises ClusterError."""
    if dry_run or not added:
        return {**before.entries, **dict.fromkeys(added, f"{expire_s} s from then")}
    after = blocklist.read(cluster).entries
    confirm(
        all(after.get(client, "") != before.entries.get(client, "") for client in added), "An entry that was just added is not on the blacklist", before.word
    )
    return after


def read_without(cluster: Cluster, removed: t.Sequence[str], word: str) -> dict[str, str]:
    """Returns the list, which must lack what was just removed. Raises ClusterError."""
    after = blocklist.read(cluster).entries
    confirm(not set(removed) & set(after), "An entry that was just removed is on the blacklist again", word)
    return after


def confirm(holds: bool, what: str, word: str) -> None:
    """Raises ClusterError where an entry is not as it was just made."""
    if not holds:
        raise ClusterError(f"{what}: somebody else is changing it; see 'ceph osd {word} ls' and run again.")

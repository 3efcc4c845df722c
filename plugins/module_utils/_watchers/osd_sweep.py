# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the watchers of every header in the cluster from the OSDs themselves: one question to each, all at once."""

from __future__ import annotations

import errno
import functools
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address, header_object
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.decode_guard import in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import at_once
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import Watcher

# rbd-mirror's leader watches this object of each pool it mirrors (RBD_MIRROR_LEADER in Ceph's src/cls/rbd/cls_rbd_types.h).
_MIRROR_LEADER = "rbd_mirror_leader"

Header = tuple[str, str]


class Refused(ClusterError):
    """Says that no OSD knows the question, or that none allows it to this user."""


@dataclass
class Sweep:
    """Holds a sweep. ``headers``: (namespace, header) -> watchers. An OSD does not name the pool, so one key can stand for headers of several pools.

    ``mirrors`` and ``managers``: addresses that belong to rbd-mirror and to the manager. ``gaps``: which OSDs did not answer, and why.
    """

    headers: dict[Header, list[Watcher]] = field(default_factory=lambda: defaultdict(list))
    mirrors: set[str] = field(default_factory=set)
    managers: set[str] = field(default_factory=set)
    gaps: list[str] = field(default_factory=list)


def ask(cluster: Cluster, osds: t.Sequence[int]) -> Sweep:
    """Asks these OSDs. Raises Refused if the release or the caps do not allow it. Ends by the connection's deadline."""
    answers = at_once(lambda osd: _ask(cluster, osd), osds)
    errors = [answer for answer in answers if isinstance(answer, ClusterError)]
    refusals = [error for error in errors if error.code in (errno.EACCES, errno.EPERM, errno.EINVAL, errno.EOPNOTSUPP)]
    if refusals and len(refusals) == len(answers):
        raise Refused(str(refusals[0]), refusals[0].code)
    return parse([answer for answer in answers if not isinstance(answer, ClusterError)], [str(error) for error in errors])


def _ask(cluster: Cluster, osd: int) -> t.Any:
    try:
        return cluster.tell_osd(osd, "dump_watchers") or []
    except ClusterError as error:
        return error
    except Exception as error:
        return ClusterError(in_words(error, f"Asking osd.{osd} for its watchers"))


def parse(answers: t.Iterable[t.Any], gaps: t.Sequence[str] = ()) -> Sweep:
    """Parses the JSON lists of ``dump_watchers``; an unreadable row is a gap."""
    sweep = Sweep(gaps=list(gaps))
    # Thousands of watches belong to a few clients.
    normal = functools.lru_cache(maxsize=None)(address.normal)
    for row in (row for answer in answers for row in (answer if isinstance(answer, list) else [answer])):
        try:
            client = normal(f"{row['entity_addr_t']['addr']}/{row['entity_addr_t']['nonce']}")
            _take(sweep, row["namespace"], row["object"], row["entity_name"]["type"], Watcher(client, row["entity_name"]["num"], row["cookie"]))
        except (AttributeError, KeyError, TypeError):
            sweep.gaps.append(reasons.ODD_WATCH.format(what=str(row)[:200]))
    return sweep


def _take(sweep: Sweep, namespace: str, name: str, entity: str, watcher: Watcher) -> None:
    if entity == "mgr":
        sweep.managers.add(watcher.address)
    if name == _MIRROR_LEADER:
        sweep.mirrors.add(watcher.address)
    elif header_object.is_header(name):
        sweep.headers[namespace, name].append(watcher)

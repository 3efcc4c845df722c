# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the clients that Ceph itself depends on, which are never fenced: its managers and rbd-mirror daemons."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.service_map import ServiceMap
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.sessions import Sessions
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.osd_sweep import Sweep

_MIRROR_USER = "client.rbd-mirror"


def clients(services: ServiceMap, swept: Sweep | None, looks: t.Sequence[Sessions]) -> tuple[dict[str, str], list[str]]:
    """Returns the clients that belong to Ceph itself, address -> what it is, by sessions, sweep and service map; and what could not be read."""
    found = dict.fromkeys(swept.mirrors if swept else (), "rbd-mirror")
    found.update(dict.fromkeys(swept.managers if swept else (), "a manager"))
    for look in looks:
        found.update({client: f"a manager ({name})" for client, name in look.names.items() if name.startswith("mgr.")})
        found.update({client: f"rbd-mirror ({name})" for client, name in look.names.items() if name.startswith(_MIRROR_USER)})
    gaps = [reasons.MIRRORS_UNKNOWN.format(gap=services.gap)] if services.gap else []
    return {**found, **dict.fromkeys(services.mirrors, "rbd-mirror")}, gaps

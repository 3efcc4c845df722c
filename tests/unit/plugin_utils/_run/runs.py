# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""States of a run, made up for tests."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import luns, state
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Run

SETTINGS: dict[str, t.Any] = {
    "pools": [],
    "images": [],
    "protect": [],
    "evict": [],
    "approved": ["any"],
    "free": [],
    "dead_hosts": [],
    "liveness": "duplicates",
    "max_fence": "10",
    "luns": [],
    "find_luns": True,
    "restore": "when_gone",
    "prober": "prober",
    "probe_initiator": "iqn.2001-04.com.example:probe",
    "probe_deadline": "10",
    "write_path": "auto",
    "probe_before": "flush",
    "gone_timeout": "30",
    "patience": "30",
    "expire": "3600",
    "gateways": {},
    "controller_keyring": "",
    "has_key": False,
    "connection": {},
    "trace": {},
}
BEGAN = 10.0


def begun(check_mode: bool = False, **settings: t.Any) -> Run:
    return state.after(t.cast(Run, {}), "begin", {"id": "run", "check_mode": check_mode, "settings": {**SETTINGS, **settings}}, BEGAN)


def listed_after(parts: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Returns the blocklist as the last task that changed it left it."""
    last = next((parts[name] for name in ("refenced", "restored", "fenced", "listed") if parts.get(name)), {})
    return {"after": last["after"]} if "after" in last else {}


def run_of(settings: t.Mapping[str, t.Any] | None = None, **parts: t.Any) -> Run:
    """Returns a run of which these parts are known; ``lun_maps``: what the gateways told."""
    maps = parts.pop("lun_maps", [])
    whole: dict[str, t.Any] = {**begun(**(settings or {})), "silent_gateways": luns.unasked(maps), **parts}
    return t.cast(Run, whole)

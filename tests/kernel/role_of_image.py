# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole role on one image of the guest's cluster, where the guest is its only gateway."""

from __future__ import annotations

import json
import typing as t

import cluster
from guest import ROOT
from outside import SHARE, ansible_playbook, name_outside

_GROUPS = ("ceph_admin", "iscsi_gateways")
_REPORTS = SHARE / "reports"


def play(image: str, groups: t.Sequence[str] = _GROUPS, **settings: t.Any) -> dict[str, t.Any]:
    """The role's result, {} in check mode. ``groups``: of the inventory, those that the guest is in."""
    inventory = {"all": {"children": {group: {"hosts": {"gateway": {}}} for group in groups}}}
    for old in _REPORTS.glob("*"):
        old.unlink()
    asked = {"remediate_watchers_ceph_conf": str(cluster.CONF), "remediate_watchers_quorum_settle": 5, "remediate_watchers_images": [f"rbd/{image}"]}
    limits = {"remediate_watchers_probe_slow_after": 8, "remediate_watchers_gone_timeout": 90, "remediate_watchers_report_dir": name_outside(_REPORTS)}
    ansible_playbook(inventory, ROOT / "playbooks/remediate_watchers.yml", **asked, **limits, **settings)
    return next((json.loads(path.read_text()) for path in _REPORTS.glob("*.json")), {})

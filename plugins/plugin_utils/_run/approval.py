# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits a run to the clients that a person approved: remediate_watchers_approved. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.culprits import addresses_to_fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Look
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.spare import spare

ANY = "any"


def read(texts: t.Sequence[str]) -> list[str]:
    """Returns the addresses in Ceph's own form, or ``any``. Raises InputError."""
    return [ANY] if list(texts) == [ANY] else [str(address.parse(text)) for text in texts]


def apply(look: Look, approved: t.Sequence[str]) -> Look:
    """Returns the look without fencing the clients that are not approved. ``approved``: addresses, or ``any``; [] approves no client."""
    if ANY in approved:
        return look
    others = [client for client in addresses_to_fence(look["culprits"]) if client not in approved]
    return spare(look, dict.fromkeys(others, messages.NOT_APPROVED))

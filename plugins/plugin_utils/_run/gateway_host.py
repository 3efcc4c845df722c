# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells the names of a gateway's host and of a client's host, to compare them. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Watcher


def of_gateway(told: t.Mapping[str, t.Any], addresses: t.Mapping[str, str]) -> list[str]:
    """Returns the host's own name, its address, and its name in the inventory; ``told`` and ``addresses`` as for luns.found()."""
    return [name for name in (told.get("hostname", ""), addresses.get(told["item"], ""), told["item"]) if name]


def of_client(watcher: Watcher) -> set[str]:
    """Returns the IP address that it comes from, and the host that its session and the service map name."""
    names = (watcher["address"].rpartition(":")[0].strip("[]"), watcher.get("host", ""), watcher.get("gateway", ""))
    return {name for name in names if name}

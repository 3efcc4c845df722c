# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds clients and gateways that are alive and fenced. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import FencedLiving, Listed


def told(listed: Listed, gateways: t.Mapping[str, str], left: t.Collection[str]) -> list[FencedLiving]:
    """Returns the living ones that no other message names. ``gateways``: host -> IP address, '' for none; ``left``: entries that have a message already."""
    clients = [one for one in listed.get("living", []) if one["entry"] not in left]
    hosts = {one["host"] for one in clients}
    entries = {**listed.get("after", {}), **listed.get("ranges", {})}
    named = ((gateway, where) for gateway, where in gateways.items() if gateway not in hosts)
    return [*clients, *(_gateway(*gateway, entry, until) for gateway in named for entry, until in entries.items() if _fences(entry, gateway[1]))]


def _gateway(name: str, where: str, entry: str, until: str) -> FencedLiving:
    return {"address": where, "host": name, "entity": "", "entry": entry, "until": until, "run": ""}


def _fences(entry: str, host: str) -> bool:
    """Returns whether an entry is for this whole host. A gateway that is known only by a name cannot be compared."""
    try:
        # Any client of that host.
        return address.covers(entry, f"[{host}]:0/1" if ":" in host else f"{host}:0/1")
    except InputError:
        return False


def in_words(one: FencedLiving) -> str:
    """Returns which client is fenced, and by which entry."""
    client = f"{one['address']} ({' on '.join(filter(None, (one['entity'], one['host'])))})"
    words = messages.FENCED_LIVING_BY_RUN if one["run"] else messages.FENCED_LIVING
    return words.format(client=client, entry=one["entry"], until=one["until"], run=one["run"])

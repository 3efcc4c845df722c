# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds clients on hosts that remediate_watchers_dead_hosts names. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, Revived


def clients(images: t.Sequence[Image]) -> list[str]:
    """Returns the addresses of clients that did not respond. They need no proof that another process serves the image: the operator says that it is dead."""
    return [one["address"] for image in images for one in image["watchers"] if one.get("dead_host") and one["liveness"] in ("hung", "orphaned")]


def revived(images: t.Sequence[Image]) -> list[Revived]:
    """Returns the clients that responded."""
    alive = [(one, image["spec"]) for image in images for one in image["watchers"] if one.get("dead_host") and one["liveness"] == "alive"]
    hosts = {one["address"]: one["host"] for one, _spec in alive}
    return [{"address": client, "host": host, "images": [spec for one, spec in alive if one["address"] == client]} for client, host in hosts.items()]

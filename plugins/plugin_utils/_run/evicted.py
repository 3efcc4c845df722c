# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells why clients that remediate_watchers_evict names are not fenced. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.culprits import addresses_to_fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, Look, WithoutEffect


def without_effect(evict: t.Sequence[str], detected: Look, fenced: t.Collection[str]) -> list[WithoutEffect]:
    """Returns the named clients that ``detected`` does not want fenced, and that were not ``fenced``."""
    meant = addresses_to_fence(detected.get("culprits", []))
    left = [address for address in dict.fromkeys(evict) if address not in meant and address not in fenced]
    return [{"address": address, "why": _why(address, detected.get("images", []))} for address in left]


def _why(address: str, images: t.Sequence[Image]) -> str:
    watched = [(image, watcher) for image in images for watcher in image["watchers"] if watcher["address"] == address]
    return "; ".join(f"{image['spec']} is {image['state']}, {', '.join(watcher['reasons'])}" for image, watcher in watched) or messages.NOT_WATCHING

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spares a client that might be alive, unless another process is proven to serve its image. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Culprit, Probe


def missing(culprits: t.Sequence[Culprit], probes: t.Sequence[Probe], evict: t.Collection[str]) -> dict[str, str]:
    """Returns the culprits to spare, address -> why. ``probes``: of the LUNs before the fence. ``evict``: clients that the operator wants fenced.

    A command such as ``rbd snap create`` also watches the image and responds to notifies. It does so while it waits for the lock of a silent gateway
    (measured: over 200 s). A LUN that answers INQUIRY is served by a process that is not silent.
    """
    served = {probe["name"] for probe in probes if _is_served(probe)}
    doubtful = [one for one in culprits if not one["gone_since"] and one["address"] not in evict]
    bare = {one["address"]: [spec for spec in one["images"] if spec not in served] for one in doubtful}
    return {client: messages.NO_PROOF_OF_SERVICE.format(image=", ".join(specs)) for client, specs in bare.items() if specs}


def _is_served(probe: Probe) -> bool:
    """Returns whether a process answered INQUIRY. A disk can be opened, and a portal can respond, while the target is stopped."""
    answered = any((step["name"], step["status"]) == ("inquiry", "good") for step in probe["steps"])
    return answered and probe["verdict"] not in ("unreachable", "mismatch")

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images that the operator named in remediate_watchers_free, and that a client uses. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, InUse


def in_use(free: t.Collection[str], images: t.Sequence[Image]) -> list[InUse]:
    """Returns those of ``free`` that are well, with the clients that respond on them. What is not well has its own words; of a pattern, many may be in use."""
    well = [image for image in images if image["spec"] in free and image["decision"] == "leave"]
    alive = {image["spec"]: [one["address"] for one in image["watchers"] if one["liveness"] == "alive" and not one.get("daemon")] for image in well}
    return [{"spec": spec, "clients": clients} for spec, clients in alive.items() if clients]

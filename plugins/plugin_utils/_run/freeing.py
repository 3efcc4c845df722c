# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds images that remediate_watchers_free names, and that a client uses. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, InUse


def in_use(free: t.Collection[str], images: t.Sequence[Image]) -> list[InUse]:
    """Returns the images of ``free`` that are normal, with the clients that respond. Images that are not normal have messages of their own."""
    well = [image for image in images if image["spec"] in free and image["decision"] == "leave"]
    alive = {image["spec"]: [one["address"] for one in image["watchers"] if one["liveness"] == "alive" and not one.get("daemon")] for image in well}
    return [{"spec": spec, "clients": clients} for spec, clients in alive.items() if clients]

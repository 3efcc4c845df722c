# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selects the culprits to fence, and tells them in words. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Culprit


def to_fence(culprits: t.Iterable[Culprit]) -> list[Culprit]:
    """Returns those of the culprits that are to be fenced; the others are spared."""
    return [culprit for culprit in culprits if culprit["verdict"] == "fence"]


def addresses_to_fence(culprits: t.Iterable[Culprit]) -> list[str]:
    """Returns the client addresses of those that are to be fenced."""
    return [culprit["address"] for culprit in to_fence(culprits)]


def in_words(culprits: t.Iterable[Culprit]) -> list[str]:
    """Returns a line for each culprit that is to be fenced."""
    return [f"fence {one['address']} ({one['client']}): {'; '.join(one['reasons'])}" for one in to_fence(culprits)]

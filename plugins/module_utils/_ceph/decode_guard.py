# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers of the cluster that are not of the form that its releases give: said as such, wherever they are read."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError


@contextlib.contextmanager
def understood(command: str) -> t.Iterator[None]:
    """Around what takes the answer to ``command`` apart; also as a decorator. Raises ClusterError where that does not fit."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ClusterError(
            f"The cluster's answer to '{command}' has a form that is not known here ({error!r:.200}): see whether its release is supported."
        ) from error

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Guards the decoding of the cluster's answers: an answer of an unknown form becomes an error in words."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, FencedError, RescueError


@contextlib.contextmanager
def guarded(command: str) -> t.Iterator[None]:
    """Guards what decodes the answer to ``command``; also as a decorator. Raises ClusterError where its form does not fit."""
    try:
        yield
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ClusterError(f"The cluster's answer to '{command}' has an unknown form ({error!r:.200}): check whether its release is supported.") from error


def in_words(error: Exception, what: str) -> str:
    """Returns why a part of a look could not be read, so that one odd answer stops no look. Raises FencedError, since then nothing can be read."""
    if isinstance(error, FencedError):
        raise error
    return str(error) if isinstance(error, RescueError) else reasons.ODD_ERROR.format(what=what, reason=f"{error!r:.200}")

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes filters for a controller such as AWX. Each is documented in a file of its own."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx import keyring, survey
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx.leaves import leaves
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._options import known


class FilterModule:
    """Found by Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Returns name -> function."""
        return {"awx_survey": survey.spec_of, "keyring_key": keyring.key_of, "leaves": leaves, "text_lines": survey.text_lines, "unknown_names": known.unknown}

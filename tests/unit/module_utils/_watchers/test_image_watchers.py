# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import image_watchers


def test_specs() -> None:
    assert image_watchers.split_spec("rbd/lun") == ("rbd", "", "lun")
    assert image_watchers.split_spec("rbd/tenant/lun") == ("rbd", "tenant", "lun")


@pytest.mark.parametrize("spec", ["", "lun", "/lun", "rbd/", "rbd//lun", "a/b/c/d"])
def test_anything_else_is_refused(spec: str) -> None:
    with pytest.raises(InputError, match="does not name an image"):
        image_watchers.split_spec(spec)

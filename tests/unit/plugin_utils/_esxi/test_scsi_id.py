# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._esxi import scsi_id


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("eui.6465336666353233", ("eui.6465336666353233", None, "eui", "6465336666353233", "de3ff523")),
        ("eui.6465336666353233:1", ("eui.6465336666353233", 1, "eui", "6465336666353233", "de3ff523")),
        # SCST fills a short name up with zero bytes.
        ("eui.6c756e3132000000", ("eui.6c756e3132000000", None, "eui", "6c756e3132000000", "lun12")),
        ("eui.99e91f03b82de449", ("eui.99e91f03b82de449", None, "eui", "99e91f03b82de449", "")),
        ("naa.6001405ABCDEF012", ("naa.6001405ABCDEF012", None, "naa", "6001405abcdef012", "")),
        ("naa.600", ("naa.600", None, "other", "", "")),
        ("eui.xyz", ("eui.xyz", None, "other", "", "")),
        ("t10.ATA_____INTEL_SSD__BTWL30__:3", ("t10.ATA_____INTEL_SSD__BTWL30__", 3, "t10", "", "ATA INTEL SSD BTWL30")),
        ("mpx.vmhba1:C0:T0:L0", ("mpx.vmhba1:C0:T0:L0", None, "mpx", "", "")),
        ("mpx.vmhba1:C0:T0:L0:5", ("mpx.vmhba1:C0:T0:L0", 5, "mpx", "", "")),
        ("", ("", None, "other", "", "")),
        ("eui.36353036333533330025385100000001", ("eui.36353036333533330025385100000001", None, "eui", "36353036333533330025385100000001", "")),
        ("t10.NVMe____Disk_4TB_________0025385100000001", ("t10.NVMe____Disk_4TB_________0025385100000001", None, "t10", "", "NVMe Disk 4TB 0025385100000001")),
        ("sym.029010111831353837", ("sym.029010111831353837", None, "sym", "029010111831353837", "")),
        (
            "vml.0200010000600140500000000000000000000000014c494f2d4f52:2",
            ("vml.0200010000600140500000000000000000000000014c494f2d4f52", 2, "vml", "60014050000000000000000000000001", ""),
        ),
        ("vml.01000000", ("vml.01000000", None, "vml", "", "")),
    ],
)
def test_what_a_name_says(name: str, told: tuple[object, ...]) -> None:
    assert tuple(scsi_id.parse(name).values()) == told


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("vml.0200010000600140500000000000000000000000014c494f2d4f52", "naa.60014050000000000000000000000001"),
        ("vml.020001000064653366663532334c494f2d4f52", "eui.6465336666353233"),
        ("vml.02000100005000c500a1b2c3d44c494f2d4f52", "naa.5000c500a1b2c3d4"),
        ("vml.0100000000", "vml.0100000000"),
        ("naa.01", "naa.01"),
        ("", ""),
    ],
)
def test_vmwares_own_name_holds_another(name: str, canonical: str) -> None:
    assert scsi_id.canonical(name) == canonical

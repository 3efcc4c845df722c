# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what is behind a LUN of LIO: the backstore, its identity, and the initiator that has it reserved."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import tcmu
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.model import Image, Lun
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

# target_core_iblock.c, target_core_file.c: how they name the device or file in "info". The path of a device can be a link, which only its host resolves.
_DEVICE = re.compile(r"iBlock device: (\S+)  ")
_PATH = re.compile(r"(?:UDEV PATH|File): (.+?)  ")
# target_core_user.c: the handler's name, what it opens, and after a semicolon its options.
_CONFIG = re.compile(r"Config: ([^;\n]*?)(?:;[^\n]*)? Size: \d+")
_SERIAL = re.compile(r"T10 VPD Unit Serial Number: (.*)")
_HOLDER = re.compile(r"SPC-[23] Reservation: \S+ Initiator: (.+?)(?:,i,0x[0-9a-fA-F]+)?")
COMPANY_ID = "001405"
_SERIAL_DIGITS = 25


def fill(tree: Tree, root: str, lun: Lun) -> Lun:
    """Returns the LUN with the data of its backstore."""
    path = f"{root}/core/{lun.device}"
    serial = _SERIAL.fullmatch(tree.line(f"{path}/wwn/vpd_unit_serial"))
    holder = _HOLDER.fullmatch(tree.line(f"{path}/pr/res_holder"))
    filled = replace(
        lun,
        serial=serial[1] if serial else "",
        # A device that is passed through (pscsi) has its own identity.
        naa=naa(serial[1], _company(tree, path, lun)) if serial and not lun.device.startswith("pscsi_") else "",
        reservation_holder=holder[1] if holder else "",
    )
    return _backed(filled, tree.line(f"{path}/udev_path"), tree.text(f"{path}/info"))


def _company(tree: Tree, path: str, lun: Lun) -> str:
    """Returns the company. tcmu-runner makes page 83h itself, always with LIO's company (its tcmur_cmd_handler.c; measured)."""
    return COMPANY_ID if tcmu.is_served(lun.device) else tree.line(f"{path}/wwn/company_id")


def _backed(lun: Lun, udev_path: str, info: str) -> Lun:
    """Returns the LUN with the device or file that the kernel opened, or tcmu-runner's image: ``rbd/POOL/[NAMESPACE/]IMAGE``, without its options.

    ``udev_path`` is an administrator's note; it counts if the backstore itself names nothing.
    """
    config = _CONFIG.search(info) if tcmu.is_served(lun.device) else None
    if config:
        handler, _slash, opened = config[1].partition("/")
        backed = replace(lun, backing=config[1])
        return backed.on(Image(opened)) if handler == "rbd" and "/" in opened else backed
    device, path = _DEVICE.search(info), _PATH.search(info)
    return replace(lun, backing=f"/dev/{device[1]}" if device else path[1] if path else udev_path)


def naa(serial: str, company_id: str) -> str:
    """Returns the NAA of type 6 as target_core_spc.c makes it: the company, then the first 25 hex digits of the serial, then zeros."""
    digits = re.sub("[^0-9a-f]", "", serial.lower())[:_SERIAL_DIGITS].ljust(_SERIAL_DIGITS, "0")
    company = re.fullmatch("(?:0x)?([0-9a-f]{1,6})", company_id.lower())
    return f"6{(company[1] if company else COMPANY_ID).zfill(6)}{digits}" if serial else ""

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the LUNs of LIO that tcmu-runner serves, Ceph's own gateway. Its access groups say whether it breaks locks.

Sources: target_core_user.c, target_core_configfs.c and target_core_alua.c of Linux, alua.c and rbd.c of tcmu-runner.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_GROUP = re.compile(r"^TG Port Alias: (.*)$", re.MULTILINE)
_STATE = re.compile(r"^TG Port Primary Access State: (.*)$", re.MULTILINE)
_OSD_TIMEOUT = re.compile(r";osd_op_timeout=(\d{1,9})\b")
_DEFAULT_GROUP = "default_tg_pt_gp"


def is_served(device: str) -> bool:
    """Returns whether a backstore, as HBA/NAME, is one of tcmu-runner's."""
    return device.startswith("user_")


def of_lun(tree: Tree, core: str, directory: str) -> dict[str, t.Any]:
    """Returns C(mode), C(group), C(state), C(active) and two timeouts; ``core``: the backstore's directory, ``directory``: the LUN's in its portal group.

    With a group of its own, tcmu-runner takes the image's lock at the first command on the write path, and blocklists its owner. Without one, librbd
    asks the owner for the lock.
    """
    told, info = tree.text(f"{directory}/alua_tg_pt_gp"), tree.text(f"{core}/info")
    group, state, timeout = _GROUP.search(told), _STATE.search(told), _OSD_TIMEOUT.search(info)
    name = group[1] if group else ""
    return {
        "mode": "default" if name in ("", _DEFAULT_GROUP) else _mode(tree.line(f"{core}/alua/{name}/alua_access_type")),
        "group": name,
        "state": state[1] if state else "",
        "active": "Status: ACTIVATED" in info,
        "osd_op_timeout": int(timeout[1]) if timeout else None,
        "cmd_time_out": _number(tree.line(f"{core}/attrib/cmd_time_out")),
    }


def _mode(access_type: str) -> str:
    return "explicit" if "Explicit" in access_type and "Implicit" not in access_type else "implicit"


def _number(line: str) -> int | None:
    return int(line) if re.fullmatch(r"\d{1,9}", line) else None

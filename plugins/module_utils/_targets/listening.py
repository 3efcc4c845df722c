# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads where a program on this host listens, from C(/proc): proc(5), and Documentation/networking/proc_net_tcp.rst of Linux."""

from __future__ import annotations

import ipaddress
import re
import struct

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._portal import portal_at
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_LISTEN = "0A"
_SOCKET = "socket:["
_ADDRESS = re.compile(r"((?:[0-9A-Fa-f]{8}){1}|(?:[0-9A-Fa-f]{8}){4}):([0-9A-Fa-f]{4})")


def portals(tree: Tree, program: str) -> tuple[str, ...]:
    """Returns C(ADDRESS:PORT) of each listening TCP socket of the programs of that name, sorted. What this user is not allowed to read is a gap."""
    try:
        pids = [pid for pid in tree.names("proc") if pid.isdecimal() and tree.line(f"proc/{pid}/comm") == program]
        return tuple(sorted({portal for pid in pids for portal in _of_process(tree, pid)}))
    except TargetError as error:
        tree.note(f"where {program} listens is unknown: {error}")
        return ()


def _of_process(tree: Tree, pid: str) -> set[str]:
    """Returns the portals of a process in its network namespace."""
    links = ["/".join(tree.link(f"proc/{pid}/fd/{number}")) for number in tree.names(f"proc/{pid}/fd")]
    inodes = {link[len(_SOCKET) : -1] for link in links if link.startswith(_SOCKET)}
    rows = [line.split() for name in ("tcp", "tcp6") for line in tree.text(f"proc/{pid}/net/{name}").splitlines()[1:]]
    heard = [_ADDRESS.fullmatch(row[1]) for row in rows if len(row) > 9 and row[3] == _LISTEN and row[9] in inodes]
    return {_decoded(hit[1], hit[2]) for hit in heard if hit}


def _decoded(words: str, port: str) -> str:
    """Returns a portal. The kernel prints addresses as words in this host's byte order."""
    packed = b"".join(struct.pack("=I", int(words[start : start + 8], 16)) for start in range(0, len(words), 8))
    return portal_at(str(ipaddress.ip_address(packed)), int(port, 16))

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real sockets of a real process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import listening
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.tree import Tree

_DAEMON = """
import socket, sys
name, host = sys.argv[1:]
open("/proc/self/comm", "w").write(name)
kept = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
print(kept.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
def test_where_a_program_listens(host: str) -> None:
    if ":" in host and not socket.has_dualstack_ipv6():
        pytest.skip("this host has no IPv6")
    # Other tests run beside this one.
    name = f"unit-{os.getpid()}"
    with subprocess.Popen([sys.executable, "-c", _DAEMON, name, host], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout and daemon.stdin
        port = daemon.stdout.readline().strip()
        assert listening.portals(Tree("/"), name) == (f"[{host}]:{port}" if ":" in host else f"{host}:{port}",)
        daemon.stdin.close()
    assert listening.portals(Tree("/"), name) == ()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays of a case. Ansible takes ten times as long in a guest, so it runs outside and reaches the guest by SSH. Both ends.

The guest leaves what to run in the share, and starts an SSH server; this machine runs it, and leaves how it ended.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import subprocess
import typing as t
from pathlib import Path

from guest import run, wait_for

SHARE = Path("/run/guest")
_PLAY_S = 900
_ASKED, _ENDED, _WHERE = "asked.json", "ended.json", "where.json"


def options(share: Path, port: int) -> list[str]:
    """For qemu: ``port`` of this machine is the guest's SSH server."""
    _leave(share / _WHERE, {"share": str(share), "port": port})
    return ["-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "virtio-net-pci,netdev=net"]


def serve(share: Path) -> None:
    """Runs what the guest asks for, if it does."""
    if not (share / _ASKED).exists():
        return
    words = _take(share / _ASKED)
    # That one is the guests'; make has set all else.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    command = ["timeout", str(_PLAY_S), "ansible-playbook", *words]
    done = subprocess.run(command, check=False, cwd=share, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    _leave(share / _ENDED, {"status": done.returncode, "output": done.stdout})


def ansible_playbook(inventory: dict[str, t.Any], playbook: Path | list[dict[str, t.Any]], **variables: t.Any) -> None:
    """In a guest. All hosts of ``inventory`` are this guest; ``playbook`` can be plays, too. It must end well."""
    everything = inventory["all"]
    _leave(SHARE / "inventory.json", {"all": {**everything, "vars": {**everything.get("vars", {}), **_connection()}}})
    if isinstance(playbook, list):
        _leave(SHARE / "plays.json", playbook)
    _leave(SHARE / _ASKED, ["-i", "inventory.json", "plays.json" if isinstance(playbook, list) else str(playbook), "-e", json.dumps(variables)])
    # The guest has but one processor, which the play needs.
    wait_for((SHARE / _ENDED).exists, _PLAY_S + 60, "the play's end", pause=3)
    ended = _take(SHARE / _ENDED)
    print(ended["output"])
    assert ended["status"] == 0


def name_outside(path: Path) -> str:
    """Of a file in the share of this guest."""
    return f"{_where()['share']}/{path.relative_to(SHARE)}"


@functools.cache
def _connection() -> dict[str, t.Any]:
    """An SSH server in the share. Its key is also its clients' key. In its home, no shell finds settings of this machine."""
    key, home = SHARE / "key", Path("/run/home")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    for needed in (home, Path("/run/sshd")):
        needed.mkdir()
    settings = (f"HostKey={key}", f"AuthorizedKeysFile={key}.pub", f"SetEnv=HOME={home}", "StrictModes=no", "UsePAM=no", "PidFile=none")
    run("/usr/sbin/sshd", "-f", "/dev/null", *(word for setting in settings for word in ("-o", setting)))
    wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", 22)) == 0, saying="the SSH server")
    return {
        "ansible_host": "127.0.0.1",
        "ansible_port": _where()["port"],
        "ansible_user": "root",
        "ansible_ssh_private_key_file": name_outside(key),
        "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
        "ansible_python_interpreter": "/usr/bin/python3",
    }


def _where() -> dict[str, t.Any]:
    return json.loads((SHARE / _WHERE).read_text())  # type: ignore[no-any-return]


def _leave(path: Path, content: t.Any) -> None:
    """Whole, or not yet."""
    path.with_suffix(".new").write_text(json.dumps(content))
    path.with_suffix(".new").rename(path)


def _take(path: Path) -> t.Any:
    content = json.loads(path.read_text())
    path.unlink()
    return content

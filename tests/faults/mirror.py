# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real rbd-mirror watches an image besides its gateway. It does not count as a gateway: the image is normal, and headless while the gateway is stopped.

usage: mirror.py LAB PORT PEER_PORT, of a lab that is up; the peer is a second lab, which this starts and removes

Exits with 1 if the mirror counted as a gateway, or if the role fenced one of the two.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

from aftermath import blacklist, outcome
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from lab import LOOK, Lab, LabError

IMAGE, PEER_USER = "mirrored", "client.rbd-mirror.peer"
LONGEST_S = 120
RUN = {"remediate_watchers_images": [f"rbd/{IMAGE}"], "remediate_watchers_report_dir": ""}


@contextlib.contextmanager
def peer(directory: Path, port: int) -> t.Iterator[Lab]:
    lab = Lab(directory, port)
    for playbook in ("lab_down", "lab_up"):
        play(lab, playbook)
    try:
        yield lab
    finally:
        play(lab, "lab_down")


def play(lab: Lab, name: str) -> None:
    command = ["ansible-playbook", f"playbooks/{name}.yml", *(word for key, value in lab.settings.items() for word in ("--extra-vars", f"{key}={value}"))]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise LabError(done.stdout)


def rbd(lab: Lab, *command: str) -> str:
    return lab.run("rbd", "--conf", lab.conf, *command)


def pair(lab: Lab, other: Lab) -> None:
    """Makes the peer's mirror copy from the lab."""
    for one in (lab, other):
        rbd(one, "mirror", "pool", "enable", "rbd", "image")
    token = other.directory / "token"
    token.write_text(rbd(lab, "mirror", "pool", "peer", "bootstrap", "create", "--site-name", "here", "rbd"))
    rbd(other, "mirror", "pool", "peer", "bootstrap", "import", "--site-name", "there", "--direction", "rx-only", "rbd", str(token))


@contextlib.contextmanager
def mirror(other: Lab) -> t.Iterator[None]:
    """Runs the daemon itself."""
    keyring, log = other.directory / "mirror.keyring", other.directory / "mirror.log"
    keyring.write_text(other.run("ceph", "--conf", other.conf, "auth", "get-or-create", PEER_USER, "mon", "profile rbd-mirror", "osd", "profile rbd"))
    command = ["rbd-mirror", "-f", "--conf", other.conf, "--name", PEER_USER, "--keyring", str(keyring), "--log-file", str(log), "--admin-socket", ""]
    # For its own cluster it takes the ceph.conf that it finds, even if --conf names another one (measured with 16.2.15).
    process = subprocess.Popen(command, cwd=other.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def look(lab: Lab, timeout_s: int = 3) -> dict[str, t.Any]:
    found = detect.look({**LOOK, **lab.connection, "images": [f"rbd/{IMAGE}"], "liveness": "all", "notify_timeout": timeout_s})
    return t.cast(dict[str, t.Any], found["images"][0])


def daemons(image: dict[str, t.Any]) -> list[str]:
    return [watcher["daemon"] for watcher in image["watchers"] if watcher["daemon"]]


def wait_for_mirror(lab: Lab) -> None:
    give_up = time.monotonic() + LONGEST_S
    while len(look(lab)["watchers"]) < 2:
        if time.monotonic() > give_up:
            raise LabError(f"No rbd-mirror watched rbd/{IMAGE} within {LONGEST_S} s.")
        # A mirror that copies a snapshot has the image open. The lab learns of its peer only when the peer's mirror has connected.
        lab.run("rbd", "--conf", lab.conf, "mirror", "image", "snapshot", f"rbd/{IMAGE}", check=False)
        time.sleep(1)


def wrong_while_both_answer(lab: Lab) -> list[str]:
    found = look(lab)
    print(f"both answer: {found['state']}, {daemons(found)}", flush=True)
    return [] if found["state"] == "normal" and daemons(found) else [f"with a gateway and a mirror it is {found}"]


def wrong_while_stopped(lab: Lab, gateway: dict[str, t.Any]) -> list[str]:
    """Stops the gateway, so that only the mirror answers."""
    os.kill(gateway["pid"], signal.SIGSTOP)
    before = blacklist(lab)["entries"]
    try:
        found = look(lab)
        run = lab.play("playbooks/remediate_watchers.yml", RUN)
    finally:
        os.kill(gateway["pid"], signal.SIGCONT)
    print(f"the gateway is stopped: {found['state']}, {daemons(found)}, the role ended as {outcome(run)}", flush=True)
    wrong = [] if found["state"] == "headless" and daemons(found) else [f"with the gateway stopped it is {found}"]
    wrong += [] if outcome(run) == "refused" else [f"the role ended as {outcome(run)}: {run.stdout[-2000:]}"]
    return wrong + ([] if blacklist(lab)["entries"] == before else ["a client was fenced"])


def main() -> None:
    lab, peer_port = Lab(Path(sys.argv[1]), int(sys.argv[2])), int(sys.argv[3])
    directory = lab.directory.with_name(f"{lab.directory.name}_peer")
    with peer(directory, peer_port) as other:
        pair(lab, other)
        lab.create(IMAGE, "layering,exclusive-lock")
        gateway = lab.client(IMAGE, IMAGE)
        rbd(lab, "mirror", "image", "enable", f"rbd/{IMAGE}", "snapshot")
        with mirror(other):
            wait_for_mirror(lab)
            wrong = wrong_while_both_answer(lab) + wrong_while_stopped(lab, gateway)
        lab.run(*lab.daemon(IMAGE), "--stop", "--retry", "TERM/10/KILL/5")
    shutil.rmtree(directory, ignore_errors=True)
    print(*(f"FAILED {one}" for one in wrong), sep="\n", end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

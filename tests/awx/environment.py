# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-builder made of execution-environment.yml and of the built collection, short of the image.

usage: environment.py CONTEXT, the build context, with pip.txt and bindep.txt as 'ansible-builder introspect' wrote them for the installed artifact

Prints a line for each try and ends with 1 when one did not go as it should.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).parents[2]


def asked(bindep: Path, *profiles: str) -> set[str]:
    """The packages that bindep names for this Debian."""
    done = subprocess.run(["bindep", "--list_all", "newline", "--file", str(bindep), *profiles], check=False, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


def tries(context: Path) -> dict[str, bool]:
    version = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text())["version"]
    artifact = f"artifact/cephops-iscsi_rescue-{version}.tar.gz"
    (collection,) = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    steps = (context / "Containerfile").read_text()
    python = {line.partition("#")[0].strip() for line in (context / "pip.txt").read_text().splitlines() if line.strip()}
    return {
        "the environment holds this version of the collection": collection["name"] == artifact and (context / "_build" / artifact).is_file(),
        "and installs it": "ansible-galaxy collection install" in steps and "requirements.yml" in steps,
        "its Python is new enough for ansible-core 2.17": 'PYCMD="/usr/bin/python3.12"' in steps,
        "it can go over SSH": "openssh-clients" in (context / "_build" / "bindep.txt").read_text(),
        "the collection asks for jmespath, and not for another ansible-core": python == {"jmespath"},
        "an environment that only controls gets none of Ceph": asked(context / "bindep.txt") == set(),
        "one that is itself a host gets what hosts need": asked(context / "bindep.txt", "local") == {"python3-rados", "python3-rbd", "libiscsi7"},
    }


def main() -> None:
    tried = tries(Path(sys.argv[1]))
    for what, holds in tried.items():
        print(f"{'ok' if holds else 'FAILED':<8}{what}")
    sys.exit(0 if all(tried.values()) else 1)


if __name__ == "__main__":
    main()

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs every command of the tutorial, in its order, and sees that each prints what the tutorial shows.

usage: tutorial.py LAB PORT

The commands are run as printed, but for the lab, which is one of its own. Numbers, and how lines are broken, might differ from what is shown.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"```(sh|text)\n(.*?)```", re.DOTALL)


def main() -> None:
    lab, port = sys.argv[1:]
    blocks = [(kind, _elsewhere(text, lab, int(port))) for kind, text in BLOCK.findall(PAGE.read_text())]
    commands = "".join(text if kind == "sh" else f"echo '== end of {number}'\n" for number, (kind, text) in enumerate(blocks))
    # Into a file: the rbd command leaves a pipe non-blocking, which the next ansible-playbook refuses; with a terminal it does not.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(["bash", "-exc", commands], check=False, stdout=output, stderr=subprocess.STDOUT, timeout=3600)
        output.seek(0)
        printed = output.read()
    missing = _missing(printed, blocks)
    print("\n".join([printed, *missing, f"ended with {done.returncode}, {len(missing)} lines of the tutorial were not printed"]))
    sys.exit(1 if done.returncode or missing else 0)


def _elsewhere(text: str, lab: str, port: int) -> str:
    text = text.replace("/var/tmp/iscsi_rescue_lab", lab).replace("127.0.0.1:21302", f"127.0.0.1:{port + 2}")
    return re.sub(r"playbooks/lab_(up|inject|down)\.yml", rf"\g<0> -e incident_lab_dir={lab} -e incident_lab_port={port}", text)


def _missing(output: str, blocks: list[tuple[str, str]]) -> list[str]:
    """The lines of each block of text that the commands before it did not print."""
    missing, rest = [], output
    for number, (kind, text) in enumerate(blocks):
        if kind == "text":
            printed, _end, rest = rest.partition(f"\n== end of {number}\n")
            printed = _even(printed)
            missing += [f"not printed: {line}" for line in text.splitlines() if not all(_even(part) in printed for part in line.split("…"))]
    return missing


def _even(text: str) -> str:
    return re.sub(r"\d+", "0", re.sub(r"[\s'-]+", " ", text)).strip()


if __name__ == "__main__":
    main()

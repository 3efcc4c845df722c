# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of least_privilege.py that heals in the lower tier, once: an orphan, and a stopped client; and neither key nor password is shown.

usage: privilege_once.py LAB PORT, of a lab that is up
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from lab import Lab
from least_privilege import CommandLines, Privilege, heals, tells_nothing


def main() -> None:
    tried = Privilege(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    with CommandLines() as lines:
        heals(tried, "image", "image")
    tells_nothing(tried, lines)
    shutil.rmtree(tried.home)
    print(f"{len(tried.faults)} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

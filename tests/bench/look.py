# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look of rbd_watchers at a whole cluster, in a process of its own, with what it took.

usage: look.py LAB OPTIONS, with options of the module as JSON

Prints JSON: ``seconds`` from connecting to the result, what the module says itself, and the process's peak memory in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect
from lab import LOOK, Lab


def main() -> None:
    lab, options = Lab(Path(sys.argv[1]), 0), json.loads(sys.argv[2])
    began = time.perf_counter()
    found = detect.look({**lab.connection, **LOOK, **options})
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {name: found[name] for name in ("counts", "elapsed", "survey", "incomplete")}
    print(json.dumps({"seconds": seconds, "peak_mib": peak, "culprits": [one["address"] for one in found["culprits"]], **told}))


if __name__ == "__main__":
    main()

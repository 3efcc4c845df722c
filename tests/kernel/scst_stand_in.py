# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A STAND-IN for SCST's sysfs directory: no SCST can be had for Debian's kernel, so this file system behaves as its trace_level file does.

usage: scst_stand_in.py DIRECTORY [--without-tracing] [--refusing]

What it shows and takes follows SCST 3.11's scst_sysfs.c; its text is that of a captured trace_level.
With --refusing it knows the flag scsi, and does not take it.
"""

from __future__ import annotations

import errno
import stat
import sys
import typing as t

import fusepy as fuse

TOKENS = ["function", "line", "pid", "out_of_mem", "special", "scsi", "mgmt", "minor", "scsi_serializing", "retry", "pr"]
# Those that can be set are more, and shown in another order (scst_trace_tbl and scst_local_trace_tbl in SCST's scst/src/scst_sysfs.c).
SHOWN = [
    *("out_of_mem", "minor", "sg", "mem", "buff", "entryexit", "pid", "line", "function", "debug", "special", "scsi", "mgmt", "mgmt_dbg", "flow_control", "pr"),
    *("retry", "scsi_serializing", "data_send", "data_received", "block"),
]
# 'all' writes 0xffffffff, which has bits that no flag names; they stay until 'none', 'default' or a value is written.
NAMELESS = "a bit without a name"
DEFAULT = {"out_of_mem", "pid", "special", "mgmt"}
USAGE = f"""

Usage:
\techo "all|none|default" >trace_level
\techo "value DEC|0xHEX|0OCT" >trace_level
\techo "add|del TOKEN" >trace_level

where TOKEN is one of [{", ".join(TOKENS)}]
"""


class StandIn(fuse.Operations):  # type: ignore[misc]
    def __init__(self, tracing: bool, taken: t.Sequence[str]) -> None:
        self.taken = taken
        self.names = ["trace_level", "writes"] if tracing else []
        self.set = set(DEFAULT)
        self.writes: list[str] = []

    def getattr(self, path: str, fh: t.Any = None) -> dict[str, int]:
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path[1:] not in self.names:
            raise fuse.FuseOSError(errno.ENOENT)
        return {"st_mode": stat.S_IFREG | 0o644, "st_nlink": 1, "st_size": 4096}

    def readdir(self, path: str, fh: t.Any) -> list[str]:
        return [".", "..", *self.names]

    def read(self, path: str, size: int, offset: int, fh: t.Any) -> bytes:
        text = "\n".join(self.writes) if path == "/writes" else " | ".join(token for token in SHOWN if token in self.set) + "\n" + USAGE
        return text.encode()[offset : offset + size]

    def truncate(self, path: str, length: int, fh: t.Any = None) -> None:
        """As sysfs, which takes no notice of it."""

    def write(self, path: str, data: bytes, offset: int, fh: t.Any) -> int:
        words = data.decode().split()
        whole = {"all": {*SHOWN, NAMELESS}, "none": set(), "default": DEFAULT}
        if len(words) == 1 and words[0] in whole:
            self.set = set(whole[words[0]])
        elif len(words) == 2 and words[0] in ("add", "del") and words[1] in self.taken:
            self.set = self.set | {words[1]} if words[0] == "add" else self.set - {words[1]}
        else:
            raise fuse.FuseOSError(errno.EINVAL)
        self.writes.append(" ".join(words))
        return len(data)


if __name__ == "__main__":
    takes = [token for token in SHOWN if token != "scsi" or "--refusing" not in sys.argv]
    fuse.FUSE(StandIn("--without-tracing" not in sys.argv, takes), sys.argv[1], foreground=True, direct_io=True, nothreads=True)

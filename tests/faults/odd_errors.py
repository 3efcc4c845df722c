# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One odd thing never blinds or stops the rest: every kind of error is raised at every reader of a look, and the other images are judged as always.

usage: odd_errors.py LAB PORT, of a lab that is up

The cluster is real; an error is raised in the place of what one reader would have read. Prints a line for each reader, and exits with 1 if a look failed.
"""

from __future__ import annotations

import errno
import sys
import typing as t
from pathlib import Path
from unittest import mock

import rados
import rbd
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import gateway_conf
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect, directory_and_trash, image_watchers, trash
from dead_end import DeadEnd
from lab import LOOK, Lab

ERRORS: tuple[Exception, ...] = (
    rados.Error("odd", errno.EIO),
    rados.TimedOut("odd", errno.ETIMEDOUT),
    rados.PermissionError("odd", errno.EPERM),
    rados.ObjectNotFound("odd", errno.ENOENT),
    rbd.Error("odd"),
    rbd.PermissionError("odd", errno.EPERM),
    rbd.InvalidArgument("odd", errno.EINVAL),
    ClusterError("odd", errno.ETIMEDOUT),
    IndexError("list index out of range"),
    KeyError("odd"),
    TypeError("odd"),
    ValueError("odd"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "odd"),
    OverflowError("odd"),
    RecursionError("odd"),
    MemoryError("odd"),
)


class Reader(t.NamedTuple):
    """``place`` has the function ``name``; the error is raised where its arguments hold ``word``.

    ``blinds``: by which surveys the look must say what it missed. ``broken``: the state of the broken image then.
    """

    what: str
    place: t.Any
    name: str
    word: str
    blinds: t.Collection[str] = ("sweep", "image")
    broken: str = "stale_duplicate"


READERS = (
    Reader("an image", image_watchers, "of", "name='odd'"),
    Reader("the directory of a pool", directory_and_trash, "read_pool", "second"),
    Reader("the trash of a pool", trash, "read", ""),
    Reader("an OSD's watchers", Cluster, "tell_osd", ", 0, 'dump_watchers'", blinds=["sweep"]),
    Reader("a monitor's sessions", Cluster, "tell_monitor", "sessions", blinds=()),
    Reader("the quorum", Cluster, "command", "quorum_status", blinds=()),
    Reader("the service map", Cluster, "command", "service dump", blinds=()),
    Reader("the placement groups", Cluster, "command", "pg dump_stuck", blinds=()),
    Reader("where a header is", Cluster, "command", "osd map", blinds=(), broken="undetermined"),
    Reader("the configuration of ceph-iscsi", gateway_conf, "_text", "", blinds=()),
)


def raising(reader: Reader, error: Exception) -> t.Any:
    real = getattr(reader.place, reader.name)

    def act(*arguments: t.Any, **more: t.Any) -> t.Any:
        if reader.word in repr((arguments, more)):
            raise error
        return real(*arguments, **more)

    return mock.patch.object(reader.place, reader.name, act)


def wrong(lab: Lab, reader: Reader, error: Exception, survey: str) -> str:
    try:
        with raising(reader, error):
            found = detect.look({**lab.connection, "osd_settle": 1, **LOOK, "survey": survey, "notify_timeout": 1, "liveness": "all"})
    except RescueError as failed:
        return f"the look failed: {failed}"
    except Exception as failed:
        return f"the look crashed: {failed!r}"
    if survey in reader.blinds and not found["incomplete"]:
        return "nothing says that the look missed something"
    broken = [image["state"] for image in found["images"] if image["spec"] == "rbd/broken"]
    return "" if broken == [reader.broken] or (not broken and found["counts"]["unseen"]) or reader.what == "the trash of a pool" else f"it is {broken}"


def main() -> None:
    tried = DeadEnd(Lab(Path(sys.argv[1]), int(sys.argv[2])))
    tried.lab.inject("broken")
    tried.lab.create("odd")
    tried.lab.client("odd", "odd")
    tried.lab.orphan("odd", "odd-too")
    tried.lab.run("ceph", "--conf", tried.lab.conf, "osd", "pool", "create", "second", "1")
    tried.lab.run("rbd", "--conf", tried.lab.conf, "pool", "init", "second")
    tried.lab.run("rbd", "--conf", tried.lab.conf, "create", "second/one", "--size", "8M")
    for reader in READERS:
        for survey in ("sweep", "image"):
            # Each look that cannot see where a header is waits for that, in vain.
            errors = ERRORS[-4:] if reader.broken == "undetermined" else ERRORS
            found = {repr(error): why for error in errors if (why := wrong(tried.lab, reader, error, survey))}
            tried.check(f"{reader.what}, by {survey}: {len(errors)} kinds of errors", not found, found)
    print(f"{tried.faults} failed")
    sys.exit(1 if tried.faults else 0)


if __name__ == "__main__":
    main()

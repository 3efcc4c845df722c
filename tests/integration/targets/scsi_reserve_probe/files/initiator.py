# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another initiator: holds a LUN reserved, or kills probes and sees whether they left a reservation.

usage: initiator.py hold PORTAL TARGET LUN SECONDS | initiator.py kill PORTAL TARGET LUN TIMES
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, probe, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan


def session(portal: str, target: str, lun: int, name: str) -> IscsiTransport:
    transport = IscsiTransport(portal, target, lun, f"iqn.2026-11.invalid.cephops.iscsi-rescue:{name}")
    transport.connect(5)
    return transport


def reserve(transport: IscsiTransport) -> int:
    """The status of RESERVE, after the unit attentions of a new session."""
    for _try in range(5):
        reply = transport.execute(commands.reserve(), 5)
        if not reply.is_sense(replies.UNIT_ATTENTION):
            break
    return reply.status


def hold(portal: str, target: str, lun: int, seconds: float) -> None:
    transport = session(portal, target, lun, "holder")
    status = reserve(transport)
    time.sleep(seconds)
    transport.execute(commands.release(), 5)
    transport.close(1)
    sys.exit(status)


def kill(portal: str, target: str, lun: int, times: int) -> None:
    left = 0
    for _time in range(times):
        victim = multiprocessing.Process(
            target=probe.run, args=(IscsiTransport(portal, target, lun, "iqn.2026-11.invalid.cephops:victim"), Plan(30, 1, "flush"))
        )
        victim.start()
        time.sleep(random.choice((random.uniform(0, 0.02), 0.3)))
        os.kill(victim.pid or 0, signal.SIGKILL)
        victim.join()
        left += still_reserved(portal, target, lun)
    print(json.dumps({"killed": times, "left_reserved": left}))


def still_reserved(portal: str, target: str, lun: int) -> bool:
    other = session(portal, target, lun, "other")
    deadline = time.monotonic() + 1
    while (status := reserve(other)) == replies.RESERVATION_CONFLICT and time.monotonic() < deadline:
        time.sleep(0.05)
    other.execute(commands.release(), 5)
    other.close(1)
    return status != replies.GOOD


if __name__ == "__main__":
    action, portal_, target_, lun_, number = sys.argv[1:]
    {"hold": hold, "kill": kill}[action](portal_, target_, int(lun_), int(number))

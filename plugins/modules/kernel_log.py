#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kernel_log
short_description: Read SCSI reservations, errors and locks in the kernel log since a mark
version_added: 0.1.0
description:
  - Reads C(/dev/kmsg) from a mark on, and turns what LIO, SCST, the SCSI disks and krbd log about reservations, errors and locks into events.
  - The first call, without O(since), returns the mark. Most targets log reservations only while their debug messages are switched on.
options:
  since:
    description:
      - The RV(mark) of an earlier call, or V(boot) for all that the kernel still holds.
      - Without it and O(path), only the mark is returned.
    type: str
  patterns:
    description: Regular expressions. All messages that one of them matches anywhere are returned in RV(lines).
    type: list
    elements: str
    default: []
  path:
    description:
      - A file with lines of C(dmesg) or of a syslog, to read in place of the running kernel's log, instead of O(since). There is no mark then.
      - Lines of other programs are left out. If syslog left out the kernel's clock, or C(dmesg) wrote the time of day instead, the seconds are 0.
      - A file without a line of a known form is refused.
    type: path
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.read_only
notes:
  - On most systems, only root is allowed to read the kernel log.
seealso:
  - module: cephops.iscsi_rescue.dynamic_debug
  - module: cephops.iscsi_rescue.scst_trace_level
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Note where the log ends
  cephops.iscsi_rescue.kernel_log:
  register: before

- name: Probe the LUN
  cephops.iscsi_rescue.scsi_reserve_probe:
    device: /dev/sdb

- name: Read what the kernel logged meanwhile
  cephops.iscsi_rescue.kernel_log:
    since: "{{ before.mark }}"
    patterns: ["rbd: "]
"""

RETURN = r"""
mark:
  description: Where the log ends now, for the next call; empty with O(path).
  returned: success
  type: str
  sample: 7088b6dd-f7fe-40bd-8dc5-16bdd1f46d9b:4711
clock:
  description: The kernel's clock when its log was read, in seconds since boot, to compare with RV(events[].seconds); 0 with O(path).
  returned: success
  type: float
  sample: 101.2
gap:
  description: What is missing since the mark, in words, if the kernel overwrote it or was booted, or its log is too long; otherwise empty.
  returned: success
  type: str
  sample: ''
events:
  description: The events, in their order. What the kernel did not log is empty, and RV(events[].lun) is null.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description:
        - V(reserve) and V(release), by RESERVE and RELEASE.
        - V(conflict), an initiator met the reservation of another.
        - V(error), a SCSI command failed or was aborted, a LUN was reset, or the block layer reports an error.
        - V(lock), krbd waits for the image's exclusive lock, or breaks it.
      type: str
      sample: conflict
    seconds:
      description: When, in seconds since boot.
      type: float
      sample: 97.566348
    stack:
      description: The part of the kernel that logs it, V(lio), V(scst), V(krbd), or V(sd) for SCSI disks and the block layer.
      type: str
      sample: scst
    device:
      description: SCST's device, the C(H:C:T:L) of a disk, or C(rbdN).
      type: str
      sample: lun12
    disk:
      description: The initiator's disk.
      type: str
      sample: sdd
    lun:
      description: The LUN's number, as the initiator sees it.
      type: int
      sample: 12
    initiator:
      description: The initiator that sent the command.
      type: str
      sample: iqn.1998-01.com.vmware:esx1
    target:
      description: SCST's target, or LIO's fabric.
      type: str
      sample: scst_local_tgt
    old_holder:
      description:
        - The initiator that held the LUN until then, or holds it if the kind is V(conflict), or the owner of the lock.
        - SCST does not log whether the sender of RELEASE was the holder, so it is known only if the log has the sender's RESERVE.
      type: str
      sample: ''
    holder:
      description: The initiator that holds the LUN from then on.
      type: str
      sample: ''
    command:
      description: The SCSI command.
      type: str
      sample: RESERVE(6)
    status:
      description: How it ended; SCST's status is in hex, those of disks and of the block layer are the kernel's words.
      type: str
      sample: '0x18'
    sense:
      description: The sense of an error.
      type: str
      sample: ''
    text:
      description: The kernel's own messages, a line each.
      type: str
      sample: 'scst: Reservation conflict (dev lun12, initiator initB, tgt_id 0)'
lines:
  description: The messages that O(patterns) match, with C(seconds) since boot and C(priority) from 0 to 7.
  returned: success
  type: list
  elements: dict
  sample: [{"seconds": 97.5, "priority": 4, "message": "rbd: rbd0: no lock owners detected"}]
"""

import re
import time
import typing as t
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import kernel_events, kernel_log
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Read, Record
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words


def _read(options: dict[str, t.Any]) -> Read:
    if options["since"] == "":
        raise InputError("since is empty: give the mark of an earlier call, or boot, or leave it out.")
    if options["path"]:
        return Read(kernel_log.read_file(options["path"]), "", "")
    if options["since"] is None:
        return Read([], kernel_log.mark(), "")
    return kernel_log.since("" if options["since"] == "boot" else options["since"])


def _compile(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise InputError(f"'{pattern}' of patterns is no regular expression: {error}.") from error


def _lines(records: list[Record], patterns: list[str]) -> list[dict[str, t.Any]]:
    wanted = [_compile(pattern) for pattern in patterns]
    found = (record for record in records if any(pattern.search(record.message) for pattern in wanted))
    return [{"seconds": record.seconds, "priority": record.priority, "message": record.message} for record in found]


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            since=dict(type="str"),
            patterns=dict(type="list", elements="str", default=[]),
            path=dict(type="path"),
        ),
        mutually_exclusive=[("since", "path")],
        supports_check_mode=True,
    )
    try:
        read = _read(module.params)
        lines = _lines(read.records, module.params["patterns"])
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    events = [asdict(event) for event in kernel_events.parse(read.records).events]
    # The kernel's messages have about the same clock (local_clock() in kernel/printk/printk.c of Linux).
    clock = 0.0 if module.params["path"] else round(time.clock_gettime(time.CLOCK_MONOTONIC), 3)
    module.exit_json(changed=False, mark=read.mark, clock=clock, gap=read.gap, events=events, lines=lines)


if __name__ == "__main__":
    main()

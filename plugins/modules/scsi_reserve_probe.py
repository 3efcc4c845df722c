#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scsi_reserve_probe
short_description: Prove with a real SCSI RESERVE whether an iSCSI LUN answers
version_added: 0.1.0
description:
  - Logs in to an iSCSI target in user space and sends the commands that an initiator depends on, each timed - INQUIRY, TEST UNIT READY,
    PERSISTENT RESERVE IN, RESERVE(6), RELEASE(6), READ CAPACITY(16), READ of block 0, and a command that goes the way of a write
    without changing anything.
  - Always returns by O(deadline), whatever the LUN does. Leaves nothing reserved, resets nothing, and takes nobody's reservation away.
  - RELEASE follows RESERVE at once, so that the LUN is not reserved while a later step hangs, even when the module is killed.
  - The probe's result is a fact, not a failure of the task. The task fails only when the probe cannot be run at all.
options:
  portal:
    description: The target's portal, V(HOST), V(HOST:PORT) or V([IPV6]:PORT). The port is 3260 unless given.
    type: str
  target:
    description: The target's iSCSI name.
    type: str
  lun:
    description: The LUN's number, from 0 to 255.
    type: int
  luns:
    description:
      - Probe many LUNs at once, in place of the one that O(portal), O(target) and O(lun) name. It takes O(deadline) altogether.
      - The results are in RV(probes).
    type: list
    elements: dict
    suboptions:
      name:
        description: What to call it in the result, such as the RBD image behind it.
        type: str
        default: ''
        aliases: [image]
      portal:
        description: As O(portal).
        type: str
        required: true
      target:
        description: As O(target).
        type: str
        required: true
      lun:
        description: As O(lun).
        type: int
        required: true
  initiator:
    description:
      - The iSCSI name to log in as. The target must let it in.
      - Do not give the name of an initiator that is in use. The session has a random ISID, so it would replace nobody's session, but the target
        may show the probe as that host.
    type: str
    default: iqn.2026-11.invalid.cephops.iscsi-rescue:probe
  chap_user:
    description: User for CHAP.
    type: str
  chap_password:
    description: Secret for CHAP.
    type: str
  deadline:
    description: Seconds after which the probe ends in any case.
    type: float
    default: 10
  slow_after:
    description: Seconds that a single step may take before the LUN counts as V(slow).
    type: float
    default: 1
  write_path:
    description:
      - How the way of writes is tested. Targets answer reservations, and often reads, by themselves, so only this shows that the storage takes writes.
      - V(flush) sends SYNCHRONIZE CACHE. It needs a target that passes it down, as tgt with RBD does.
      - V(ats) sends COMPARE AND WRITE of the last block, with what was just read from it, which changes nothing.
      - V(orwrite) sends ORWRITE of zeros to the last block, which changes nothing.
      - V(none) leaves it out.
    type: str
    choices: [none, flush, ats, orwrite]
    default: flush
requirements:
  - libiscsi7 on the host that runs the module
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.read_only
notes:
  - In check mode it does the same, since it changes nothing.
author:
  - The cephops.iscsi_rescue authors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Does the LUN answer?
  cephops.iscsi_rescue.scsi_reserve_probe:
    portal: 192.0.2.10
    target: iqn.2001-04.com.example:storage
    lun: 12
  register: probe

- name: Stop where it does not
  ansible.builtin.assert:
    that: probe.verdict in ['healthy', 'slow']
    fail_msg: "{{ probe.reason }}"
"""

RETURN = r"""
probes:
  description: For each of O(luns), in their order, its C(name), C(portal), C(target) and C(lun), with what is returned for a single LUN.
  returned: with O(luns)
  type: list
  elements: dict
  sample: [{"name": "rbd/esx-datastore1", "portal": "192.0.2.10", "target": "iqn.2001-04.com.example:storage", "lun": 12, "verdict": "hung"}]
verdict:
  description:
    - V(healthy), every step answered in time.
    - V(slow), every step answered, one of them later than O(slow_after).
    - V(hung), a step had no answer by the deadline.
    - V(conflict), another initiator holds the LUN, by reservation or by persistent reservation keys. That is not a hang.
    - V(faulty), the LUN answered with an error.
    - V(unreachable), there is no session with the target, or no such LUN.
  returned: with O(lun)
  type: str
  sample: hung
reason:
  description: The verdict in words.
  returned: with O(lun)
  type: str
  sample: flush had no answer within 9.5 s
steps:
  description: The steps that were done, in their order.
  returned: with O(lun)
  type: list
  elements: dict
  contains:
    name:
      description: The command.
      type: str
      sample: reserve
    seconds:
      description: How long it took, all tries together.
      type: float
      sample: 0.0312
    status:
      description: The SCSI status in words, or V(no_answer), V(failed), V(connection_lost).
      type: str
      sample: good
    sense:
      description: Sense key, additional sense code and qualifier, in words and in hex; empty where there is none.
      type: str
      sample: unit attention 6/29/00
    tries:
      description: How often it was sent. A unit attention and a busy LUN are tried again.
      type: int
      sample: 1
identity:
  description: Who the LUN says it is - C(vendor), C(product), C(revision), C(serial), and C(eui) and C(naa) in hex.
  returned: with O(lun)
  type: dict
  sample: {"vendor": "IET", "product": "VIRTUAL-DISK", "revision": "0001", "serial": "beaf11", "eui": "", "naa": ""}
registrants:
  description: Registered persistent reservation keys, in hex.
  returned: with O(lun)
  type: list
  elements: str
  sample: []
"""

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import Credentials, IscsiTransport
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan, probe

LONGEST_DEADLINE_S = 3600


def _probe(options: dict[str, t.Any]) -> dict[str, t.Any]:
    if not 1 <= options["deadline"] <= LONGEST_DEADLINE_S:
        raise InputError(f"deadline is {options['deadline']:g}: give between 1 and {LONGEST_DEADLINE_S} seconds.")
    chap = Credentials(options["chap_user"], options["chap_password"]) if options["chap_user"] else None
    plan = Plan(options["deadline"], options["slow_after"], options["write_path"])
    luns = [options] if options["luns"] is None else options["luns"]
    transports = [IscsiTransport(lun["portal"], lun["target"], lun["lun"], options["initiator"], chap) for lun in luns]
    # A thread for each, so that all of them end by the one deadline.
    with ThreadPoolExecutor(max(1, len(transports))) as probers:
        outcomes = [asdict(outcome) for outcome in probers.map(lambda transport: probe(transport, plan), transports)]
    return outcomes[0] if options["luns"] is None else {"probes": [{**lun, **outcome} for lun, outcome in zip(luns, outcomes)]}


def main() -> None:
    where: dict[str, t.Any] = dict(portal=dict(type="str"), target=dict(type="str"), lun=dict(type="int"))
    each = {"name": dict(type="str", default="", aliases=["image"]), **{name: dict(spec, required=True) for name, spec in where.items()}}
    module = AnsibleModule(
        argument_spec=dict(
            where,
            luns=dict(type="list", elements="dict", options=each),
            initiator=dict(type="str", default="iqn.2026-11.invalid.cephops.iscsi-rescue:probe"),
            chap_user=dict(type="str"),
            chap_password=dict(type="str", no_log=True),
            deadline=dict(type="float", default=10),
            slow_after=dict(type="float", default=1),
            write_path=dict(type="str", choices=["none", "flush", "ats", "orwrite"], default="flush"),
        ),
        required_together=[("chap_user", "chap_password"), ("portal", "target", "lun")],
        required_one_of=[("lun", "luns")],
        mutually_exclusive=[("lun", "luns")],
        supports_check_mode=True,
    )
    try:
        result = _probe(module.params)
    except RescueError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scsi_reserve_probe
short_description: Prove with a real SCSI RESERVE whether a LUN responds
version_added: 0.1.0
description:
  - Logs in to an iSCSI target in user space, or takes a disk of this host. It sends the commands that an initiator needs, and measures each.
  - The commands are INQUIRY, TEST UNIT READY, PERSISTENT RESERVE IN, RESERVE(6), RELEASE(6), READ CAPACITY(16), READ of block 0, and a command on the write
    path that changes nothing.
  - Always returns by O(deadline). Leaves nothing reserved, resets nothing, and ends no reservation of another initiator.
  - RELEASE follows RESERVE immediately. So the LUN is not reserved while a later step hangs, even if the module is killed.
  - If persistent reservation keys are registered, RESERVE would conflict, and is not sent. If reading the keys conflicts, an initiator holds the
    LUN by RESERVE. Then RESERVE is not sent either, and READ shows whether the holder is another initiator.
  - A LUN that hangs is a result, not a failed task. The task fails only if the probe cannot run at all.
options:
  portal:
    description:
      - The target's portal, V(HOST), V(HOST:PORT) or V([IPV6]:PORT). The default port is 3260.
      - O(portal), O(target) and O(lun) go together. Give these, O(device) or O(luns).
    type: str
  target:
    description: The target's iSCSI name.
    type: str
  lun:
    description: The LUN's number, from 0 to 255.
    type: int
  device:
    description:
      - A disk of this host, as V(/dev/sdb), V(/dev/sg2) or a link to one, such as those below V(/dev/disk/by-id), in place of O(portal), O(target)
        and O(lun). The commands go through the kernel's sg driver.
      - Partitions and other devices are refused. For a multipath device, name one path. A path is in use if its map is.
      - A command without an answer cannot be taken back without a reset of the LUN, which would end the reservations of others. So a helper
        process waits for it, releases the LUN if a RESERVE comes back late, and ends. RV(helper) shows that process.
    type: path
  serial:
    description: The serial number of the wanted LUN. If the LUN has another one, the verdict is V(mismatch), and no RESERVE is sent.
    type: str
  eui:
    description: The EUI-64 of the wanted LUN, as V(eui.6465336666353233) or without V(eui.). Checked like O(serial).
    type: str
  naa:
    description: The NAA name of the wanted LUN, with or without V(naa.) before it. Checked like O(serial).
    type: str
  nv_cache:
    description:
      - Whether the target is set up for a cache that survives a loss of power, as by C(nv_cache) of SCST. Then it keeps writes there and answers a flush
        by itself, so RV(proof) is at most V(cache). M(cephops.iscsi_rescue.lun_map) returns it.
    type: bool
    default: false
  breaks_locks:
    description:
      - Whether the gateway breaks the image's lock at any command on the write path, see O(write_path=lock). The module detects tcmu-runner itself.
        M(cephops.iscsi_rescue.lun_map) returns it as C(tcmu.mode).
    type: bool
    default: false
  force:
    description:
      - Whether to probe O(device) although this host uses it, by a mounted file system, as swap, or by a device that is built on it.
      - If this host itself holds such a LUN by RESERVE(6), LIO and SCST refuse PERSISTENT RESERVE IN. Then the probe leaves out RESERVE and RELEASE.
        With other targets, such as tgt, the probe's RELEASE ends the host's own reservation.
    type: bool
    default: false
  luns:
    description:
      - Probe many LUNs at the same time, in place of the one in O(device), or in O(portal), O(target) and O(lun). All together take O(deadline).
      - The results are in RV(probes). A LUN that cannot be probed at all is V(unreachable) there, and does not delay the others.
    type: list
    elements: dict
    suboptions:
      name:
        description: Its name in the result, such as the RBD image behind it.
        type: str
        default: ''
        aliases: [image]
      portal:
        description: As O(portal).
        type: str
      target:
        description: As O(target).
        type: str
      lun:
        description: As O(lun).
        type: int
      device:
        description: As O(device).
        type: path
      serial:
        description: As O(serial).
        type: str
      eui:
        description: As O(eui).
        type: str
      naa:
        description: As O(naa).
        type: str
      nv_cache:
        description: As O(nv_cache).
        type: bool
        default: false
      breaks_locks:
        description: As O(breaks_locks).
        type: bool
        default: false
      other_paths:
        description:
          - More paths to the same LUN, by other portals or targets, or as another disk. A path is tried if all paths before it led to no LUN, or to
            another LUN. RV(probes[].tried) lists these.
        type: list
        elements: dict
        default: []
        suboptions:
          portal:
            description: As O(portal).
            type: str
          target:
            description: As O(target).
            type: str
          lun:
            description: As O(lun).
            type: int
          device:
            description: As O(device).
            type: path
          serial:
            description: As O(serial). Each path can have its own names, since gateways name the same image differently.
            type: str
          eui:
            description: As O(eui).
            type: str
          naa:
            description: As O(naa).
            type: str
  initiator:
    description:
      - The iSCSI name for the login. The target must accept it.
      - Do not give the name of an initiator that is in use. The session has a random ISID, so it would replace no session, but the target
        might show the probe as that host.
    type: str
    default: iqn.2026-11.invalid.cephops.iscsi-rescue:probe
  chap_user:
    description: User for CHAP. Requires O(chap_password).
    type: str
  chap_password:
    description: Secret for CHAP.
    type: str
  deadline:
    description: Seconds after which the probe always ends, from 1 to 3600.
    type: float
    default: 10
  slow_after:
    description: Seconds after which a single step makes the LUN V(slow).
    type: float
    default: 1
  write_path:
    description:
      - How to test the write path. Targets answer reservations, and often reads, by themselves. So only this test shows that the storage takes writes.
        RV(proof) says what it proved. The module never sends a plain WRITE.
      - V(auto) sends COMPARE AND WRITE and then SYNCHRONIZE CACHE, if the LUN's block limits (VPD page B0h) allow it, and otherwise only the latter.
        If the LUN refuses the write, because it is read-only, or because others keep writing the block, a flush is enough. RV(reason) says so.
        While the LUN might hang, use V(flush). On SCST, a write that hangs delays RESERVE of every initiator.
      - V(flush) sends SYNCHRONIZE CACHE. If the LUN refuses that, RV(reason) says so. SCST and LIO answer it by themselves if the backing device has
        no write cache, as with krbd.
      - V(ats) sends COMPARE AND WRITE of the last block with its own content, which changes nothing, and then SYNCHRONIZE CACHE. While it waits for
        hanging storage, SCST delays every initiator's RESERVE until the LUN is healed. Use it on a LUN that is healed, or not in use. A refusal is
        V(faulty).
      - V(orwrite) sends ORWRITE of zeros to the last block, which changes nothing, and then SYNCHRONIZE CACHE. On tgt it is a read and a write, so it
        loses writes of other initiators to that block in between. Use it on a LUN that is not in use. A refusal is V(faulty).
      - V(lock) is V(auto) also for a gateway that breaks locks. Ceph's tcmu-runner, in the mode of ceph-iscsi, takes the image's lock at any command on the
        write path. It blocklists the owner, dead or alive. The module detects it by its product C(TCMU device) and an access state for its target
        port groups. With all other values, such a LUN gets no command on the write path. RV(reason) says so.
      - V(none) leaves the test out. Check mode always leaves it out. RV(reason) says so.
    type: str
    choices: [auto, none, flush, ats, orwrite, lock]
    default: auto
requirements:
  - libiscsi 1.18 to 1.20 (package libiscsi7 on Debian and Ubuntu, libiscsi on RPM systems) on the host that runs the module, unless O(device) is used
  - the kernel's sg driver and root, for O(device)
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
attributes:
  check_mode:
    support: full
    details: It also sends RESERVE and RELEASE, but no command on the write path. RV(proof) is then V(none).
  diff_mode:
    support: N/A
    details: It leaves the content of the LUN as it is.
  idempotent:
    support: partial
    details: It leaves the content of the LUN as it is. O(write_path=orwrite), O(write_path=lock) and O(force=true) can affect others.
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Probe a LUN
  cephops.iscsi_rescue.scsi_reserve_probe:
    portal: 192.0.2.10
    target: iqn.2001-04.com.example:storage
    lun: 12
  register: probe

- name: Probe a disk of this host
  cephops.iscsi_rescue.scsi_reserve_probe:
    device: /dev/disk/by-id/scsi-3600140512345678900000000000000000

- name: Stop if it does not respond
  ansible.builtin.assert:
    that: probe.verdict in ['healthy', 'slow']
    fail_msg: "{{ probe.reason }}"
"""

RETURN = r"""
probes:
  description:
    - For each of O(luns), in their order, its C(name) and the values of a single LUN. C(portal), C(target), C(lun) and C(device) name the path that
      was taken.
  returned: with O(luns)
  type: list
  elements: dict
  contains:
    tried:
      description: Other paths that were tried, each with its result.
      type: list
      elements: str
      sample: ['LUN 12 of iqn.2001-04.com.example:storage at 192.0.2.11: unreachable, no TCP connection to the portal 192.0.2.11:3260: it was refused or reset']
  sample: [{"name": "rbd/esx-datastore1", "portal": "192.0.2.10", "target": "iqn.2001-04.com.example:storage", "lun": 12, "verdict": "hung"}]
verdict:
  description:
    - V(healthy), every step responded in time.
    - V(slow), every step responded, but at least one took longer than O(slow_after).
    - V(hung), a step timed out.
    - V(conflict), another initiator holds the LUN, by reservation or by persistent reservation keys. The LUN does not hang.
    - V(faulty), the LUN answered with an error.
    - V(unreachable), there is no session with the target, or no such LUN. With O(luns), also a LUN that cannot be probed at all.
    - V(mismatch), another LUN than O(serial), O(eui) and O(naa) say is there.
  returned: without O(luns)
  type: str
  sample: hung
reason:
  description: The verdict in words.
  returned: without O(luns)
  type: str
  sample: flush timed out after 9.5 s
proof:
  description:
    - V(write), a write reached the storage.
    - V(cache), the target answered a flush, or a write that it might still have in its cache. The storage behind it might still hang.
    - V(none), writes were not tested, or the test failed. RV(reason) says why.
  returned: without O(luns)
  type: str
  sample: write
steps:
  description: The steps, in their order.
  returned: without O(luns)
  type: list
  elements: dict
  contains:
    name:
      description: The command.
      type: str
      sample: reserve
    seconds:
      description: How long all its tries took.
      type: float
      sample: 0.0312
    status:
      description: The SCSI status in words, or V(no_answer), V(failed), V(connection_lost).
      type: str
      sample: good
    sense:
      description: Sense key, additional sense code and qualifier, in words and in hex; empty if there is none.
      type: str
      sample: unit attention 6/29/00
    tries:
      description: How often it was sent. After a unit attention, and while the LUN is busy, it is sent again.
      type: int
      sample: 1
identity:
  description:
    - The LUN's identity - C(vendor), C(product), C(revision), C(serial), and C(eui) and C(naa) in hex.
    - C(tpgs) is the kind of its access states for target port groups - V(0) for none, V(1) implicit, V(2) explicit, V(3) both.
  returned: without O(luns)
  type: dict
  sample: {"vendor": "IET", "product": "VIRTUAL-DISK", "revision": "0001", "serial": "beaf11", "tpgs": 0, "eui": "", "naa": ""}
holder:
  description: The initiator that holds the LUN, if the verdict is V(conflict) and LIO on this host knows it; otherwise empty.
  returned: without O(luns)
  type: str
  sample: iqn.1998-01.com.vmware:esx1
helper:
  description:
    - C(pid) of the process that waits for a command still pending at O(deadline), and the command that it C(waits_for).
    - Empty if there is none, and always for LUNs over iSCSI.
  returned: without O(luns)
  type: dict
  sample: {"pid": 4711, "waits_for": "reserve"}
persistent_reservation:
  description: The C(key) in hex and the C(type) of the persistent reservation; empty if there is none.
  returned: without O(luns)
  type: dict
  sample: {}
registrants:
  description: Registered persistent reservation keys, in hex.
  returned: without O(luns)
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import probe_luns
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import Credentials
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Plan
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe_luns import Access, Path, Where
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lio
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets.select import bare

LONGEST_DEADLINE_S = 3600
_NAMES = ("serial", "eui", "naa")


def _probe(options: dict[str, t.Any], dry: bool) -> dict[str, t.Any]:
    if not 1 <= options["deadline"] <= LONGEST_DEADLINE_S:
        raise InputError(f"deadline is {options['deadline']:g}: give between 1 and {LONGEST_DEADLINE_S} seconds.")
    chap = Credentials(options["chap_user"], options["chap_password"]) if options["chap_user"] else None
    plan = Plan(options["deadline"], options["slow_after"], options["write_path"], dry)
    access = Access(options["initiator"], chap, options["force"])
    if options["luns"] is None:
        return probe_luns.one(_where(options), plan, access, lio.reservation_holders)
    outcomes = probe_luns.many([_where(lun) for lun in options["luns"]], plan, access, lio.reservation_holders)
    return {"probes": [{"name": lun["name"], **outcome} for lun, outcome in zip(options["luns"], outcomes)]}


def _where(lun: dict[str, t.Any]) -> Where:
    return Where([_path(lun), *map(_path, lun.get("other_paths", []))], lun["nv_cache"], lun["breaks_locks"])


def _path(told: dict[str, t.Any]) -> Path:
    names = {name: bare(name, told[name]) for name in _NAMES if told[name]}
    return Path(told["device"], told["portal"], told["target"], told["lun"], names)


def main() -> None:
    path: dict[str, t.Any] = dict(portal=dict(type="str"), target=dict(type="str"), lun=dict(type="int"), device=dict(type="path"))
    path |= {name: dict(type="str") for name in _NAMES}
    where = dict(path, nv_cache=dict(type="bool", default=False), breaks_locks=dict(type="bool", default=False))
    together = [("portal", "target", "lun")]
    one_way = dict(required_together=together, required_one_of=[("lun", "device")], mutually_exclusive=[("lun", "device")])
    others = dict(type="list", elements="dict", default=[], options=path, **one_way)
    each = dict(where, name=dict(type="str", default="", aliases=["image"]), other_paths=others)
    module = AnsibleModule(
        argument_spec=dict(
            where,
            luns=dict(type="list", elements="dict", options=each, **one_way),
            initiator=dict(type="str", default="iqn.2026-11.invalid.cephops.iscsi-rescue:probe"),
            chap_user=dict(type="str"),
            chap_password=dict(type="str", no_log=True),
            force=dict(type="bool", default=False),
            deadline=dict(type="float", default=10),
            slow_after=dict(type="float", default=1),
            write_path=dict(type="str", choices=["auto", "none", "flush", "ats", "orwrite", "lock"], default="auto"),
        ),
        required_together=[("chap_user", "chap_password"), *together],
        required_one_of=[("lun", "device", "luns")],
        mutually_exclusive=[("lun", "device", "luns")],
        supports_check_mode=True,
    )
    try:
        result = _probe(module.params, module.check_mode)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

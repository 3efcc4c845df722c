#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lun_map
short_description: Find the RBD image behind each LUN of this host
version_added: 0.1.0
description:
  - Reads what the targets of this host export - SCST by its sysfs, LIO by its configfs, tgt by C(tgtadm) - and which RBD images the kernel has mapped,
    and joins the two. So a device name in the log of an initiator leads to the header object and its watchers.
  - It asks no cluster and sends no SCSI command, so it works while a LUN hangs. What a target does not show within O(timeout) is in RV(gaps).
  - A missing stack has no LUNs; that is not an error.
options:
  root:
    description:
      - The directory that holds C(sys). To read a tree that was copied from a gateway, give the top of the copy instead of V(/).
      - In such a tree tgt is left out, and names of block devices are not followed through symbolic links.
    type: path
    default: /
  tgt_control_port:
    description:
      - The control port of tgtd, as its C(--control-port).
      - If tgtd has another socket than the usual one, set C(TGT_IPC_SOCKET) in the task's environment.
    type: int
    default: 0
  timeout:
    description:
      - Seconds in which the targets must show their exports. SCST and LIO lock their configuration while they wait for hanging storage.
    type: float
    default: 30
  wanted:
    description:
      - Return only the LUNs that one of these entries describes. All values of an entry must fit. An empty list selects no LUN.
      - An entry that fits no LUN is returned in RV(missing).
    type: list
    elements: dict
    suboptions:
      eui:
        description: The EUI in hex, with or without C(eui.) before it, as ESXi names the device.
        type: str
      naa:
        description: The NAA name in hex, with or without C(naa.) before it.
        type: str
      serial:
        description: The unit serial number.
        type: str
      lun:
        description: The LUN's number as initiators see it.
        type: int
      image:
        description: The image, V(pool/name) or V(pool/namespace/name).
        type: str
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
  - module: cephops.iscsi_rescue.scsi_reserve_probe
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.read_only
notes:
  - It needs root, since tgtd answers only root.
  - In check mode it does the same, since it changes nothing.
  - Files with secrets, such as LIO's C(auth), are not opened, and options that a stack passes to librbd are not returned.
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Find the image behind the device in ESXi's log
  cephops.iscsi_rescue.lun_map:
    wanted:
      - eui: eui.6465336666353233
  register: map

- name: List its watchers
  cephops.iscsi_rescue.rbd_watchers:
    images: "{{ map.luns | map(attribute='image') | select | unique }}"
  when: map.luns | map(attribute='image') | select | length > 0
"""

RETURN = r"""
luns:
  description:
    - The LUNs, sorted by stack, target and number. A LUN with several numbers is listed once for each. A LUN that device mapper spreads over
      several images is listed once for each image.
    - Unknown values are empty.
  returned: success
  type: list
  elements: dict
  contains:
    stack:
      description: V(scst), V(lio), V(tgt), or V(krbd) for an image that the kernel has mapped and no target exports.
      type: str
      sample: scst
    target:
      description: The target's name; empty for V(krbd).
      type: str
      sample: iqn.2001-04.com.example:storage
    lun:
      description: The number under which initiators see it; null for V(krbd).
      type: int
      sample: 12
    device:
      description: The stack's name of the device behind the LUN - SCST's device, LIO's backstore as C(HBA/NAME), the path of tgt, the krbd disk.
      type: str
      sample: lun12
    backing:
      description: Where that device keeps its data - a block device, for LIO by the kernel's name of it, a file, or what the stack opens by librbd.
      type: str
      sample: /dev/rbd0
    image:
      description: The RBD image, C(pool/name) or C(pool/namespace/name); empty if there is none.
      type: str
      sample: rbd/esx-datastore1
    image_id:
      description: The image's id. It is known for images that the kernel has mapped, except those of format 1.
      type: str
      sample: 100dde1f22cd
    header:
      description: The object that every client of the image watches. It is known for images that the kernel has mapped.
      type: str
      sample: rbd_header.100dde1f22cd
    snapshot:
      description: The snapshot that is served in place of the image.
      type: str
      sample: ''
    client_address:
      description: The client address of the kernel's mapping, as in the list of watchers.
      type: str
      sample: 192.0.2.10:0/3397745399
    serial:
      description: The unit serial number.
      type: str
      sample: 3fa2014d
    eui:
      description: The EUI in hex, in lower case.
      type: str
      sample: '3366613230313464'
    naa:
      description: The NAA name in hex, in lower case.
      type: str
      sample: ''
    everybody_but:
      description:
        - Null if only RV(luns[].initiators) see it under this number. Otherwise all other initiators see it, too, except these, which have their own numbers.
        - Names of SCST's groups can hold wildcards.
      type: list
      elements: str
      sample: [iqn.1998-01.com.vmware:esx1]
    initiators:
      description:
        - The initiators that see the LUN under this number, if the stack knows them - those logged in, and those in an access list or a group.
        - The groups of SCST can hold wildcards.
      type: list
      elements: str
      sample: [iqn.1998-01.com.vmware:esx1]
    unless:
      description: Of RV(luns[].initiators), those that see another LUN, since an earlier group of SCST names them. Names can hold wildcards.
      type: list
      elements: str
      sample: []
    per_portal_acl:
      description: Whether SCST's names of initiators are C(INITIATOR#ADDRESS), with the address of the portal, as the target's C(per_portal_acl) asks.
      type: bool
      sample: false
    nv_cache:
      description: Whether SCST is set up for a cache that survives a loss of power. Then it answers a flush by itself.
      type: bool
      sample: false
    logged_in:
      description: The initiators with a session, under the same names.
      type: list
      elements: str
      sample: [iqn.1998-01.com.vmware:esx1]
    tcmu:
      description:
        - The state of a LUN that tcmu-runner serves, otherwise null.
        - C(mode) is V(default) if librbd asks the owner of the image's lock for it. It is V(implicit) or V(explicit) with an access group, as ceph-iscsi
          makes it. In these two, the first command on the write path makes tcmu-runner break the lock and blocklist its owner.
        - C(group) and C(state) are the ALUA group and its state, such as V(ao) and V(Active/Optimized).
        - C(active) is false if tcmu-runner could not open the image. C(osd_op_timeout) and C(cmd_time_out) are in seconds, null if unknown.
      type: dict
      sample: {"mode": "implicit", "group": "ao", "state": "Active/Optimized", "active": true, "osd_op_timeout": 30, "cmd_time_out": 0}
    in_flight:
      description:
        - The requests in flight on the krbd mapping or block device behind the LUN - C(reads), C(writes), and C(still_for), the seconds in which none of
          them ended. If requests are in flight, the module watches them for about 1 second. Writes that stand still are a hang.
        - Null if the kernel does not know, as for LUNs that tgt or tcmu-runner opens by librbd.
      type: dict
      sample: {"reads": 0, "writes": 6, "still_for": 1.0}
    reservation_holder:
      description: The initiator that has the LUN reserved. Only LIO shows it.
      type: str
      sample: ''
    portals:
      description:
        - Where the target listens for iSCSI. For SCST, first the addresses of sessions, then the sockets of C(iscsi-scstd).
      type: list
      elements: str
      sample: []
    enabled:
      description:
        - Whether initiators can log in by this target. False if its driver, the target or its portal group is disabled.
        - ceph-iscsi keeps the portals of other gateways in disabled portal groups, so these have their own record.
      type: bool
      sample: true
    disk:
      description: The local disk that a loopback LUN of LIO is.
      type: str
      sample: ''
hostname:
  description: The name of this host, by which Ceph's service map knows its daemons.
  returned: success
  type: str
  sample: gateway1
missing:
  description: The entries of O(wanted) that fit no LUN, as they were given.
  returned: success
  type: list
  elements: dict
  sample: []
gaps:
  description:
    - What could not be read, a sentence each. SCST and LIO lock their configuration while they wait for hanging storage, as when a device is removed.
      The rest is returned anyway.
  returned: success
  type: list
  elements: str
  sample: []
"""

import platform
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._targets import lun_map, select


def _map(options: dict[str, t.Any]) -> dict[str, t.Any]:
    luns, gaps = lun_map.read_within(options["timeout"], options["root"], options["tgt_control_port"])
    chosen, missing = (luns, []) if options["wanted"] is None else select.matching(luns, options["wanted"])
    return {"luns": [lun.record() for lun in chosen], "missing": missing, "gaps": gaps, "hostname": platform.node()}


def main() -> None:
    entry = dict(eui=dict(type="str"), naa=dict(type="str"), serial=dict(type="str"), lun=dict(type="int"), image=dict(type="str"))
    module = AnsibleModule(
        argument_spec=dict(
            root=dict(type="path", default="/"),
            tgt_control_port=dict(type="int", default=0),
            timeout=dict(type="float", default=30),
            wanted=dict(type="list", elements="dict", options=entry),
        ),
        supports_check_mode=True,
    )
    try:
        result = _map(module.params)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

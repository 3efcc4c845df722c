#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rbd_lock
short_description: Break the exclusive lock that a dead client left on an RBD image
version_added: 1.0.0
description:
  - A client that is gone can leave the exclusive lock of an image behind although it does not watch the image any more. Then another client that is
    not allowed to blocklist the owner gets C(EACCES) for every write.
  - Breaks such a lock, and no other. The client in O(locks[].owner) must hold the lock, must not watch the image, and must have no session on any
    monitor. It must also be blocklisted, by M(cephops.iscsi_rescue.osd_blacklist). Otherwise the lock is kept, with the reason.
  - Locks that C(rbd lock add) made are intended, and never broken.
options:
  locks:
    description: The locks to break.
    type: list
    elements: dict
    required: true
    suboptions:
      image:
        description: The image, V(pool/image) or V(pool/namespace/image).
        type: str
        required: true
      owner:
        description: The address of the client that holds the lock, V(IP:PORT/NONCE), as M(cephops.iscsi_rescue.rbd_watchers) returns it.
        type: str
        required: true
notes:
  - "Caps needed, besides those to look at the image: C(osd 'allow class lock break_lock object_prefix rbd_header.')."
  - In check mode the owner need not be on the blocklist.
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
  - module: cephops.iscsi_rescue.osd_blacklist
extends_documentation_fragment:
  - cephops.iscsi_rescue.ceph
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.writing
  - cephops.iscsi_rescue.attributes.ceph_group
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Break the lock that a fenced client left
  cephops.iscsi_rescue.rbd_lock:
    locks:
      - image: rbd/esx-datastore1
        owner: 192.0.2.7:0/1193546917
"""

RETURN = r"""
broken:
  description: The images with a broken lock. Images without a lock, or with another owner by now, are not listed.
  returned: success
  type: list
  elements: str
  sample: [rbd/esx-datastore1]
kept:
  description: For each image with a lock that was kept, the reason.
  returned: success
  type: dict
  sample: {"rbd/esx-datastore2": "192.0.2.8:0/2917311035 holds its lock, and watches it"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.break_lock import apply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import CEPH_EXCLUSIVE, ceph_options, in_words


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            ceph_options(),
            locks=dict(
                type="list",
                elements="dict",
                required=True,
                options=dict(image=dict(type="str", required=True), owner=dict(type="str", required=True)),
            ),
        ),
        mutually_exclusive=CEPH_EXCLUSIVE,
        supports_check_mode=True,
    )
    try:
        done = apply(module.params, module.check_mode)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    owners = {one["image"]: one["owner"] for one in module.params["locks"]}
    before = "".join(f"lock of {image}: {owners[image]}\n" for image in done.broken)
    module.exit_json(changed=bool(done.broken), diff={"before": before, "after": ""}, **vars(done))


if __name__ == "__main__":
    main()

#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rbd_image_info
short_description: Read what an RBD image is, and what Ceph itself does with it
version_added: 1.0.0
description:
  - Returns the image's features, snapshots, clones, group and locks, and whether it is mirrored, in migration, or in the trash. Together with the
    watchers of M(cephops.iscsi_rescue.rbd_watchers), that shows why the image cannot be mapped, written or deleted. See the playbook C(explain).
  - It opens the image read-only, which leaves no watch.
options:
  image:
    description: The image, V(pool/image) or V(pool/namespace/image). A missing image is no error.
    type: str
    required: true
notes:
  - "Sufficient caps: those of the user that the playbook C(ceph_user) makes. RV(hidden) lists what they do not allow."
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
extends_documentation_fragment:
  - cephops.iscsi_rescue.ceph
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.read_only
  - cephops.iscsi_rescue.attributes.ceph_group
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Find out why an image cannot be deleted
  cephops.iscsi_rescue.rbd_image_info:
    image: rbd/esx-datastore1
  register: image
"""

RETURN = r"""
exists:
  description: Whether the pool's directory has the image. If not, all other values except RV(trash) and RV(hidden) are empty, and RV(size) is 0.
  returned: success
  type: bool
  sample: true
id:
  description: The image's id, empty for an image of format 1.
  returned: success
  type: str
  sample: 7mjm6dk28jaj3
header:
  description: Its header object.
  returned: success
  type: str
  sample: rbd_header.7mjm6dk28jaj3
size:
  description: Its size in bytes.
  returned: success
  type: int
  sample: 1073741824
features:
  description: Its features, as C(rbd info) names them.
  returned: success
  type: list
  elements: str
  sample: [layering, exclusive-lock]
snapshots:
  description: Its snapshots, each with its C(name), whether it is C(protected), and whether it is removed and waits only for its clones (C(pending)).
  returned: success
  type: list
  elements: dict
  sample: [{"name": "s1", "protected": true, "pending": false}]
children:
  description: The images that are clones of it, and the clones of these. A clone in the trash ends with C( in the trash).
  returned: success
  type: list
  elements: str
  sample: [rbd/clone1]
group:
  description: Its group; empty if it has none.
  returned: success
  type: str
  sample: ''
lockers:
  description: The clients that hold its lock, each with C(client), C(cookie) and C(address). The exclusive lock has a cookie that begins with C(auto).
  returned: success
  type: list
  elements: dict
  sample: [{"client": "client.4133", "cookie": "auto 139924665800192", "address": "192.0.2.7:0/1193546917"}]
mirroring:
  description: Whether the image is C(primary); empty if it is not mirrored.
  returned: success
  type: dict
  sample: {}
migration:
  description: The C(source) and the C(destination) of the migration that made this image; empty if none did.
  returned: success
  type: dict
  sample: {}
trash:
  description: The entries of the trash that have this name, each with its C(id), and whether it is the source of a migration (C(migrates)).
  returned: success
  type: list
  elements: dict
  sample: []
hidden:
  description: What this user could not read, and why.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import CEPH_EXCLUSIVE, ceph_options, in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.image_info import read


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(ceph_options(), image=dict(type="str", required=True)),
        mutually_exclusive=CEPH_EXCLUSIVE,
        supports_check_mode=True,
    )
    try:
        found = read(module.params)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()

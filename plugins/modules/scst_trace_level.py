#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scst_trace_level
short_description: Set the trace flags of the SCST target
version_added: 0.1.0
description:
  - Switches what the SCST iSCSI target writes to the kernel log, and returns the flags before.
  - The flag V(minor) logs which initiator meets a reservation conflict, V(scsi) which initiator reserves a LUN. V(pr) logs only PERSISTENT RESERVE OUT.
options:
  state:
    description:
      - SCST's own V(default), V(all) flags, or V(none).
      - Give either O(state), or O(add) and O(remove).
      - V(restored) sets exactly O(flags), such as the RV(before) of an earlier call.
      - V(all) also sets bits that no flag names. Only V(default), V(none) or V(restored) removes these, so the module warns, also in check mode.
    type: str
    choices: [default, all, none, restored]
  flags:
    description: The flags to restore. It is required with O(state=restored). An empty list stands for no flags.
    type: list
    elements: str
  add:
    description: Flags to add to those that are set.
    type: list
    elements: str
    default: []
  remove:
    description: Flags to remove.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.writing
notes:
  - SCST must be built with tracing. Its fastest build, C(2perf), has none.
  - SCST's default depends on its build, and SCST shows it only by setting it. In check mode, O(state=default) treats the defaults of known
    builds as unchanged.
  - The flag V(scsi) logs several lines for each command of every initiator. Do not leave it on.
seealso:
  - module: cephops.iscsi_rescue.kernel_log
  - module: cephops.iscsi_rescue.dynamic_debug
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Let SCST log which initiator reserves a LUN
  cephops.iscsi_rescue.scst_trace_level:
    add: [minor, scsi]
  register: traced

- name: Remove the added flags, and keep what others added meanwhile
  cephops.iscsi_rescue.scst_trace_level:
    remove: "{{ traced.after | difference(traced.before) }}"

- name: Restore exactly the former flags
  cephops.iscsi_rescue.scst_trace_level:
    state: restored
    flags: "{{ traced.before }}"
"""

RETURN = r"""
before:
  description: The flags before the change.
  returned: success
  type: list
  elements: str
  sample: [out_of_mem, pid, special, mgmt]
after:
  description: The flags after the change, or in check mode as they would be, in SCST's order.
  returned: success
  type: list
  elements: str
  sample: [out_of_mem, minor, pid, special, scsi, mgmt]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import scst_trace
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type="str", choices=["default", "all", "none", "restored"]),
            flags=dict(type="list", elements="str"),
            add=dict(type="list", elements="str", default=[]),
            remove=dict(type="list", elements="str", default=[]),
        ),
        required_if=[("state", "restored", ["flags"])],
        supports_check_mode=True,
    )
    options = module.params
    if bool(options["state"]) == bool(options["add"] or options["remove"]):
        module.fail_json(msg="Give either state, or flags in add and remove.")
    if options["flags"] is not None and options["state"] != "restored":
        module.fail_json(msg="flags is only for state=restored. To set more flags, use add.")
    try:
        before, after = scst_trace.change(options["state"], options["add"], options["remove"], module.check_mode, options["flags"] or ())
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    if options["state"] == "all":
        module.warn("SCST's 'all' also sets bits that no flag names. Only state=default, none or restored removes them.")
    diff = {"before": " | ".join(before) + "\n", "after": " | ".join(after) + "\n"}
    module.exit_json(changed=set(before) != set(after), before=before, after=after, diff=diff)


if __name__ == "__main__":
    main()

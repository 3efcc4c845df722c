#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamic_debug
short_description: Switch debug messages of the kernel on and off, and restore them
version_added: 0.1.0
description:
  - Sets the flags of the kernel's C(pr_debug) sites by its dynamic debug, and returns the flags before, so that they can be restored.
  - It reads the control file first, and writes only for sites with other flags than wanted, each by itself.
options:
  match:
    description:
      - The sites. An entry matches if all its values match. A site is selected if any entry matches it.
      - Required with O(state=present), O(state=absent) and O(state=exact). Not for the other states.
    type: list
    elements: dict
    suboptions:
      func:
        description: The function, with V(*) and V(?) as wildcards.
        type: str
      file:
        description: The source file, as the control file shows it or its last part, with wildcards.
        type: str
      module:
        description: The kernel module, with wildcards. For built-in code, the kernel shows the name of its file without C(.c).
        type: str
      line:
        description: The line, or a range such as V(280-300), V(-300) or V(280-).
        type: str
      format:
        description: A part of the message's format, as the control file shows it. After V(^), its beginning.
        type: str
  flags:
    description:
      - The flags, in any order. V(p) prints the message; V(m), V(f), V(l), V(t) add module, function, line and thread to it.
      - The kernel decides which flags exist. With O(state=exact), an empty text or V(_) stands for no flags.
    type: str
    default: p
  state:
    description:
      - V(present) adds O(flags) at the matching sites, V(absent) removes them, and V(exact) sets them and no others.
      - V(restored) sets each of O(sites) to its former flags.
      - V(undone) removes O(flags) from those of O(sites) that did not have them, and keeps what others changed there meanwhile. It reverts an
        earlier run with V(present). Missing sites are left out.
    type: str
    choices: [present, absent, exact, restored, undone]
    default: present
  sites:
    description: The RV(before) of an earlier run. Required with O(state=restored) and O(state=undone).
    type: list
    elements: dict
    suboptions:
      file:
        description: As RV(before).
        type: str
        required: true
      line:
        description: As RV(before).
        type: int
        required: true
      module:
        description: As RV(before).
        type: str
        required: true
      func:
        description: As RV(before).
        type: str
        required: true
      format:
        description: As RV(before).
        type: str
        required: true
      flags:
        description: As RV(before).
        type: str
        required: true
  missing_ok:
    description:
      - Whether it is no error if an entry of O(match) finds no site, or if one of O(sites) is missing.
      - The kernel itself reports success for a query that finds nothing. The usual cause is a module that is not loaded.
    type: bool
    default: false
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.writing
notes:
  - It needs root, and a kernel with C(CONFIG_DYNAMIC_DEBUG). Since Linux 5.8 it needs no debugfs.
  - Flags are lost when their kernel module is unloaded, and at a boot.
seealso:
  - module: cephops.iscsi_rescue.kernel_log
  - module: cephops.iscsi_rescue.scst_trace_level
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Let LIO log which initiator reserves a LUN
  cephops.iscsi_rescue.dynamic_debug:
    match:
      - {module: target_core_mod, func: target_scsi2_reservation_reserve}
      - {module: target_core_mod, func: target_scsi2_reservation_release}
    flags: pft
  register: traced

- name: Restore the flags
  cephops.iscsi_rescue.dynamic_debug:
    state: restored
    sites: "{{ traced.before }}"
"""

RETURN = r"""
before:
  description: The sites that matched, with their former flags.
  returned: success
  type: list
  elements: dict
  contains:
    file:
      description: The source file.
      type: str
      sample: drivers/target/target_core_pr.c
    line:
      description: The line.
      type: int
      sample: 291
    module:
      description: The kernel module.
      type: str
      sample: target_core_mod
    func:
      description: The function.
      type: str
      sample: target_scsi2_reservation_reserve
    format:
      description: The message's format, with the control file's escapes.
      type: str
      sample: 'SCSI-2 Reserved %s LUN: %llu -> MAPPED LUN: %llu for %s\n'
    flags:
      description: Its flags, V(_) for none.
      type: str
      sample: _
after:
  description: The same sites with their present flags, or in check mode the flags that they would have.
  returned: success
  type: list
  elements: dict
  sample: [{"file": "drivers/target/target_core_pr.c", "line": 291, "module": "target_core_mod", "func": "target_scsi2_reservation_reserve", "flags": "p"}]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import debug_control, dynamic_debug
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.debug_control import Match, Site
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.dynamic_debug import Change
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words

_SITE = dict(
    file=dict(type="str", required=True),
    line=dict(type="int", required=True),
    module=dict(type="str", required=True),
    func=dict(type="str", required=True),
    format=dict(type="str", required=True),
    flags=dict(type="str", required=True),
)


def _apply(options: dict[str, t.Any], dry_run: bool) -> Change:
    recorded = [Site(**{**site, "flags": debug_control.parse_flags(site["flags"])}) for site in options["sites"] or []]
    if options["state"] == "restored":
        return dynamic_debug.restore(recorded, options["missing_ok"], dry_run)
    if options["state"] == "undone":
        return dynamic_debug.undo(recorded, options["flags"], dry_run)
    matches = [Match(**entry) for entry in options["match"]]
    return dynamic_debug.change(matches, options["flags"], options["state"], options["missing_ok"], dry_run)


def _as_dict(site: Site) -> dict[str, t.Any]:
    return {**vars(site), "flags": debug_control.show_flags(site.flags)}


def main() -> None:
    texts = {key: dict(type="str") for key in ("func", "file", "module", "line", "format")}
    module = AnsibleModule(
        argument_spec=dict(
            match=dict(type="list", elements="dict", options=texts),
            flags=dict(type="str", default="p"),
            state=dict(type="str", choices=["present", "absent", "exact", "restored", "undone"], default="present"),
            sites=dict(type="list", elements="dict", options=_SITE),
            missing_ok=dict(type="bool", default=False),
        ),
        required_if=[("state", state, ["match"]) for state in ("present", "absent", "exact")]
        + [("state", state, ["sites"]) for state in ("restored", "undone")],
        mutually_exclusive=[("match", "sites")],
        supports_check_mode=True,
    )
    try:
        change = _apply(module.params, module.check_mode)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    sides = change._asdict()
    diff = {side: "".join(f"{site}\n" for site in sites) for side, sites in sides.items()}
    result = {side: [_as_dict(site) for site in sites] for side, sites in sides.items()}
    module.exit_json(changed=change.before != change.after, diff=diff, **result)


if __name__ == "__main__":
    main()

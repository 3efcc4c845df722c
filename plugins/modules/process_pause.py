#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: process_pause
short_description: Pause a process without killing it, and continue it
version_added: 0.1.0
description:
  - Sends SIGSTOP or SIGCONT, and waits until the process has stopped or continued. It does nothing if that is already so.
  - A pause tests a suspicion without killing anything. Everything that waits for the process hangs during the pause.
options:
  pid:
    description: The process. Give either O(pid) or O(pattern).
    type: int
  pattern:
    description: A regular expression that the process's command line matches anywhere, arguments joined by spaces. The task itself never matches.
      No match is an error.
    type: str
  multiple:
    description: Whether O(pattern) is allowed to match more than one process. Then all of them are paused or continued.
    type: bool
    default: false
  paused:
    description: Whether to pause the process (V(true)) or to continue it (V(false)).
    type: bool
    required: true
extends_documentation_fragment:
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.writing
notes:
  - It must run as root, or as the user of the process, to be allowed to signal it.
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Pause one process
  cephops.iscsi_rescue.process_pause:
    pid: 4711
    paused: true

- name: Continue every backup client
  cephops.iscsi_rescue.process_pause:
    pattern: ^/usr/bin/backup-client
    multiple: true
    paused: false
"""

RETURN = r"""
processes:
  description: The processes that were found. Command lines are not returned, since they can hold secrets.
  returned: success
  type: list
  elements: dict
  contains:
    pid:
      description: Its number.
      type: int
      sample: 4711
    command:
      description: The program's short name.
      type: str
      sample: tgtd
    paused_before:
      description: Whether it was paused.
      type: bool
      sample: false
    paused_after:
      description: Whether it is paused now, or would be in check mode.
      type: bool
      sample: true
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import process
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import in_words


def _apply(options: dict[str, t.Any], dry_run: bool) -> list[dict[str, t.Any]]:
    paused = options["paused"]
    found = process.choose(options["pid"], options["pattern"], options["multiple"])
    for one in found:
        if one.paused != paused and not dry_run:
            process.set_paused(one, paused)
    return [{"pid": one.pid, "command": one.command, "paused_before": one.paused, "paused_after": paused} for one in found]


def _diff(processes: list[dict[str, t.Any]]) -> dict[str, str]:
    sides = ("".join(f"{one['pid']} {one['command']} paused={one[side]}\n" for one in processes) for side in ("paused_before", "paused_after"))
    return dict(zip(("before", "after"), sides))


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            pid=dict(type="int"),
            pattern=dict(type="str"),
            multiple=dict(type="bool", default=False),
            paused=dict(type="bool", required=True),
        ),
        required_one_of=[("pid", "pattern")],
        mutually_exclusive=[("pid", "pattern")],
        supports_check_mode=True,
    )
    try:
        processes = _apply(module.params, module.check_mode)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    changed = any(one["paused_before"] != one["paused_after"] for one in processes)
    module.exit_json(changed=changed, processes=processes, diff=_diff(processes))


if __name__ == "__main__":
    main()

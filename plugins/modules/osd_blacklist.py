#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: osd_blacklist
short_description: Fence Ceph clients, and take the fence away again
version_added: 0.1.0
description:
  - Puts client addresses on the OSD map's blacklist (blocklist from Ceph 16 on), or takes them off. The OSDs refuse a client on it,
    and its watches and locks end.
  - Reads the list before it writes, sends all changes at once, waits for the new OSD map, and reads back.
  - It can record a lease in the cluster before it fences. O(state=restored) later ends what the leases say, on any host, even when
    the run that fenced was killed.
options:
  addresses:
    description:
      - The clients, each V(IP:PORT/NONCE), for IPv6 V([IP]:PORT/NONCE), as M(cephops.iscsi_rescue.rbd_watchers) returns them.
      - An address that would mean a whole host is refused. With an empty list the module only returns the list as it is, with the open leases.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) adds those that are not on the list. An entry that is there keeps its expiry. With O(lease), one that would end before half
        of O(expire) is over is extended, and the lease keeps its former end.
      - V(absent) removes those that are on the list, and no others.
      - V(restored) removes the entries that have a lease and whose client is gone, and closes their leases. An entry that had been extended
        gets its former end back. An entry whose client still lives stays, and so does its lease, because that client would take the image
        back the moment it is let in. One that somebody else made is left alone (RV(foreign)).
      - Without O(addresses) that concerns all leases but those younger than a minute, whose run may be under way; with it, the leases of these.
    type: str
    choices: [present, absent, restored]
    default: present
  expire:
    description: Seconds after which the cluster drops a new entry by itself.
    type: int
    default: 3600
  lease:
    description: Record a lease for each entry before adding it, with O(state=present).
    type: dict
    suboptions:
      pool:
        description: The pool to record it in, usually that of the image.
        type: str
        required: true
      run:
        description: A name for this run.
        type: str
        required: true
      reason:
        description: Why the clients are fenced.
        type: str
        default: ''
      images:
        description: For which images, so that a later run can go on with them. On their headers the clients are asked a last time, so it must
          name one unless all clients are in O(lease.evict).
        type: list
        elements: str
        default: []
      patience:
        description:
          - Seconds that a client which might be alive must let a last notify time out before it is fenced. The module asks under the lock of the leases,
            directly before it adds the entries, and fences no client that answers. A client that only paused answers as soon as it goes on.
          - A client that was gone in O(lease.look), and has no session now, is asked for 1 second. One that has a session again is spared.
        type: int
        default: 30
      evict:
        description: Those of O(addresses) that the operator wants fenced although they live. They need not be silent.
        type: list
        elements: str
        default: []
      look:
        description:
          - The evidence, which is what M(cephops.iscsi_rescue.rbd_watchers) returned as RV(cephops.iscsi_rescue.rbd_watchers#module:look).
          - Every client in O(addresses) must be one that the look wants fenced. It must be younger than 300 seconds.
          - The module is the second look. It reads the monitors' sessions again, and asks the clients a last time.
        type: dict
        required: true
        suboptions:
          at:
            description: When the look began, in seconds since the epoch.
            type: float
            required: true
          fence:
            description: Addresses of the clients that the look wants fenced.
            type: list
            elements: str
            required: true
          gone:
            description:
              - Those of them that have no session on any monitor. For a client that is gone then and when it is fenced, restoring needs only one more look.
              - The module does not believe it of a client that has a session when it is fenced.
            type: list
            elements: str
            required: true
          serving:
            description:
              - For each image, the addresses of the clients that serve it and stay.
              - A client is fenced only while one of them acknowledges the last notify on every image of O(lease.images) that it watches. Otherwise the fence
                might take the image offline.
            type: dict
            required: true
          watches:
            description:
              - For each client to fence, all images that it watches. A client that might be alive is asked on these, too, and spared where it answers on one of
                them, or where no other client answers there.
            type: dict
            required: true
          freeing:
            description:
              - The images of which the look wants all clients fenced, see O(cephops.iscsi_rescue.rbd_watchers#module:free). There no client may respond.
            type: list
            elements: str
            default: []
          locks:
            description:
              - For each client to fence that holds the exclusive lock of images without watching them, these images. The module sees that it may break
                locks before it fences such a client; M(cephops.iscsi_rescue.rbd_lock) breaks them.
            type: dict
            default: {}
  pools:
    description: Where to look for leases, with O(state=restored) or without O(addresses). Without it, in all pools.
    type: list
    elements: str
    default: []
  restore:
    description:
      - With O(state=restored), V(when_gone) removes an entry only once no monitor knows its client, in two looks at least three seconds apart.
        The first may be one before it was fenced.
      - V(never) removes none, and closes only the leases whose entry has ended by itself.
      - V(always) removes it in any case, and takes O(addresses). A client that only slept will then take its lock back without knowing that it was fenced.
    type: str
    choices: [when_gone, always, never]
    default: when_gone
notes:
  - "Caps needed, besides C(mon 'allow r'): C(mon 'allow command \"osd blocklist\"') (C(osd blacklist) before Ceph 16) to add and remove;
    C(osd 'allow rwx object_prefix cephops_iscsi_rescue.leases') and C(mon 'allow command sessions') for leases. Without them nobody is fenced under a lease.
    The playbook C(ceph_user) makes a user that has them."
  - Two runs cannot cross, since leases are changed under a RADOS lock that expires by itself.
seealso:
  - module: cephops.iscsi_rescue.rbd_watchers
extends_documentation_fragment:
  - cephops.iscsi_rescue.ceph
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.writing
  - cephops.iscsi_rescue.attributes.ceph_group
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Fence one client for ten minutes
  cephops.iscsi_rescue.osd_blacklist:
    addresses:
      - 192.0.2.7:0/1193546917
    expire: 600

- name: Let it in again
  cephops.iscsi_rescue.osd_blacklist:
    addresses:
      - 192.0.2.7:0/1193546917
    state: absent

- name: Look at the image
  cephops.iscsi_rescue.rbd_watchers:
    images:
      - rbd/esx-datastore1
  register: watchers

- name: Fence the stale client in a way that another run can finish
  cephops.iscsi_rescue.osd_blacklist:
    addresses: "{{ watchers.look.fence }}"
    lease:
      pool: rbd
      run: by-hand
      reason: stale watcher of rbd/esx-datastore1
      images:
        - rbd/esx-datastore1
      look: "{{ watchers.look }}"

- name: Remove what earlier runs left, where the clients are gone
  cephops.iscsi_rescue.osd_blacklist:
    state: restored
"""

RETURN = r"""
before:
  description: The whole list as it was, address and until when.
  returned: success
  type: dict
  sample: {}
after:
  description: The whole list as it is, or in check mode would be.
  returned: success
  type: dict
  sample: {"192.0.2.7:0/1193546917": "2026-11-22T18:41:20.955170+0000"}
ranges:
  description: >-
    The entries for whole networks, and until when, where the module only looks. It never changes them; see C(ceph osd blocklist range).
  returned: success
  type: dict
  sample: {"198.51.100.0/24": "2026-11-22T18:41:20.955170+0000"}
added:
  description: Addresses that were added.
  returned: success
  type: list
  elements: str
  sample: [192.0.2.7:0/1193546917]
extended:
  description: Addresses whose entry was there, and was extended under a lease.
  returned: success
  type: list
  elements: str
  sample: []
spared:
  description: Clients that were not fenced under a lease, since they answered the last question or could not be asked.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address.
      type: str
      sample: 192.0.2.7:0/1193546917
    reason:
      description: What it answered, or why it could not be asked.
      type: str
      sample: it acknowledged the last notify on rbd/esx-datastore1 before the fence, so it is alive
    answered:
      description: Whether it answered; else it could not be asked.
      type: bool
      sample: true
vanished:
  description: Clients that were not fenced under a lease, since they watch none of its images any more.
  returned: success
  type: list
  elements: str
  sample: []
missed:
  description: The last notify before the fence, for each client that let it time out.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address.
      type: str
      sample: 192.0.2.7:0/1193546917
    at:
      description: When the notify was sent, in seconds since the epoch.
      type: float
      sample: 1795372881.02
    seconds:
      description: How long the client had to answer.
      type: float
      sample: 30.0
reset:
  description: Addresses whose entry got the end back that it had before it was extended.
  returned: success
  type: list
  elements: str
  sample: []
removed:
  description: Addresses that were removed.
  returned: success
  type: list
  elements: str
  sample: []
kept:
  description: Leases that stay open because their client still lives, or may.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address.
      type: str
      sample: 192.0.2.7:0/1193546917
    host:
      description: The host it runs on, as the monitors know it; empty when that is not known.
      type: str
      sample: gateway2
    entity:
      description: The Ceph user it connected as; empty when that is not known.
      type: str
      sample: client.gateway2
    until:
      description: When the entry ends by itself.
      type: str
      sample: "2026-11-22T18:41:20.955170+0000"
    pool:
      description: The pool that holds the lease.
      type: str
      sample: rbd
    run:
      description: The run that fenced it.
      type: str
      sample: by-hand
    fenced_for:
      description: The reason that run gave.
      type: str
      sample: stale watcher of rbd/esx-datastore1
    reason:
      description: Why it stays, and what to do.
      type: str
      sample: >-
        the client still lives, as client.gateway2 on host gateway2: end that process there, then restore again; before that it would take the image back
leases:
  description: The open leases, when O(addresses) is empty and O(state) is not V(restored).
  returned: success
  type: list
  elements: dict
  contains:
    pool:
      description: The pool that holds the lease.
      type: str
      sample: rbd
    address:
      description: The client that is fenced.
      type: str
      sample: 192.0.2.7:0/1193546917
    run:
      description: The run that fenced it.
      type: str
      sample: 20261122T184120Z-admin1
    reason:
      description: Why.
      type: str
      sample: stale watcher of rbd/esx-datastore1
    images:
      description: For which images.
      type: list
      elements: str
      sample: [rbd/esx-datastore1]
    added:
      description: When the lease was written, in seconds since the epoch.
      type: float
      sample: 1795372880.95
    expire:
      description: For how many seconds the client was fenced.
      type: int
      sample: 3600
    prior:
      description: The end of the entry that was there before; empty when there was none.
      type: str
      sample: ''
    gone_since:
      description: Since when no look at the monitors' sessions found the client, in seconds since the epoch; V(0) when one did.
      type: float
      sample: 1795372865.12
    until:
      description: When the entry that the run made ends; empty while that is not known.
      type: str
      sample: 2026-11-22T19:41:20.955170+0000
unread:
  description: Why the leases of a pool could not be read, when they are looked for; what is recorded there stays open.
  returned: success
  type: list
  elements: str
  sample: []
foreign:
  description: >-
    With O(state=restored), addresses whose entry is somebody else's, and which is left alone: it was made anew, and the lease is closed, or there is
    no lease for it.
  returned: success
  type: list
  elements: str
  sample: []
unlisted:
  description: With O(state=restored), those of O(addresses) that are not on the list.
  returned: success
  type: list
  elements: str
  sample: []
word:
  description: How this cluster spells the list's name, V(blocklist), or V(blacklist) before Ceph 16.
  returned: success
  type: str
  sample: blocklist
closed:
  description: Addresses whose lease was closed, because the entry was removed now or was no longer there.
  returned: success
  type: list
  elements: str
  sample: []
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.change import Change
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.fence import apply
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import CEPH_EXCLUSIVE, ceph_options, in_words


def _diff(change: Change) -> dict[str, str]:
    touched = {*change.added, *change.extended, *change.removed, *change.reset}
    sides = ({client: until for client, until in side.items() if client in touched} for side in (change.before, change.after))
    before, after = ("".join(f"{client} until {until}\n" for client, until in sorted(side.items())) for side in sides)
    return {"before_header": "blacklist", "after_header": "blacklist", "before": before, "after": after}


def main() -> None:
    lease: dict[str, t.Any] = dict(
        type="dict",
        options=dict(
            pool=dict(type="str", required=True),
            run=dict(type="str", required=True),
            reason=dict(type="str", default=""),
            images=dict(type="list", elements="str", default=[]),
            patience=dict(type="int", default=30),
            evict=dict(type="list", elements="str", default=[]),
            look=dict(
                type="dict",
                required=True,
                options=dict(
                    at=dict(type="float", required=True),
                    fence=dict(type="list", elements="str", required=True),
                    gone=dict(type="list", elements="str", required=True),
                    serving=dict(type="dict", required=True),
                    watches=dict(type="dict", required=True),
                    freeing=dict(type="list", elements="str", default=[]),
                    locks=dict(type="dict", default={}),
                ),
            ),
        ),
    )
    module = AnsibleModule(
        argument_spec=dict(
            ceph_options(),
            addresses=dict(type="list", elements="str", default=[]),
            state=dict(type="str", choices=["present", "absent", "restored"], default="present"),
            expire=dict(type="int", default=3600),
            lease=lease,
            pools=dict(type="list", elements="str", default=[]),
            restore=dict(type="str", choices=["when_gone", "always", "never"], default="when_gone"),
        ),
        mutually_exclusive=CEPH_EXCLUSIVE,
        supports_check_mode=True,
    )
    try:
        change = apply(module.params, module.check_mode)
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=change.changed, diff=_diff(change), **vars(change))


if __name__ == "__main__":
    main()

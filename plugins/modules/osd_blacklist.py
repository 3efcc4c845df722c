#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: osd_blacklist
short_description: Fence Ceph clients, and remove the fence again
version_added: 0.1.0
description:
  - Adds client addresses to the OSD map's blocklist (called blacklist before Ceph 16), or removes them. The OSDs refuse a client on it,
    and its watches and locks end.
  - Reads the list before it writes, sends all changes at the same time, waits for the new OSD map, and reads the list again.
  - It can record a lease in the cluster before it fences. Later, O(state=restored) removes the entries that the leases name, on any host,
    even if the run that fenced was killed.
options:
  addresses:
    description:
      - The clients, each V(IP:PORT/NONCE), for IPv6 V([IP]:PORT/NONCE), as M(cephops.iscsi_rescue.rbd_watchers) returns them.
      - An address of a whole host is refused. Without addresses, the module only returns the blocklist and the open leases.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) adds missing addresses. An existing entry keeps its expiry time. With O(lease), an entry that would expire within half of
        O(expire) is extended, and the lease records its former expiry time.
      - V(absent) removes the addresses that are on the list, and no others.
      - V(restored) removes the entries that have a lease, if their clients are gone, and closes the leases. An extended entry gets its former
        expiry time back. If a client is still running, its entry and its lease stay. If its entry were removed now, the client would take the image
        back. An entry that another user made stays (RV(foreign)).
      - Without O(addresses), V(restored) handles all leases but those younger than a minute, since their run might still be active.
        With O(addresses), it handles the leases of these.
    type: str
    choices: [present, absent, restored]
    default: present
  expire:
    description: Seconds after which a new entry expires, from 1 to 31536000 (a year).
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
        description: The images to heal. The lease records them, so that a later run can continue. The module sends the last notify on these images.
          Required, unless O(lease.evict) names all clients.
        type: list
        elements: str
        default: []
      patience:
        description:
          - Seconds, from 1 to 120, that a client which might be alive must let a last notify time out before it is fenced. The module asks under the lock of
            the leases, directly before it adds the entries, and fences no client that answers. A client that only paused answers as soon as it continues.
          - A client that was gone in O(lease.look), and has no session now, gets 1 second. If it has a session again, it is spared.
        type: int
        default: 30
      evict:
        description: Those of O(addresses) that the operator wants fenced although they are alive. They need not be silent.
        type: list
        elements: str
        default: []
      look:
        description:
          - The evidence that M(cephops.iscsi_rescue.rbd_watchers) returned as RV(cephops.iscsi_rescue.rbd_watchers#module:look).
          - The look must name every client in O(addresses) as one to fence, and must be younger than 300 seconds.
          - The module itself is the second look. It reads the monitors' sessions again, and asks the clients a last time.
        type: dict
        required: true
        suboptions:
          at:
            description: When the look began, in seconds since the epoch.
            type: float
            required: true
          fence:
            description: Addresses of the clients to fence, by the look.
            type: list
            elements: str
            required: true
          gone:
            description:
              - Those without a session on any monitor. If such a client is still gone at the fence, a restore needs only one more look.
              - If a client has a session again at the fence, the module does not treat it as gone.
            type: list
            elements: str
            required: true
          serving:
            description:
              - For each image, the addresses of the clients that serve it and stay.
              - A client is fenced only if one of them acknowledges the last notify on each image of O(lease.images) that the client watches. Otherwise the
                fence might take the image offline.
            type: dict
            required: true
          watches:
            description:
              - For each client to fence, all images that it watches. A client that might be alive is asked on these, too. If it answers on one of them, or if
                no other client answers there, it is spared.
            type: dict
            required: true
          freeing:
            description:
              - The images to be freed, see O(cephops.iscsi_rescue.rbd_watchers#module:free). If a client responds on such an image, no client is fenced.
            type: list
            elements: str
            default: []
          locks:
            description:
              - For each client to fence that holds the exclusive lock of images without watching them, these images. Before the fence, the module checks
                that this user is allowed to break locks. M(cephops.iscsi_rescue.rbd_lock) breaks them.
            type: dict
            default: {}
  pools:
    description: The pools to search for leases, with O(state=restored) or without O(addresses). An empty list stands for all pools.
    type: list
    elements: str
    default: []
  restore:
    description:
      - With O(state=restored), V(when_gone) removes an entry only after no monitor knew its client, in two looks at least three seconds apart.
        The first look can be from before the fence.
      - V(never) removes none, and closes only leases whose entry is missing or of another user.
      - V(always) removes it without looking, and requires O(addresses). A client that only slept then takes its lock back, and does not know of its
        fence.
    type: str
    choices: [when_gone, always, never]
    default: when_gone
notes:
  - "Caps needed, besides C(mon 'allow r'): C(mon 'allow command \"osd blocklist\"') (C(osd blacklist) before Ceph 16) to add and remove;
    C(osd 'allow rwx object_prefix cephops_iscsi_rescue.leases') and C(mon 'allow command sessions') for leases. Without them, no lease is written.
    The playbook C(ceph_user) makes a user that has them."
  - With O(lease), it also needs the caps to look at the images, see M(cephops.iscsi_rescue.rbd_watchers). If O(lease.look.locks) is not empty, it needs
    those of M(cephops.iscsi_rescue.rbd_lock), too.
  - Two runs cannot collide, since leases are changed under a RADOS lock that expires.
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

- name: Remove its entry
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

- name: Remove the entries of earlier runs if their clients are gone
  cephops.iscsi_rescue.osd_blacklist:
    state: restored
"""

RETURN = r"""
before:
  description: The whole list before the change, each address with its expiry time (UTC; before Ceph 15 in the time zone of the monitors).
  returned: success
  type: dict
  sample: {}
after:
  description: The whole list after the change, or in check mode as it would be.
  returned: success
  type: dict
  sample: {"192.0.2.7:0/1193546917": "2026-11-22T18:41:20.955170+0000"}
ranges:
  description: >-
    The entries for whole networks, each with its expiry time, if the module only looks. It never changes them; see C(ceph osd blocklist range).
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
  description: Addresses with an existing entry that was extended under a lease.
  returned: success
  type: list
  elements: str
  sample: []
spared:
  description: Clients that were not fenced under a lease. RV(spared[].reason) says why.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address.
      type: str
      sample: 192.0.2.7:0/1193546917
    reason:
      description: Why it was not fenced.
      type: str
      sample: it acknowledged the last notify on rbd/esx-datastore1 before the fence, so it is alive
    answered:
      description: Whether it acknowledged the last notify. V(false) does not mean that it was silent, see RV(spared[].reason).
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
  description: Addresses with an extended entry that got its former expiry time back.
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
  description: Leases that stay open because their client is still running, or might be.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address.
      type: str
      sample: 192.0.2.7:0/1193546917
    host:
      description: The host it runs on, as the monitors know it; empty if it is unknown.
      type: str
      sample: gateway2
    entity:
      description: The Ceph user it connected as; empty if it is unknown.
      type: str
      sample: client.gateway2
    until:
      description: When the entry expires.
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
        the client still has a session on a monitor, as client.gateway2 on host gateway2: end it there, then rerun restore_blacklist; if its entry were
        removed now, the client would take the image back
leases:
  description: The open leases, if O(addresses) is empty and O(state) is not V(restored).
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
      description: The images to heal.
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
      description: The expiry time of an earlier entry; empty if there was none.
      type: str
      sample: ''
    gone_since:
      description: Since when no look at the monitors' sessions found the client, in seconds since the epoch; V(0) if one did.
      type: float
      sample: 1795372865.12
    until:
      description: When the run's entry expires; empty while that is unknown.
      type: str
      sample: 2026-11-22T19:41:20.955170+0000
unread:
  description: Why the leases of a pool could not be read. These leases stay open.
  returned: success
  type: list
  elements: str
  sample: []
foreign:
  description: >-
    With O(state=restored), addresses with an entry that another user made, which stays. Either it replaced the run's entry, and the lease is closed, or it
    has no lease.
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
  description: How this cluster spells it, V(blocklist), or V(blacklist) before Ceph 16.
  returned: success
  type: str
  sample: blocklist
closed:
  description: >-
    Addresses of closed leases. Their entries were removed, were missing, got their former expiry time back (RV(reset)), or are of another user
    (RV(foreign)).
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
    return {"before_header": "blocklist", "after_header": "blocklist", "before": before, "after": after}


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

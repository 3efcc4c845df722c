#!/usr/bin/python
# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rbd_watchers
short_description: Find RBD images with more watchers than they should have, and name the stale one
version_added: 0.1.0
description:
  - Every client that has an RBD image open watches the image's header object. A client that is dead, hung or forgotten can
    leave its watch and the exclusive lock behind. Then the image's LUN hangs.
  - Reads the watchers of images, tests whether the doubtful ones are alive, and returns the evidence for each.
  - A watcher is V(alive) if it acknowledged a notify on the header. It is V(hung) if it did not, but has a session on a monitor.
    It is V(orphaned) if it did not, and no monitor knows it. It is V(unknown) if it could not be tested.
options:
  pools:
    description:
      - Look at every image of these pools, in all their namespaces.
      - Without O(pools) and O(images), it looks at all pools that are tagged for RBD or hold images.
    type: list
    elements: str
    default: []
  images:
    description:
      - Look at these images, each V(pool/image) or V(pool/namespace/image). The result lists them in any state.
    type: list
    elements: str
    default: []
  expected:
    description:
      - How many healthy watchers an image is expected to have, at least 1, or V(auto).
      - V(auto) is the number of gateways (tcmu-runner) that Ceph's service map knows for the image, at least 1.
      - Give a number if several other clients have an image open on purpose. Do not count rbd-mirror and the managers.
    type: str
    default: auto
  expected_for:
    description:
      - How many healthy watchers certain images are expected to have. The first pattern that matches counts. For all other images, O(expected) counts.
    type: list
    elements: dict
    default: []
    suboptions:
      pattern:
        description: Shell-like pattern on V(pool/image) or V(pool/namespace/image), such as V(rbd/mirrored-*).
        type: str
        required: true
      watchers:
        description: The number for these images.
        type: int
        required: true
  survey:
    description:
      - How to read the watchers of whole pools.
      - V(sweep) asks every OSD once for all its watchers (C(dump_watchers), Ceph 15 or later), and joins that with the image directories. Images
        with more watchers than expected are read again, one by one.
      - V(image) reads image by image, about 2 ms each.
      - V(auto) sweeps if release and caps allow it, and otherwise goes image by image. RV(survey) says which, and why.
      - Images named in O(images) are always read one by one. Then the sweep only finds what else a culprit watches.
    type: str
    choices: [auto, sweep, image]
    default: auto
  deep:
    description:
      - Whether a sweep also finds images that only dead clients watch. An OSD lists only watches of headers that it has in memory. So after its restart,
        such images are missing, and count as V(normal).
      - With V(true), the module asks for the size of each header that no OSD listed, which loads it, and sweeps again. Unreadable headers count as
        unseen. 20,000 headers took 0.7 s.
      - O(dead_hosts) implies it. A survey image by image finds these images anyway.
    type: bool
    default: false
  missing_ok:
    description: Whether a missing image of O(images) is left out of the result. Otherwise it is an error.
    type: bool
    default: false
  evict:
    description:
      - Addresses of living clients to fence if an image is V(contested). Only the operator can decide which of them is wrong.
      - It counts for contested images, if the clients that stay are all alive and no more than expected. It also counts for images in O(free) on which
        no client responds.
      - Three vetoes do not apply to such a client. They are that it responds elsewhere, that it is a gateway (tcmu-runner), and that a gateway runs on its
        host. After the fence, restart such a gateway.
      - The client loses its other images if another client responds there. If it is alone there, it is spared.
    type: list
    elements: str
    default: []
  free:
    description:
      - Images to free, so that they can be mapped elsewhere or deleted; as V(pool/image), V(pool/namespace/image), or a shell-like pattern on that.
      - If no client of such an image responds (V(headless)), its clients that are gone are culprits. A client that might be alive, such as a paused one,
        is a culprit only if O(evict) names it. Otherwise no client is fenced.
      - The module first proves that the image's OSD delivers notifies, by a notify to its own watch. For that it makes an object in the image's pool,
        C(cephops_iscsi_rescue.leases.control.N), for a moment, also in check mode.
      - It selects no images. Name them in O(images) as well, or look at whole pools with O(liveness=all).
    type: list
    elements: str
    default: []
  dead_hosts:
    description:
      - Hosts that are dead, by IP address, network (CIDR), or a name that the host of this task can resolve. The module judges each client there, on
        each image that it looks at.
      - A client there that does not respond is a culprit, even if the image has no more watchers than O(expected). An image that only such clients
        watch is freed, as with O(free). A client that responds is not fenced, although its host was given, and its image is listed.
    type: list
    elements: str
    default: []
  after:
    description: Seconds to wait before the first look.
    type: int
    default: 0
  wait:
    description:
      - Seconds to wait until every listed image is V(normal) or V(locked), and each of O(served) has a watcher. The module looks again once a
        second, and returns the last look.
      - An error of the cluster counts only if it lasts until then.
    type: int
    default: 0
  served:
    description: Images that must have a watcher other than Ceph's own daemons before O(wait) ends. Name them in O(images) as well.
    type: list
    elements: str
    default: []
  blocklist:
    description: Whether to return the blocklist and the open leases as well (RV(blocklist)), which saves a call of M(cephops.iscsi_rescue.osd_blacklist).
    type: bool
    default: false
  liveness:
    description:
      - The images with watchers to test for life.
      - V(duplicates) tests the watchers of images with more than O(expected) watchers, and of all O(images). V(all) tests all watchers. V(none) tests
        none, and then no watcher is found stale.
      - The test is an empty notify on the header object, as every change of the header sends it. Clients answer it, and read the header again.
    type: str
    choices: [none, duplicates, all]
    default: duplicates
  notify_timeout:
    description:
      - Seconds that a watcher has to answer, at least 1. The module asks on all images at the same time, so this is about the total time.
      - If it finds a culprit, it also asks on the culprit's other images, which takes the same time again.
      - With less than 3 seconds the module warns, since a busy client might not answer in time.
    type: int
    default: 5
  patience:
    description:
      - Seconds, from 0 to 600, that a client which might be alive must be silent before it counts as stale. A client that only paused answers as soon as it
        continues.
      - If such a client is to be fenced, the module sends more notifies, one after the other. Any answer clears the client.
      - A client without a session on any monitor has been silent for over five minutes, and needs no patience.
      - With V(0) one notify is enough. Use that only if M(cephops.iscsi_rescue.osd_blacklist) asks a last time, as it does under a lease.
    type: int
    default: 30
notes:
  - "Sufficient caps for a look: C(mon 'profile rbd-read-only') and C(osd 'profile rbd-read-only'). The playbook C(ceph_user) makes a user with fewer."
  - "O(free) and O(dead_hosts) also need C(osd 'allow rwx object_prefix cephops_iscsi_rescue.leases'). With them the module makes an object for a moment,
    also in check mode."
  - "To distinguish a hung client from a missing one, it also needs C(mon 'allow command sessions, allow command get_command_descriptions'),
    and Ceph 15 or later. Otherwise, a client that does not answer is V(hung)."
  - "The sweep needs C(osd 'allow *'), which the OSDs require for all commands to them."
  - An acknowledged notify shows that the watch is served, not that the client's I/O is healthy.
  - Images in the trash are not judged, but a culprit's watches there count for the guards.
seealso:
  - module: cephops.iscsi_rescue.osd_blacklist
extends_documentation_fragment:
  - cephops.iscsi_rescue.ceph
  - cephops.iscsi_rescue.attributes
  - cephops.iscsi_rescue.attributes.read_only
  - cephops.iscsi_rescue.attributes.ceph_group
author:
  - The cephops.iscsi_rescue authors (@cephops)
"""

EXAMPLES = r"""
- name: Find every image with a duplicate watcher
  cephops.iscsi_rescue.rbd_watchers:
  register: watchers

- name: Show the clients that a fence is considered for
  ansible.builtin.debug:
    var: watchers.culprits

- name: List the watchers of one image, and test whether each responds
  cephops.iscsi_rescue.rbd_watchers:
    images:
      - rbd/esx-datastore1
    liveness: all
    notify_timeout: 3
"""

RETURN = r"""
images:
  description: The images that are not V(normal), and those named in O(images).
  returned: success
  type: list
  elements: dict
  contains:
    spec:
      description: The image as the rbd command takes it.
      type: str
      sample: rbd/esx-datastore1
    pool:
      description: Its pool.
      type: str
      sample: rbd
    namespace:
      description: Its namespace, often empty.
      type: str
      sample: ''
    name:
      description: Its name.
      type: str
      sample: esx-datastore1
    id:
      description: Its id, empty for an image of format 1.
      type: str
      sample: 7mjm6dk28jaj3
    header:
      description: Its header object, for C(rados listwatchers).
      type: str
      sample: rbd_header.7mjm6dk28jaj3
    expected:
      description: How many healthy watchers it is expected to have.
      type: int
      sample: 1
    state:
      description:
        - V(normal), no more watchers than expected, and none of them known to be stale.
        - V(stale_duplicate), more watchers than expected, all tested, and the stale ones are the surplus.
        - V(contested), more clients alive than expected. Only clients that are gone are fenced.
        - V(headless), no watcher responded.
        - V(degraded), no more watchers than expected, but one of them is stale.
        - V(locked), its watchers are healthy, but its exclusive lock belongs to a client that is gone and does not watch it. Read for named images, and
          for images with several watchers.
        - V(undetermined), more watchers than expected, and the evidence does not tell which one is stale.
      type: str
      sample: stale_duplicate
    decision:
      description: V(leave) if nothing is wrong, V(fence) if fencing the culprits heals the image, V(refuse) if a fence is not safe.
      type: str
      sample: fence
    reasons:
      description: Why, in words.
      type: list
      elements: str
      sample: ["watchers: 2, expected: 1 (alive: 1, stale: 1, unknown: 0)"]
    watchers:
      description: All watchers of the image.
      type: list
      elements: dict
      contains:
        address:
          description: The client's address, as the blocklist takes it.
          type: str
          sample: 192.0.2.7:0/1193546917
        client:
          description: The client's name in the cluster.
          type: str
          sample: client.4133
        cookie:
          description: The number of this watch.
          type: int
          sample: 139924665800192
        entity:
          description: The Ceph user it connected as; empty if no monitor has a session of it.
          type: str
          sample: client.gateway2
        host:
          description: The host it runs on, as the monitors know it; empty if no monitor has a session of it.
          type: str
          sample: gateway2
        daemon:
          description: >-
            What it is if it belongs to Ceph itself, such as C(rbd-mirror); empty for a client. A daemon serves the image to no initiator. So it counts
            neither against O(expected) nor as a watcher that responds.
          type: str
          sample: ''
        gateway:
          description: The host of the gateway (tcmu-runner) that has this watch, by Ceph's service map; otherwise empty.
          type: str
          sample: ''
        dead_host:
          description: Whether it is on a host of O(dead_hosts).
          type: bool
          sample: false
        lock_owner:
          description: Whether this watch holds the image's exclusive lock. A stale client often does, so it is no proof of life.
          type: bool
          sample: true
        liveness:
          description: V(alive), V(hung), V(orphaned) or V(unknown).
          type: str
          sample: orphaned
        verdict:
          description: V(keep), V(fence), V(spare) for a stale client that must not be fenced, or V(undecided).
          type: str
          sample: fence
        reasons:
          description: Why, in words.
          type: list
          elements: str
          sample: ["it did not answer the notify, and has no session on any monitor: the client is gone, or silent for over 5 minutes"]
    owner:
      description: >-
        The client that holds the image's exclusive lock without watching the image, as an entry like those of RV(images[].watchers); empty if there is
        none. If the client is gone, it is a culprit, and its lock is to be broken.
      type: list
      elements: dict
      sample: []
culprits:
  description: >-
    The clients that a fence is considered for. Fence only those with V(fence) as RV(culprits[].verdict). They are the stale clients of V(stale_duplicate)
    images, and on V(contested) images the clients that are gone or in O(evict). Clients of images to be freed, silent clients on O(dead_hosts), and
    owners of locks to be broken are also listed.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address, as the blocklist takes it.
      type: str
      sample: 192.0.2.7:0/1193546917
    client:
      description: The client's name in the cluster.
      type: str
      sample: client.4133
    images:
      description: The images on which it is the surplus watcher.
      type: list
      elements: str
      sample: [rbd/esx-datastore1]
    watches:
      description: All known images that it watches; a fence cuts it off there.
      type: list
      elements: str
      sample: [rbd/esx-datastore1]
    gone_since:
      description: When the monitors' sessions were first read without it, in seconds since the epoch; V(0) if a look found it.
      type: float
      sample: 1795372865.12
    missed:
      description: The notifies that it let time out.
      type: list
      elements: dict
      contains:
        at:
          description: When the notify was sent, in seconds since the epoch.
          type: float
          sample: 1795372865.12
        seconds:
          description: How long it had to answer.
          type: float
          sample: 5.0
    verdict:
      description: V(fence), or V(spare) if a reason forbids the fence.
      type: str
      sample: fence
    reasons:
      description: The evidence, and the reasons against a fence.
      type: list
      elements: str
      sample: ["on rbd/esx-datastore1 it did not answer the notify, and has no session on any monitor: the client is gone, or silent for over 5 minutes"]
look:
  description: The evidence that M(cephops.iscsi_rescue.osd_blacklist) requires before it fences a client under a lease.
  returned: success
  type: dict
  contains:
    at:
      description: When the look at the watchers in question began, in seconds since the epoch; V(0) if none was in question.
      type: float
      sample: 1795372865.12
    fence:
      description: Addresses of the culprits with the verdict V(fence).
      type: list
      elements: str
      sample: [192.0.2.7:0/1193546917]
    gone:
      description: Those without a session on any monitor.
      type: list
      elements: str
      sample: [192.0.2.7:0/1193546917]
    serving:
      description: For each listed image, the addresses of the clients that serve it and stay.
      type: dict
      sample: {"rbd/esx-datastore1": ["192.0.2.8:0/2917311035"]}
    watches:
      description: For each client to fence, all images that it watches.
      type: dict
      sample: {"192.0.2.7:0/1193546917": ["rbd/esx-datastore1"]}
    freeing:
      description: The images to be freed, with all their clients fenced. They are the ones of O(free), and V(locked) ones without a client that serves them.
      type: list
      elements: str
      sample: []
    locks:
      description: For each client to fence that holds the exclusive lock of images without watching them, these images.
      type: dict
      sample: {}
blocklist:
  description: >-
    The return values of M(cephops.iscsi_rescue.osd_blacklist) without addresses: the whole list as C(after), its C(ranges), the open C(leases), the
    C(word) that the cluster uses, and C(unread). Also, as C(living), the fenced clients with a session on a monitor. Each has its C(address), C(host) and
    C(entity), the C(entry), its end C(until), and the C(run) that made it, empty if no lease explains it.
  returned: success, with O(blocklist=true)
  type: dict
  sample: {"after": {}, "ranges": {}, "leases": [], "unread": [], "word": "blocklist", "living": []}
exports:
  description: >-
    What Ceph's iSCSI gateways (ceph-iscsi) export of the listed images, by their common configuration, the object C(gateway.conf) in pool C(rbd).
    It also holds CHAP passwords, which the module does not return.
  returned: success
  type: dict
  contains:
    luns:
      description: For each gateway its LUNs, as M(cephops.iscsi_rescue.lun_map) returns them.
      type: dict
      sample: {"gw1.example.com": [{"image": "rbd/esx-datastore1", "target": "iqn.2003-01.com.redhat.iscsi-gw:igw", "lun": 0}]}
    gap:
      description: Why that is unknown; empty if it is known, and if there is no such object.
      type: str
      sample: ''
incomplete:
  description: What could not be read, and why. An unknown image never counts as V(normal).
  returned: success
  type: list
  elements: str
  sample: ["osd.2 did not answer 'dump_watchers' within 10 s: check 'ceph osd tree'."]
strays:
  description: Watched headers that no image directory knows, such as the rest of an interrupted removal. Only if a sweep looks at all RBD pools.
  returned: success
  type: list
  elements: dict
  contains:
    pool:
      description: A pool that holds such a header; empty if none was found.
      type: str
      sample: rbd
    namespace:
      description: Its namespace, often empty.
      type: str
      sample: ''
    header:
      description: The header object.
      type: str
      sample: rbd_header.7mjm6dk28jaj3
    watchers:
      description: Its watchers, each with C(address) and C(client).
      type: list
      elements: dict
      sample: [{"address": "192.0.2.7:0/1193546917", "client": "client.4133"}]
counts:
  description: >-
    The number of C(images), of unknown images (C(unseen)), of C(watched) images and their C(watchers), and of the images in each state.
  returned: success
  type: dict
  sample:
    {"images": 12, "unseen": 0, "watched": 4, "watchers": 5,
     "normal": 11, "stale_duplicate": 1, "contested": 0, "headless": 0, "degraded": 0, "locked": 0, "undetermined": 0}
survey:
  description: The C(way) the watchers were read, V(sweep) or V(image), and C(why).
  returned: success
  type: dict
  sample: {"way": "sweep", "why": "3 OSDs listed all their watchers"}
elapsed:
  description: Seconds spent in each stage.
  returned: success
  type: dict
  sample: {"connect": 0.016, "survey": 0.031, "liveness": 5.021, "blast_radius": 0.044}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils import _python  # noqa: F401 pylint: disable=unused-import
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import RescueError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing.open_leases import listed
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._module import CEPH_EXCLUSIVE, ceph_options, in_words
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers import detect

# With 1 s, a client that paused for 2.9 s counted as silent in two looks (measured).
SHORT_NOTIFY_S = 3


def main() -> None:
    module = AnsibleModule(
        argument_spec=dict(
            ceph_options(),
            pools=dict(type="list", elements="str", default=[]),
            images=dict(type="list", elements="str", default=[]),
            expected=dict(type="str", default="auto"),
            expected_for=dict(
                type="list",
                elements="dict",
                default=[],
                options=dict(pattern=dict(type="str", required=True), watchers=dict(type="int", required=True)),
            ),
            survey=dict(type="str", choices=["auto", "sweep", "image"], default="auto"),
            evict=dict(type="list", elements="str", default=[]),
            free=dict(type="list", elements="str", default=[]),
            dead_hosts=dict(type="list", elements="str", default=[]),
            deep=dict(type="bool", default=False),
            missing_ok=dict(type="bool", default=False),
            after=dict(type="int", default=0),
            wait=dict(type="int", default=0),
            served=dict(type="list", elements="str", default=[]),
            blocklist=dict(type="bool", default=False),
            liveness=dict(type="str", choices=["none", "duplicates", "all"], default="duplicates"),
            notify_timeout=dict(type="int", default=5),
            patience=dict(type="int", default=30),
        ),
        mutually_exclusive=CEPH_EXCLUSIVE,
        supports_check_mode=True,
    )
    if module.params["notify_timeout"] < SHORT_NOTIFY_S:
        module.warn(f"notify_timeout is {module.params['notify_timeout']} s: a busy client might not answer in time. Give at least {SHORT_NOTIFY_S} s.")
    try:
        result = {**detect.look(module.params), **listed(module.params)}
    except RescueError as error:
        module.fail_json(msg=in_words(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()

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
  - Every client that has an RBD image open watches the image's header object. A client that is dead, hung or forgotten may
    leave its watch, and with it the exclusive lock, behind; the image's LUN then hangs.
  - Reads the watchers of images, asks the doubtful ones whether they are alive, and says of each why it is taken for what it is.
  - A watcher is V(alive) when it acknowledged a notify on the header, V(hung) when it did not but still has a session on a
    monitor, V(orphaned) when it did not and no monitor knows it, and V(unknown) when it could not be tested.
options:
  pools:
    description:
      - Look at every image of these pools, in all their namespaces.
      - Without O(pools) and O(images), all pools are looked at that are tagged for RBD or hold images.
    type: list
    elements: str
    default: []
  images:
    description:
      - Look at these images, each V(pool/image) or V(pool/namespace/image). They are listed in the result whatever their state.
    type: list
    elements: str
    default: []
  expected:
    description:
      - How many healthy watchers an image has by right, or V(auto).
      - V(auto) is as many as are gateways of the image, tcmu-runner, by Ceph's service map, and 1 where none is.
      - Give a number where several other clients have an image open on purpose. The rbd-mirror and the managers are not counted.
    type: str
    default: auto
  expected_for:
    description:
      - How many healthy watchers certain images have by right. The first pattern that matches counts; O(expected) counts for all other images.
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
      - V(sweep) asks every OSD once for all its watchers (C(dump_watchers), Ceph 15 or later), and joins that with the image directories. What
        looks like more than expected is read again, one by one.
      - V(image) reads image by image, about 2 ms each.
      - V(auto) sweeps where release and caps allow it, and else goes image by image; RV(survey) says which, and why.
      - Images named in O(images) are always read one by one. The sweep then serves to see what else a culprit watches.
    type: str
    choices: [auto, sweep, image]
    default: auto
  deep:
    description:
      - Whether a sweep also finds what only dead clients watch. An OSD lists watches only of headers that it has in memory, so after its restart it does not
        tell of such images, and they count as V(normal).
      - With V(true) the module asks for the size of each header that no OSD told of, which loads it, and sweeps again. What could not be read is counted as
        unseen. 20,000 headers took 0.7 s.
      - O(dead_hosts) implies it. A survey image by image misses none of them anyway.
    type: bool
    default: false
  missing_ok:
    description: Whether an image of O(images) that is not there is left out of the result, instead of being an error.
    type: bool
    default: false
  evict:
    description:
      - Addresses of living clients to fence where an image is V(contested). It is the operator who names them; nothing is fenced by guess.
      - Counts for contested images only, when naming them leaves no more than expected, all of them alive.
      - The guards still hold, but for one. What else such a client watches, beside others who answer, it loses; where it is alone, it is spared.
    type: list
    elements: str
    default: []
  free:
    description:
      - Images to free for somebody else to map, or to be deleted; as V(pool/image), V(pool/namespace/image), or a shell-like pattern on that.
      - Where nobody serves such an image and no client responds (V(headless)), its clients that are gone are culprits. A client that might be alive, as one
        that only paused, is one only where O(evict) names it; else nobody is fenced.
      - That the image's OSD delivers notifies is proven first, by a notify to a watch of the module's own. For that it makes an object in the image's pool,
        C(cephops_iscsi_rescue.leases.control.N), for a moment, also in check mode.
      - Selects no images. Name them in O(images) as well, or look at whole pools with O(liveness=all).
    type: list
    elements: str
    default: []
  dead_hosts:
    description:
      - Hosts that are dead, by IP address, network (CIDR), or a name that the host of this task can resolve. All clients there are judged, one by one, on
        each image that is looked at.
      - A client there that does not respond is a culprit, also where the image has no more watchers than O(expected). An image that only such clients
        watch is freed, as with O(free). A client that responds is left, whatever is said of its host, and its image is shown.
    type: list
    elements: str
    default: []
  after:
    description: Seconds to wait before the first look.
    type: int
    default: 0
  wait:
    description:
      - Seconds to wait until every image that the look shows is V(normal) or V(locked), and each of O(served) has a watcher. The module looks again once a
        second, and returns the last look.
      - An error of the cluster counts only when it lasts until then.
    type: int
    default: 0
  served:
    description: Images that must have a watcher before O(wait) ends.
    type: list
    elements: str
    default: []
  blocklist:
    description: Whether to return the blocklist and the open leases as well (RV(blocklist)), which saves a call of M(cephops.iscsi_rescue.osd_blacklist).
    type: bool
    default: false
  liveness:
    description:
      - Which images' watchers are asked whether they live.
      - V(duplicates) asks those of images with more than O(expected) watchers, and of all that O(images) names. V(all) asks all, V(none) asks nobody, and
        then nobody is found stale.
      - The question is an empty notify on the header object, as every change of the header sends it. Clients answer it by reading the header again.
    type: str
    choices: [none, duplicates, all]
    default: duplicates
  notify_timeout:
    description:
      - Seconds a watcher has to answer. All images are asked at once, so this is about what the question costs in time altogether.
      - When a culprit is found, what else it watches is asked too, which takes the same time once more.
      - With less than 3 seconds the module warns, since a busy client might not answer in time.
    type: int
    default: 5
  patience:
    description:
      - Seconds that a client which might be alive must be silent before it counts as stale. A client that only paused answers as soon as it goes on.
      - After the first notify the module sends others, one after the other, where such a client is to be fenced. Any answer clears it.
      - A client without a session on any monitor has been silent for over five minutes, and needs no patience.
      - With V(0) one notify is enough. Use that only where M(cephops.iscsi_rescue.osd_blacklist) asks a last time, as it does under a lease.
    type: int
    default: 30
notes:
  - "Caps that suffice to look: C(mon 'profile rbd-read-only') and C(osd 'profile rbd-read-only'). The playbook C(ceph_user) makes a user with fewer."
  - "To tell a hung client from one that is gone, it also needs C(mon 'allow command sessions, allow command get_command_descriptions'),
    and Ceph 15 or later. Without it, a client that does not answer is V(hung)."
  - "The sweep needs C(osd 'allow *'), since the OSDs guard all commands to themselves with that."
  - An acknowledged notify shows that the watch is served, not that the client's I/O is healthy.
  - Images in the trash are not judged, but what a culprit watches there counts for the guards.
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

- name: Show who is stale
  ansible.builtin.debug:
    var: watchers.culprits

- name: See who watches one image, and whether each of them answers
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
      description: How many healthy watchers it has by right.
      type: int
      sample: 1
    state:
      description:
        - V(normal), no more watchers than expected, and none of them known to be stale.
        - V(stale_duplicate), more than expected, all answered for, and the stale ones are the surplus.
        - V(contested), more clients alive than expected. Only clients that are gone are fenced then.
        - V(headless), no watcher answered.
        - V(degraded), no more than expected, but one of them is stale.
        - V(locked), its watchers are well, but its exclusive lock belongs to a client that is gone and does not watch it. Seen of images that are named, and
          of those with several watchers.
        - V(undetermined), more than expected, and the evidence does not tell who is stale.
      type: str
      sample: stale_duplicate
    decision:
      description: V(leave) where nothing is wrong, V(fence) where fencing the culprits heals, V(refuse) where it must not be tried.
      type: str
      sample: fence
    reasons:
      description: Why, in words.
      type: list
      elements: str
      sample: ["2 watchers where 1 is expected: 1 alive, 1 stale, 0 unknown"]
    watchers:
      description: Everyone who watches the image.
      type: list
      elements: dict
      contains:
        address:
          description: The client's address, as the blacklist takes it.
          type: str
          sample: 192.0.2.7:0/1193546917
        client:
          description: The client's name in the cluster.
          type: str
          sample: client.4133
        cookie:
          description: The number of this one watch.
          type: int
          sample: 139924665800192
        entity:
          description: The Ceph user it connected as; empty when no monitor has a session of it.
          type: str
          sample: client.gateway2
        host:
          description: The host it runs on, as the monitors know it; empty when no monitor has a session of it.
          type: str
          sample: gateway2
        daemon:
          description: >-
            What it is where it belongs to Ceph itself, such as C(rbd-mirror); empty for a client. A daemon serves the image to no initiator. So it counts
            neither against O(expected) nor as a watcher that answers.
          type: str
          sample: ''
        gateway:
          description: The host of the gateway, tcmu-runner, that this watch belongs to, by Ceph's service map; else empty.
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
          sample: ["it did not answer the notify and has no session on any monitor: the client is gone, or silent for over 5 minutes"]
    owner:
      description: >-
        The client that holds the image's exclusive lock without watching the image, as an entry like those of RV(images[].watchers); no entry where there is
        none. Where it is gone, it is a culprit, and its lock is to be broken.
      type: list
      elements: dict
      sample: []
culprits:
  description: >-
    The stale clients of the images in state V(stale_duplicate), those that O(evict) names on V(contested) ones, and those whose lock is to be broken.
  returned: success
  type: list
  elements: dict
  contains:
    address:
      description: The client's address, as the blacklist takes it.
      type: str
      sample: 192.0.2.7:0/1193546917
    client:
      description: The client's name in the cluster.
      type: str
      sample: client.4133
    images:
      description: The images whose surplus watcher it is.
      type: list
      elements: str
      sample: [rbd/esx-datastore1]
    watches:
      description: All images that it watches, as far as the look went; fencing it cuts it off there.
      type: list
      elements: str
      sample: [rbd/esx-datastore1]
    gone_since:
      description: When the monitors' sessions were first looked at and did not show it, in seconds since the epoch; V(0) when a look found it.
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
      description: V(fence), or V(spare) where a reason speaks against it.
      type: str
      sample: fence
    reasons:
      description: The evidence, and what speaks against fencing.
      type: list
      elements: str
      sample: ["on rbd/esx-datastore1 it did not answer the notify and has no session on any monitor: the client is gone, or silent for over 5 minutes"]
look:
  description: What M(cephops.iscsi_rescue.osd_blacklist) takes as the evidence of this look before it fences a client under a lease.
  returned: success
  type: dict
  contains:
    at:
      description: When the look at the watchers in question began, in seconds since the epoch; V(0) when none was in question.
      type: float
      sample: 1795372865.12
    fence:
      description: Addresses of the culprits whose verdict is V(fence).
      type: list
      elements: str
      sample: [192.0.2.7:0/1193546917]
    gone:
      description: Those of them without a session on any monitor.
      type: list
      elements: str
      sample: [192.0.2.7:0/1193546917]
    serving:
      description: For each image that is shown, the addresses of the clients that serve it and stay when its culprits are fenced.
      type: dict
      sample: {"rbd/esx-datastore1": ["192.0.2.8:0/2917311035"]}
    watches:
      description: For each client to fence, all images that it watches.
      type: dict
      sample: {"192.0.2.7:0/1193546917": ["rbd/esx-datastore1"]}
    freeing:
      description: The images that nobody serves and nobody is to, so that all their clients are to be fenced; those of O(free), and V(locked) ones.
      type: list
      elements: str
      sample: []
    locks:
      description: For each client to fence that holds the exclusive lock of images without watching them, these images.
      type: dict
      sample: {}
blocklist:
  description: >-
    What M(cephops.iscsi_rescue.osd_blacklist) returns without addresses: the whole list as C(after), its C(ranges), the open C(leases), the C(word) that
    the cluster uses, and C(unread). Besides, as C(living), the clients that have a session on a monitor and are fenced, each with its C(address), C(host)
    and C(entity), the C(entry), C(until) when that lasts, and the C(run) whose lease explains it.
  returned: success, with O(blocklist=true)
  type: dict
  sample: {"after": {}, "ranges": {}, "leases": [], "unread": [], "word": "blocklist", "living": []}
exports:
  description: >-
    What Ceph's iSCSI gateways (ceph-iscsi) export of the images that are shown, by their common configuration, the object C(gateway.conf) in pool C(rbd).
    It also holds CHAP passwords, which are not taken from it.
  returned: success
  type: dict
  contains:
    luns:
      description: For each gateway its LUNs, as M(cephops.iscsi_rescue.lun_map) returns them.
      type: dict
      sample: {"gw1.example.com": [{"image": "rbd/esx-datastore1", "target": "iqn.2003-01.com.redhat.iscsi-gw:igw", "lun": 0}]}
    gap:
      description: Why that is not known; empty where it is, and where there is no such object.
      type: str
      sample: ''
incomplete:
  description: What could not be seen, and why. No image is counted as V(normal) of which nothing is known.
  returned: success
  type: list
  elements: str
  sample: ["osd.2 did not answer 'dump_watchers' within 10 s: see 'ceph osd tree'."]
strays:
  description: Watched headers that no image directory knows, such as what an interrupted removal leaves. Only when all RBD pools are looked at by a sweep.
  returned: success
  type: list
  elements: dict
  contains:
    pool:
      description: A pool that holds such a header; empty when none was found.
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
      description: Who watches it, each with C(address) and C(client).
      type: list
      elements: dict
      sample: [{"address": "192.0.2.7:0/1193546917", "client": "client.4133"}]
counts:
  description: >-
    How many C(images) were looked at, of how many nothing is known (C(unseen)), how many are C(watched), their C(watchers), and the images in each state.
  returned: success
  type: dict
  sample:
    {"images": 12, "unseen": 0, "watched": 4, "watchers": 5,
     "normal": 11, "stale_duplicate": 1, "contested": 0, "headless": 0, "degraded": 0, "locked": 0, "undetermined": 0}
survey:
  description: The C(way) the watchers were read, V(sweep) or V(image), and C(why).
  returned: success
  type: dict
  sample: {"way": "sweep", "why": "3 OSDs could be asked for all their watchers at once"}
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

# With 1 s, a pause of 2.9 s was enough to be called silent in two looks (measured).
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

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that a run of the role is made of: what its modules return, and the state that grows from them.

The modules' documentation has the meaning of their fields. What a phase did not bring is empty.
"""

from __future__ import annotations

import typing as t

Phase = t.Literal[
    "begin",
    "look",
    "find_luns",
    "lock_waits",
    "probe_before",
    "fence",
    "unlock",
    "verify",
    "probe_after",
    "restore",
    "look_after",
    "look_again",
    "fence_again",
    "failed",
    "trace",
    "listed_after",
]
Decision = t.Literal["leave", "fence", "refuse", "continue"]
When = t.Literal["before", "after"]


class Watcher(t.TypedDict, total=False):
    """A watcher as rbd_watchers returns it."""

    address: str
    client: str
    cookie: int
    entity: str
    host: str
    daemon: str
    gateway: str
    dead_host: bool
    lock_owner: bool
    liveness: str
    verdict: str
    reasons: list[str]


class Image(t.TypedDict, total=False):
    """An image as rbd_watchers returns it. ``owner``: the client that holds its lock without watching it, or none."""

    spec: str
    id: str
    header: str
    state: str
    decision: Decision
    expected: int
    reasons: list[str]
    watchers: list[Watcher]
    owner: list[Watcher]


class Missed(t.TypedDict, total=False):
    """A notify that a client let time out: when it was sent, in seconds since the epoch, and how long the client had to answer. ``address``: the client's."""

    address: str
    at: float
    seconds: float


class Culprit(t.TypedDict, total=False):
    """A culprit as rbd_watchers returns it."""

    address: str
    client: str
    images: list[str]
    watches: list[str]
    gone_since: float
    missed: list[Missed]
    verdict: str
    reasons: list[str]


class Evidence(t.TypedDict):
    """What osd_blacklist takes for the evidence of a look."""

    at: float
    fence: list[str]
    gone: list[str]
    serving: dict[str, list[str]]
    freeing: list[str]
    watches: dict[str, list[str]]
    locks: dict[str, list[str]]


class Stray(t.TypedDict):
    """A watched header that no directory knows."""

    pool: str
    namespace: str
    header: str
    watchers: list[Watcher]


class Lease(t.TypedDict, total=False):
    """An open lease as osd_blacklist returns it."""

    pool: str
    address: str
    run: str
    reason: str
    images: list[str]
    added: float
    expire: int
    until: str


class FencedLiving(t.TypedDict):
    """A client that is alive and fenced: by which entry, until when, and by which run of this role, '' for none."""

    address: str
    host: str
    entity: str
    entry: str
    until: str
    run: str


class Listed(t.TypedDict, total=False):
    """The blocklist: ``after`` is address -> until when, ``ranges`` network -> until when. ``living``: clients that are alive and fenced."""

    after: dict[str, str]
    ranges: dict[str, str]
    living: list[FencedLiving]
    leases: list[Lease]
    unread: list[str]
    word: str


class Look(t.TypedDict, total=False):
    """What a call of rbd_watchers returned."""

    images: list[Image]
    culprits: list[Culprit]
    look: Evidence
    blocklist: Listed
    incomplete: list[str]
    strays: list[Stray]
    exports: dict[str, t.Any]
    counts: dict[str, int]
    elapsed: dict[str, float]


class Kept(t.TypedDict):
    """A lease that stays open, and why."""

    address: str
    host: str
    entity: str
    until: str
    pool: str
    run: str
    fenced_for: str
    reason: str


class Spared(t.TypedDict):
    """A client that answered the last question, or could not be asked."""

    address: str
    reason: str
    answered: bool


class Change(t.TypedDict, total=False):
    """What a call of osd_blacklist returned."""

    after: dict[str, str]
    added: list[str]
    extended: list[str]
    removed: list[str]
    reset: list[str]
    closed: list[str]
    kept: list[Kept]
    foreign: list[str]
    unread: list[str]
    spared: list[Spared]
    vanished: list[str]
    missed: list[Missed]
    failed: bool
    changed: bool


class Unlocked(t.TypedDict, total=False):
    """What a call of rbd_lock returned."""

    broken: list[str]
    kept: dict[str, str]


class HeldLock(t.TypedDict):
    """A lock that is to be broken."""

    image: str
    owner: str


class Step(t.TypedDict, total=False):
    """A SCSI command of a probe, and how it ended."""

    name: str
    seconds: float
    status: str


class Lun(t.TypedDict, total=False):
    """How a LUN is reached: an entry of remediate_watchers_luns. ``other_paths``: see scsi_reserve_probe."""

    image: str
    name: str
    portal: str
    target: str
    lun: int
    device: str
    serial: str
    eui: str
    naa: str
    host: str
    other_paths: list[t.Any]
    nv_cache: bool
    breaks_locks: bool
    gateway: str


class Probe(t.TypedDict, total=False):
    """What scsi_reserve_probe found at one LUN."""

    name: str
    portal: str
    target: str
    lun: t.Optional[int]
    device: str
    tried: list[str]
    verdict: str
    reason: str
    proof: str
    holder: str
    steps: list[Step]
    identity: dict[str, t.Any]


class Probing(t.TypedDict):
    """The LUNs that one host probes at once, and how it tests writes."""

    host: str
    write_path: str
    luns: list[Lun]


class SilentGateway(t.TypedDict):
    """A gateway that did not tell its LUNs."""

    host: str
    why: str


class KernelEvent(t.TypedDict):
    """An event of kernel_log."""

    seconds: float
    stack: str
    kind: str
    initiator: str
    device: str
    disk: str
    old_holder: str
    holder: str


class KernelLog(t.TypedDict):
    """What the kernel of one gateway said during one probe."""

    host: str
    phase: When
    gap: str
    events: list[KernelEvent]


class InFlight(t.TypedDict):
    """What stood still on a gateway, on the device behind an image's LUN, when it was looked at before the fence."""

    host: str
    image: str
    reads: int
    writes: int
    still_for: float


class LockWait(t.TypedDict):
    """What the kernel of a gateway said of an image's lock, again and again up to the look, and for how long."""

    host: str
    text: str
    seconds: int


class CameBack(t.TypedDict):
    """Clients that watch again after their entry was removed: addresses to fence again, and of each other one why it is spared."""

    fence: list[str]
    spare: list[str]


class Connection(t.TypedDict, total=False):
    """How to reach the cluster, where that is not the usual way."""

    conf: str
    client: str
    keyring: str


class Trace(t.TypedDict, total=False):
    """The debug sites of LIO and the flags of SCST that the run switches on."""

    lio: list[dict[str, str]]
    scst: list[str]


class Settings(t.TypedDict):
    """What the operator asked for, in the role's words without their prefix. ``gateways``: host -> address, '' for none."""

    pools: list[str]
    images: list[str]
    protect: list[str]
    approved: list[str]
    evict: list[str]
    free: list[str]
    dead_hosts: list[str]
    liveness: str
    max_fence: int
    luns: list[Lun]
    find_luns: bool
    restore: str
    prober: str
    probe_initiator: str
    probe_deadline: float
    write_path: str
    probe_before: str
    gone_timeout: int
    patience: int
    expire: int
    gateways: dict[str, str]
    controller_keyring: str
    has_key: bool
    connection: Connection
    trace: Trace


class Run(t.TypedDict):
    """The state of a run.

    Results of phases:

    - ``listed``: the blocklist at first; ``listed_after``: the blocklist at the end.
    - ``detected``: the images and clients in question, and what is known of them.
    - ``afterwards``: the last look; ``looked_again``: one more look at clients that came back.
    - ``times``: when a phase ended, in seconds since the epoch by the controller's clock.

    Derived from these:

    - ``sick``: images that are not normal; ``healing``: images to heal; ``culprits``: clients to fence for that. The last question can still spare them.
    - ``continued``: images of open leases that this run is asked to look at; ``verifying``: these and the images to heal.
    - ``touched``: all of these, and the images of fenced clients; ``locks``: locks to break.
    - ``ours``: addresses whose entry this run is allowed to remove.
    - ``unnamed``: images whose LUNs the operator does not name; ``asking``: gateways that are asked for their LUNs.
    - ``exported``: what ceph-iscsi's common configuration says of these LUNs.
    - ``listening``: gateways with krbd below a LUN of these images, whose kernels are asked for lock waits.
    - ``found_luns``: image -> how to reach its LUN, an entry for each host that probes; ``tries``: image -> which entry is next.
    - ``pathless``: image -> why its LUN cannot be probed.
    - ``lock_breakers``: see lock_path.breakers(); ``lock_takers``: image -> the gateway for a test write.
    - ``probed``: finished images, before the fence and again after it; ``probing``: which host probes what next.
    - ``stop``: why the run must not fence, '' for nothing. ``error``: what went wrong after that.
    """

    id: str
    began: float
    check_mode: bool
    settings: Settings
    times: dict[str, float]
    error: str
    listed: Listed
    listed_after: Listed
    detected: Look
    fenced: Change
    unlocked: Unlocked
    verified: Look
    restored: Change
    afterwards: Look
    looked_again: Look
    refenced: Change
    kept_out: Change
    luns: list[Lun]
    found_luns: dict[str, list[Lun]]
    pathless: dict[str, str]
    lock_breakers: dict[str, dict[str, list[str]]]
    lock_takers: dict[str, str]
    tries: dict[str, int]
    probed: list[str]
    silent_gateways: list[SilentGateway]
    in_flight: list[InFlight]
    lock_waits: list[LockWait]
    probes_before: list[Probe]
    probes_after: list[Probe]
    kernel_log: list[KernelLog]
    sick: list[str]
    healing: list[str]
    serving: list[str]
    culprits: list[Culprit]
    locks: list[HeldLock]
    continued: list[str]
    verifying: list[str]
    touched: list[str]
    ours: list[str]
    unnamed: list[str]
    asking: list[str]
    exported: list[t.Mapping[str, t.Any]]
    listening: list[str]
    probing: list[Probing]
    came_back: CameBack
    plan: list[str]
    stop: str


class TimelineEntry(t.TypedDict):
    """A phase, or a moment, whose ``begin`` is its ``end``; in seconds since the run began."""

    phase: str
    begin: float
    end: float
    what: str


class LunResult(t.TypedDict):
    """The probes of one LUN; {} for one that was not made."""

    before: Probe
    after: Probe


class ImageResult(t.TypedDict):
    """What became of an image. A lock is the address of the client that holds it, '' for none. ``proven``: the proof in words.

    ``owner``: the client that held the lock at first, or none; ``unlocked``: whether the lock was broken. ``left_locked``: why it was not, '' where it is well.
    ``lock_breakers``: gateways that would break the lock of a dead owner by themselves. ``unreached``: it was healed, and its LUN is known and was not
    reached. ``freed``: it has no watcher any more, as was asked for.
    """

    spec: str
    header: str
    state: str
    decision: Decision
    reasons: list[str]
    watchers_before: list[Watcher]
    watchers_after: list[Watcher]
    state_after: str
    lock_before: str
    lock_after: str
    owner: list[Watcher]
    unlocked: bool
    left_locked: str
    luns: list[LunResult]
    proof: str
    freed: bool
    proven: str
    unreached: bool
    lock_breakers: list[str]


class NewEntry(t.TypedDict):
    """An entry of the blocklist that this run did not make, and whose it probably is."""

    address: str
    whose: str


class OpenItem(t.TypedDict):
    """What a run leaves open, and what to do about it, a sentence or two each."""

    what: str
    next: str


class InUse(t.TypedDict):
    """An image that was to be freed, and the clients that respond on it."""

    spec: str
    clients: list[str]


class Revived(t.TypedDict):
    """A client that responds although its host is given as dead, and the images that it watches."""

    address: str
    host: str
    images: list[str]


class WithoutEffect(t.TypedDict):
    """A client that the operator named to be fenced and that is not, and why."""

    address: str
    why: str


class Result(t.TypedDict):
    """What a run came to: the fact remediate_watchers_result, and the report for programs.

    ``blacklist_*``: address -> until when, None where it was not read. ``unsettled``: restoring was due and did not come to an end.
    """

    outcome: str
    run: str
    check_mode: bool
    seconds: float
    began: str
    ended: str
    error: str
    expire: int
    timeline: list[TimelineEntry]
    images: list[ImageResult]
    culprits: list[Culprit]
    counts: dict[str, int]
    incomplete: list[str]
    unread: list[str]
    strays: list[Stray]
    word: str
    fence_failed: bool
    fenced: list[str]
    extended: list[str]
    restored: list[str]
    reset: list[str]
    spared: list[Spared]
    without_effect: list[WithoutEffect]
    fenced_living: list[FencedLiving]
    in_use: list[InUse]
    revived: list[Revived]
    fenced_again: list[str]
    kernel_log: list[KernelLog]
    in_flight: list[InFlight]
    lock_waits: list[LockWait]
    unasked: list[SilentGateway]
    kept: list[Kept]
    foreign: list[str]
    unsettled: bool
    blacklist_before: t.Optional[dict[str, str]]
    blacklist_during: t.Optional[dict[str, str]]
    blacklist_after: t.Optional[dict[str, str]]
    came: list[NewEntry]
    lapsed: list[Lease]
    advice: str
    unfinished: list[OpenItem]
    healed: int
    healed_images: list[str]
    refused: int
    by_hand: list[str]

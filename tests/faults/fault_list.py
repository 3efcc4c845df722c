# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults of matrix.py: what happens, in which phases, and how the run that it hits is allowed to end."""

from __future__ import annotations

import typing as t
from pathlib import Path

TASK = "cephops.iscsi_rescue.remediate_watchers : {}"
# After these tasks.
TASKS = {
    "start": TASK.format("Check the settings and begin the run"),
    "detected": TASK.format("Choose the clients to fence, and apply the protection rules"),
    "probed": TASK.format("Decide what the probe means"),
    "fenced": TASK.format("Record the fenced clients"),
    "verified": TASK.format("Decide whether the watchers are as expected"),
    "restored": TASK.format("Compare the blocklist with its state before"),
}
# In the middle of a task: once the lease is there, once the entry is there, too, and once the entry is gone again.
INSIDE = ("leased", "entered", "removed")
SOON, LATE = ("start", "detected", "probed"), ("fenced", "verified", "restored")
EVERY = SOON + LATE
# For a fault that lasts longer than a phase. The phases left out would show the same again.
SOME = ("start", "detected", "probed", "fenced", "verified")
# How a run can end: see aftermath.outcome.
HEALED, PENDING, REFUSED, FAILED, STOPPED, NOTHING = "healed", "healed_restore_pending", "refused", "failed", "stopped", "nothing_to_do"
# The cluster keeps serving, but whether it answers in time is chance.
SHAKEN = (HEALED, PENDING, REFUSED, FAILED, STOPPED)
UNDONE = (REFUSED, FAILED, STOPPED)
Ends = t.Mapping[str, tuple[str, ...]]


class Fault(t.NamedTuple):
    """``happen`` and ``undo``: shell commands, each of which must succeed. In their environment: LAB, the lab's directory; IMAGE; LEADER and OTHER, the
    OSD that leads the header's placement group and another one; STALE and CLIENT, the stale client's address and pid; RUN, a run; SERVE, a
    command that serves the image again.

    ``ends``: phase -> outcomes; the fault happens in these phases. ``fences``: clients that Ceph itself fences then, too. GATEWAY (it had the image open)
    and MANAGER are addresses from before the fault. ``keeps``: an address with another operator's entry, which must outlast both runs. ``kind``: of the
    incident.
    """

    name: str
    happen: str
    undo: str
    ends: Ends
    kind: str = "orphan"
    fences: tuple[str, ...] = ("MANAGER",)
    keeps: str = ""
    # Whether the fault is another run, whose end is read, too.
    rival: bool = False
    # The runs' quorum_settle, unless it is the lab's own. That one is short, since no other client of the lab is silent after a monitor restarted.
    settle_s: int | None = None


def after_task(phase: str, command: str, note: Path) -> dict[str, str]:
    """Returns the environment that lets ansible-playbook run ``command`` in a shell, once, after the task of a phase. See callbacks/fault_after.py."""
    callback = {"ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callbacks"), "ANSIBLE_CALLBACKS_ENABLED": "fault_after"}
    return {**callback, "FAULT_AFTER": TASKS[phase], "FAULT_COMMAND": command, "FAULT_NOTE": str(note)}


def ends(phases: t.Iterable[str], *outcomes: str) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys(phases, outcomes)


def mons(signal: str, names: str) -> str:
    return "; ".join(f"kill -{signal} $(cat $LAB/mon.{name}.pid)" for name in names)


def restart(kind: str, name: str) -> str:
    return (
        f"start-stop-daemon --start --oknodo --pidfile $LAB/{kind}.{name}.pid --exec /usr/bin/ceph-{kind} -- --conf $LAB/ceph.conf --id {name} >/dev/null 2>&1"
    )


def restart_mons(names: str) -> str:
    return "; ".join(restart("mon", name) for name in names)


def stop_osd(name: str) -> str:
    """Returns a command that sends SIGTERM: the lab's OSDs keep their data in memory, and save it only when they are asked to end."""
    return f"start-stop-daemon --stop --pidfile $LAB/osd.{name}.pid --exec /usr/bin/ceph-osd --retry TERM/40"


def without_monitors(first: str = STOPPED) -> Ends:
    return {**ends(("start",), first), **ends(("detected", "probed", *LATE, *INSIDE), FAILED)}


def ratios(nearfull: float, backfillfull: float, full: float) -> str:
    """Returns commands that set all three: an OSD takes the highest of a ratio and those before it (recalc_full_state in Ceph's src/osd/OSD.cc)."""
    return f"{CEPH} osd set-nearfull-ratio {nearfull:f}; {CEPH} osd set-backfillfull-ratio {backfillfull:f}; {CEPH} osd set-full-ratio {full:f}"


CEPH = "timeout 30 ceph --conf $LAB/ceph.conf"
LIST = f"{CEPH} osd blocklist ls 2>/dev/null"
OPEN = (
    "import rados, rbd, signal; signal.signal(signal.SIGTERM, signal.default_int_handler); c = rados.Rados(conffile='$LAB/ceph.conf'); c.connect(); "
    "i = rbd.Image(c.open_ioctx('rbd'), '$IMAGE'); signal.pause()"
)
STRANGER = "192.0.2.77:0/77"
FULL = f"until {CEPH} health detail | grep -E 'POOL_FULL|OSD_FULL'; do sleep 1; done"
AGAIN = f"{mons('KILL', 'abc')}; sleep 1; {restart_mons('abc')}; {CEPH} quorum_status >/dev/null"
FAULTS = (
    Fault("all monitors hang", mons("STOP", "abc"), mons("CONT", "abc"), without_monitors()),
    # The remaining monitor might accept a connection until it knows that it is alone.
    Fault("quorum lost", mons("KILL", "ab"), restart_mons("ab"), {**ends(SOME, FAILED), "start": (STOPPED, FAILED)}),
    Fault("quorum lost and back", f"{mons('KILL', 'ab')}; (sleep 8; {restart('mon', 'b')}) >/dev/null 2>&1 &", restart_mons("ab"), ends(SOME, *SHAKEN)),
    Fault("one monitor hangs", mons("STOP", "b"), mons("CONT", "b"), ends(SOME, *SHAKEN)),
    Fault("the leading monitor killed", mons("KILL", "a"), restart_mons("a"), ends(SOME, *SHAKEN)),
    # A session dies with its monitor, and a stopped client does not reconnect. So a client that no monitor knows is not necessarily gone.
    Fault(
        "monitors restarted",
        AGAIN,
        "true",
        {**ends(("start", "detected", "fenced", "verified"), PENDING, *UNDONE), "restored": (PENDING, FAILED)},
        "zombie",
        settle_s=300,
    ),
    Fault("monitors restarted", AGAIN, "true", ends(("start", "detected", "fenced", "verified"), *SHAKEN)),
    Fault("manager killed", "kill -KILL $(cat $LAB/mgr.x.pid)", restart("mgr", "x"), ends(SOME, HEALED)),
    Fault("OSD of the header hangs", "kill -STOP $(cat $LAB/osd.$LEADER.pid)", "kill -CONT $(cat $LAB/osd.$LEADER.pid)", ends(SOME, *SHAKEN)),
    Fault("OSD of the header goes down", stop_osd("$LEADER"), restart("osd", "$LEADER"), ends(SOME, *SHAKEN)),
    Fault("OSD of the header restarted", f"{stop_osd('$LEADER')}; {restart('osd', '$LEADER')}", "true", ends(SOME, *SHAKEN)),
    Fault(
        "placement group inactive",
        f"{CEPH} osd pool set rbd min_size 3; {stop_osd('$OTHER')}; sleep 2",
        f"{CEPH} osd pool set rbd min_size 1; {restart('osd', '$OTHER')}",
        ends(SOME, *UNDONE),
    ),
    Fault(
        "cluster full",
        f"{ratios(0.00001, 0.00001, 0.00001)}; {FULL}",
        ratios(0.85, 0.9, 0.95),
        ends(("start", "probed", "fenced"), *UNDONE),
    ),
    Fault(
        "pool over its quota",
        f"{CEPH} osd pool set-quota rbd max_objects 1; {FULL}",
        f"{CEPH} osd pool set-quota rbd max_objects 0",
        ends(("start", "probed", "fenced"), *UNDONE),
    ),
    Fault(
        "stale client ends",
        "kill -CONT $CLIENT; kill -TERM $CLIENT; timeout 30 tail --pid=$CLIENT -f /dev/null; sleep 1",
        "true",
        {
            **ends(("start",), NOTHING),
            # The last question finds that the client no longer watches the image.
            **ends(("detected", "probed"), NOTHING),
            **ends(("fenced", "verified"), HEALED),
            "restored": (PENDING,),
        },
        "zombie",
    ),
    Fault(
        "a new client comes",
        f'nohup /usr/bin/python3 -c "{OPEN}" >/dev/null 2>&1 & echo $! >$LAB/newcomer.pid; sleep 3',
        "kill -TERM $(cat $LAB/newcomer.pid); sleep 2",
        {"start": (REFUSED,), **ends(("detected", "probed", "fenced"), FAILED), **ends(("verified", "restored"), HEALED)},
    ),
    Fault(
        "others remove the entry",
        f"{CEPH} osd blocklist rm $STALE",
        "true",
        {**ends(LATE, HEALED), "entered": (HEALED, FAILED)},
        fences=("MANAGER", "STALE"),
    ),
    # Adding an entry again does not change its end.
    Fault(
        "the entry expires",
        f"{CEPH} osd blocklist rm $STALE; {CEPH} osd blocklist add $STALE 1; sleep 5; ! {LIST} | grep -F $STALE",
        "true",
        ends(("fenced", "verified"), HEALED),
        fences=("MANAGER", "STALE"),
    ),
    Fault(
        "others add an entry", f"{CEPH} osd blocklist add {STRANGER} 7200; {LIST}", f"{CEPH} osd blocklist rm {STRANGER}", ends(SOME, HEALED), keeps=STRANGER
    ),
    Fault(
        "others fence the same client",
        f"{CEPH} osd blocklist rm $STALE; {CEPH} osd blocklist add $STALE 7200; {LIST}",
        f"{CEPH} osd blocklist rm $STALE",
        {**ends(("start",), NOTHING), **ends(("detected", "probed"), NOTHING, REFUSED, HEALED), **ends(LATE, HEALED)},
        keeps="STALE",
    ),
    Fault(
        "another run begins",
        'env --unset=ANSIBLE_CALLBACKS_ENABLED setsid bash -c "$RUN; echo \\$? >$LAB/rival.code" >$LAB/rival.log 2>&1 & echo $! >$LAB/rival.pid',
        "timeout 250 tail --pid=$(cat $LAB/rival.pid) -f /dev/null",
        ends(SOME, HEALED, NOTHING),
        rival=True,
    ),
    Fault(
        "the gateway dies",
        "kill -KILL $(cat $LAB/tgtd.pid); sleep 1",
        'bash -c "$SERVE" >/dev/null',
        {**ends(("start", "probed"), REFUSED), "detected": (STOPPED,), **ends(("fenced", "verified"), FAILED), "restored": (HEALED,)},
        fences=("MANAGER", "GATEWAY", "STALE"),
    ),
)

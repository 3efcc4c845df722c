# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the commands that do by hand what a run did. Pure; every word that comes from outside is quoted for the shell."""

from __future__ import annotations

import ipaddress
import re
import shlex
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Connection, ImageResult, LunResult, Probe, Result, Trace, When

# An IPv6 address is in brackets where a port follows.
_PORT = re.compile(r"^(?:[^:\[\]]+|\[.*\]):\d+$")
_DEBUG = "/sys/kernel/debug/dynamic_debug/control"
_SCST = "/sys/kernel/scst_tgt/trace_level"
# open-iscsi and udev know a target by the address that discovery reported.
_FOUND = '$2 == target { sub(/,.*/, "", $1); print $1; exit }'
_CARE = "Use a host that uses the LUN for nothing else (with CHAP, set the node's user first). A command that hangs ends only when the LUN responds."
# For $1 blocks of $2 bytes, both in hex.
_LAST, _SIZE = "$(($1 - 1))", "$(($2))"


def lines(summed: Result, connection: Connection, trace: Trace) -> list[str]:
    """Returns command lines with comments between them.

    ``connection``: ``conf``, ``client`` and ``keyring`` of the run, those that are not the usual ones. ``trace``: the sites ``lio`` and the flags ``scst``
    that were switched on, {} for none.
    """
    how = _connection(connection)
    luns = [lun for image in summed["images"] for lun in image["luns"]]
    parts = (
        _look(summed, how),
        _trace(trace, "+p", "add") if luns else [],
        _probe("Does the LUN respond?", luns, "before"),
        _fence(summed, how),
        _unlock(summed, how),
        _probe("Does the LUN respond now?", luns, "after"),
        _untrace(trace) if luns else [],
        [_logout(probe) for probe in _places(luns) if not probe.get("device")],
        _restore(summed, how),
    )
    return [line for part in parts for line in part]


def _connection(connection: Connection) -> list[str]:
    options = {"--conf": connection.get("conf"), "--name": connection.get("client"), "--keyring": connection.get("keyring")}
    return [word for option, value in options.items() if value for word in (option, value)]


def _line(*words: t.Any) -> str:
    return shlex.join(str(word) for word in words)


def _look(summed: Result, how: t.Sequence[str]) -> list[str]:
    if not summed["images"]:
        return []
    lines = ["# Which clients watch the image's header, and which one holds its lock?"]
    for image in summed["images"]:
        lines += [_listwatchers(image, how), _line("rbd", *how, "status", image["spec"]), _line("rbd", *how, "lock", "ls", image["spec"])]
    return [
        *lines,
        "# Which of them does a monitor still know? A client that is not listed is gone. (The role also sends a notify to each; no command does that.)",
        _line("ceph", *how, "tell", "mon.*", "sessions"),
    ]


def _listwatchers(image: ImageResult, how: t.Sequence[str]) -> str:
    pool, *namespace, _name = image["spec"].split("/")
    return _line("rados", *how, "--pool", pool, *(word for one in namespace for word in ("--namespace", one)), "listwatchers", image["header"])


def _trace(trace: Trace, flag: str, verb: str) -> list[str]:
    lines = [f"echo {shlex.quote(' '.join((*(f'{key} {value}' for key, value in site.items()), flag)))} >{_DEBUG}" for site in trace.get("lio", [])]
    lines += [f"echo {shlex.quote(f'{verb} {token}')} >{_SCST}" for token in trace.get("scst", [])]
    switched = "on: on each gateway with LIO, then on each with SCST" if flag == "+p" else "off, unless they were on before"
    return [f"# Switch the kernel's messages on reservations {switched}.", *lines] if lines else []


def _untrace(trace: Trace) -> list[str]:
    off = _trace(trace, "-p", "del")
    return ["# What did the gateways' kernels log?", "dmesg --ctime", *off] if off else []


def _places(luns: t.Sequence[LunResult]) -> list[Probe]:
    return [lun["before"] or lun["after"] for lun in luns]


def _probe(question: str, luns: t.Sequence[LunResult], when: When) -> list[str]:
    probed = [lun for lun in luns if lun[when]]
    lines = [line for lun in probed for line in (*_attach(lun[when], when == "after" and bool(lun["before"])), *_steps(lun[when]))]
    return [f"# {question} {_CARE}", *lines] if lines else []


def _attach(probe: Probe, attached: bool) -> list[str]:
    if probe.get("device"):
        return []
    discover = _line("iscsiadm", "--mode", "discovery", "--type", "sendtargets", "--portal", _portal(probe))
    if not _is_address(probe):
        discover = f"portal=$({discover} | awk -v target={shlex.quote(probe['target'])} {shlex.quote(_FOUND)})"
    return [discover] * (not attached or not _is_address(probe)) + [f"{_node(probe)} --login"] * (not attached)


def _logout(probe: Probe) -> str:
    return f"{_node(probe)} --logout"


def _node(probe: Probe) -> str:
    portal = shlex.quote(_portal(probe)) if _is_address(probe) else '"$portal"'
    return f"{_line('iscsiadm', '--mode', 'node', '--targetname', probe['target'])} --portal {portal}"


def _steps(probe: Probe) -> list[str]:
    """Returns those of the probe's commands that a verdict rests on, in their order; RELEASE follows RESERVE at once."""
    disk = _disk(probe)
    known = {
        "reserve": [f"time sg_raw {disk} 16 00 00 00 00 00", f"sg_raw {disk} 17 00 00 00 00 00"],
        "read": [f"time sg_raw --request=65536 --outfile=/dev/null {disk} 28 00 00 00 00 00 00 00 01 00"],
        "flush": [f"time sg_sync {disk}"],
        "ats": [
            f"set -- $(sg_readcap --16 --brief {disk}); block=$(mktemp)",
            f'sg_dd if={disk} of="$block" bs={_SIZE} skip={_LAST} count=1',
            f'time cat "$block" "$block" | sg_compare_and_write --in=- --lba={_LAST} --xferlen=$(($2 * 2)) {disk}',
        ],
        "orwrite": [f"set -- $(sg_readcap --16 --brief {disk})", f"time sg_write_x --or --in=/dev/zero --bs={_SIZE} --lba={_LAST} --num=1 {disk}"],
    }
    names = dict.fromkeys(step["name"] for step in probe["steps"])
    return [line for name in names if name != "read" or "ats" not in names for line in known.get(name, [])]


def _portal(probe: Probe) -> str:
    return str(probe["portal"]) if _PORT.search(probe["portal"]) else f"{probe['portal']}:3260"


def _is_address(probe: Probe) -> bool:
    try:
        ipaddress.ip_address(_portal(probe).rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True


def _disk(probe: Probe) -> str:
    """Returns the disk, quoted, as udev's path_id names it: an IPv6 address has no brackets there.

    The probe takes no LUN above 255; path_id writes higher ones in hex.
    """
    if probe.get("device"):
        return shlex.quote(str(probe["device"]))
    rest = f"-iscsi-{probe['target']}-lun-{probe['lun']}"
    if not _is_address(probe):
        return f'/dev/disk/by-path/ip-"${{portal//[][]/}}"{shlex.quote(rest)}'
    return shlex.quote(f"/dev/disk/by-path/ip-{_portal(probe).replace('[', '').replace(']', '')}{rest}")


def _fence(summed: Result, how: t.Sequence[str]) -> list[str]:
    """Returns how to fence. Ceph gives an existing entry another end only if the entry is removed first."""
    if not summed["fenced"]:
        return []
    blocklist = ("ceph", *how, "osd", summed["word"])
    lines = ["# Fence the stale client, and check that its watch is gone."]
    for address in summed["fenced"]:
        lines += [_line(*blocklist, "rm", address)] if address in summed["extended"] else []
        lines += [_line(*blocklist, "add", address, summed["expire"])]
    return lines + [_listwatchers(image, how) for image in summed["images"] if image["decision"] == "fence"]


def _unlock(summed: Result, how: t.Sequence[str]) -> list[str]:
    """Returns how to break locks, after the fence: without an entry of the owner, ``rbd lock rm`` makes one for an hour."""
    owners = [(image["spec"], owner) for image in summed["images"] if image["unlocked"] for owner in image["owner"]]
    lines = ["# Break the lock of the client that is gone."] if owners else []
    return lines + [_line("rbd", *how, "lock", "rm", spec, f"auto {owner['cookie']}", owner["client"]) for spec, owner in owners]


def _restore(summed: Result, how: t.Sequence[str]) -> list[str]:
    blocklist = ("ceph", *how, "osd", summed["word"])
    restored, again = summed["restored"], summed["fenced_again"]
    lines = ["# Remove its entry, and check that the list is as it was before."] if restored else []
    for address in restored:
        lines += [_line(*blocklist, "rm", address)]
        prior = (summed["blacklist_before"] or {}).get(address) if address in summed["reset"] else None
        lines += [f"{_line(*blocklist, 'add', address)} {_until(prior)}"] if prior else []
    lines += ["# It came back: fence it again."] if again else []
    lines += [_line(*blocklist, "add", address, summed["expire"]) for address in again]
    return lines + ([_line(*blocklist, "ls")] if summed["fenced"] or restored else [])


def _until(end: str) -> str:
    """Returns the seconds until then. Ceph up to 14 prints no zone and means the monitor's, which is taken to be this host's as in _fencing/plan.py."""
    return f"$(($(date --date={shlex.quote(end)} +%s) - $(date +%s)))"

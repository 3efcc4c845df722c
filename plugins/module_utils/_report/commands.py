# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person would have typed for what a run did. Pure; every word that comes from outside is quoted for the shell."""

from __future__ import annotations

import re
import shlex
import typing as t

Data = t.Mapping[str, t.Any]

# An IPv6 address is in brackets where a port follows.
_PORT = re.compile(r"^(?:[^:\[\]]+|\[.*\]):\d+$")


def by_hand(summed: Data, connection: Data) -> list[str]:
    """Command lines with comments between them. ``connection``: ``conf``, ``client`` and ``keyring`` of the run, those that are not the usual ones."""
    how = _connection(connection)
    return [line for part in (_look(summed, how), _reserve(summed), _fence(summed, how)) for line in part]


def _connection(connection: Data) -> list[str]:
    options = {"--conf": connection.get("conf"), "--name": connection.get("client"), "--keyring": connection.get("keyring")}
    return [word for option, value in options.items() if value for word in (option, value)]


def _line(*words: t.Any) -> str:
    return shlex.join(str(word) for word in words)


def _look(summed: Data, how: t.Sequence[str]) -> list[str]:
    if not summed["images"]:
        return []
    return ["# Who watches the image's header?", *(_listwatchers(image, how) for image in summed["images"])]


def _listwatchers(image: Data, how: t.Sequence[str]) -> str:
    pool, *namespace, _name = image["spec"].split("/")
    return _line("rados", *how, "--pool", pool, *(word for one in namespace for word in ("--namespace", one)), "listwatchers", image["header"])


def _reserve(summed: Data) -> list[str]:
    probes = [probe for image in summed["images"] for probe in [image["lun_after"] or image["lun_before"]] if probe]
    if not probes:
        return []
    lines = ["# Does the LUN answer a RESERVE? Attach it to a host that may hold it for a moment (with CHAP, set the node's user first); RELEASE it at once."]
    return lines + [line for probe in probes for line in _probe(probe)]


def _probe(probe: Data) -> list[str]:
    reserve, release = (("sg_raw", _disk(probe), code, "00", "00", "00", "00", "00") for code in ("16", "17"))
    if probe.get("device"):
        return [f"time {_line(*reserve)}", _line(*release)]
    node = ("iscsiadm", "--mode", "node", "--targetname", probe["target"], "--portal", _portal(probe))
    discover = _line("iscsiadm", "--mode", "discovery", "--type", "sendtargets", "--portal", _portal(probe))
    return [discover, _line(*node, "--login"), f"time {_line(*reserve)}", _line(*release), _line(*node, "--logout")]


def _portal(probe: Data) -> str:
    return str(probe["portal"]) if _PORT.search(probe["portal"]) else f"{probe['portal']}:3260"


def _disk(probe: Data) -> str:
    """As udev's path_id names it: an IPv6 address is without brackets there."""
    where = _portal(probe).replace("[", "").replace("]", "") if not probe.get("device") else ""
    return str(probe.get("device") or f"/dev/disk/by-path/ip-{where}-iscsi-{probe['target']}-lun-{probe['lun']}")


def _fence(summed: Data, how: t.Sequence[str]) -> list[str]:
    """An entry that is there gets another end only when it is taken off first."""
    blocklist = ("ceph", *how, "osd", "blocklist")
    fenced, restored, again = summed["fenced"], summed["restored"], summed["fenced_again"]
    lines = ["# Fence the stale client (before Ceph 16 the word is blacklist), and see that its watch goes."] if fenced else []
    for address in fenced:
        lines += [_line(*blocklist, "rm", address)] if address in summed["extended"] else []
        lines += [_line(*blocklist, "add", address, summed["expire"])]
    lines += [_listwatchers(image, how) for image in summed["images"] if image["decision"] == "fence" and fenced]
    lines += ["# Let it in again, and see that the list is as it was."] if restored else []
    for address in restored:
        lines += [_line(*blocklist, "rm", address)]
        prior = (summed["blacklist_before"] or {}).get(address) if address in summed["reset"] else None
        lines += [f"{_line(*blocklist, 'add', address)} SECONDS  # as many as are left until {prior}"] if prior else []
    lines += ["# It came back, and was fenced again."] if again else []
    lines += [_line(*blocklist, "add", address, summed["expire"]) for address in again]
    return lines + ([_line(*blocklist, "ls")] if fenced or restored else [])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person would have typed for what a run did. Pure; every word that comes from outside is quoted for the shell."""

from __future__ import annotations

import shlex
import typing as t

Data = t.Mapping[str, t.Any]


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
    lines = ["# Does the LUN answer a RESERVE? Attach it to a host that may hold it for a moment; RELEASE it at once."]
    return lines + [line for probe in probes for line in _probe(probe)]


def _probe(probe: Data) -> list[str]:
    disk = probe.get("device") or f"/dev/disk/by-path/ip-{probe['portal']}-iscsi-{probe['target']}-lun-{probe['lun']}"
    node = ("iscsiadm", "--mode", "node", "--targetname", probe.get("target"), "--portal", probe.get("portal"))
    attach = (
        [] if probe.get("device") else [_line("iscsiadm", "--mode", "discovery", "--type", "sendtargets", "--portal", probe["portal"]), _line(*node, "--login")]
    )
    detach = [] if probe.get("device") else [_line(*node, "--logout")]
    reserve, release = (_line("sg_raw", disk, code, "00", "00", "00", "00", "00") for code in ("16", "17"))
    return [*attach, f"time {reserve}", release, *detach]


def _fence(summed: Data, how: t.Sequence[str]) -> list[str]:
    fenced, restored = summed["fenced"], summed["restored"]
    blocklist = ("ceph", *how, "osd", "blocklist")
    lines = ["# Fence the stale client (before Ceph 16 the word is blacklist), and see that its watch goes."] if fenced else []
    lines += [_line(*blocklist, "add", address, summed["expire"]) for address in fenced]
    lines += [_listwatchers(image, how) for image in summed["images"] if image["decision"] == "fence" and fenced]
    lines += ["# Let it in again, and see that the list is as it was."] if restored else []
    lines += [_line(*blocklist, "rm", address) for address in restored]
    return lines + ([_line(*blocklist, "ls")] if fenced or restored else [])

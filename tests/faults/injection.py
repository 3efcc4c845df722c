# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text in every option of every module that takes text, one option at a time, on a real cluster.

usage: injection.py LAB PORT, of a lab that is up; to be run by a Python that has ansible-core, rados and rbd

Each module runs in a process of its own, with options that are good but for one. It must end by its deadline with an answer of Ansible's form, without a
traceback; nothing in the text may have been run as a command, by a shell or as a template; and the blacklist is as before. Seen to fail: with a log file
read by way of a shell.
"""

from __future__ import annotations

import importlib
import io
import json
import multiprocessing
import os
import subprocess
import sys
import traceback
import typing as t
from pathlib import Path

import yaml
from ansible.module_utils.testing import patch_module_args
from lab import Lab

DEADLINE_S = 90
COLLECTION = "ansible_collections.cephops.iscsi_rescue.plugins.modules."
NAMES = ("rbd_watchers", "osd_blacklist", "scsi_reserve_probe", "lun_map", "dynamic_debug", "kernel_log", "scst_trace_level", "process_pause")
TEXT = ("str", "path", "raw")


def hostile(canary: Path) -> list[str]:
    touch = f"touch {canary}"
    lines = [
        f"$({touch})",
        f"`{touch}`",
        f"; {touch} #",
        f"| {touch}",
        f"x\n{touch}\n",
        f"'; {touch}; '",
        f'"; {touch}; "',
        f"{{{{ lookup('pipe', '{touch}') }}}}",
    ]
    return [*lines, "--help", "-o/dev/null", "../../../../etc/shadow", "nul\0nul", "%s%n%x", "\u202e\ud83d\ude00", "a" * 100_000, ""]


def good(lab: Lab, name: str) -> dict[str, t.Any]:
    """Options with which the module does something, and changes nothing."""
    lun, ceph = lab.lun("datastore1"), {"conf": lab.conf, "timeout": 5}
    return {
        "rbd_watchers": {**ceph, "images": ["rbd/datastore1"], "notify_timeout": 1},
        "osd_blacklist": ceph,
        "scsi_reserve_probe": {**{word: lun[word] for word in ("portal", "target", "lun")}, "deadline": 3},
        "lun_map": {"tgt_control_port": lab.port},
        "dynamic_debug": {"match": [{"func": "core_scsi3_emulate_pro_reserve"}], "missing_ok": True},
        "kernel_log": {},
        "scst_trace_level": {"state": "all"},
        "process_pause": {"pid": 1, "paused": False},
    }[name]


def variants(options: t.Mapping[str, t.Any], text: str) -> t.Iterator[tuple[str, t.Any]]:
    """(option, a value with the text in it), also of suboptions."""
    for name, option in options.items():
        kind, inner = option.get("type", "str"), option.get("elements")
        if option.get("options"):
            for path, value in variants(option["options"], text):
                key = path.split(".")[0]
                yield f"{name}.{path}", [{key: value}] if kind == "list" else {key: value}
        elif kind in TEXT and "choices" not in option:
            yield name, text
        elif kind == "list" and inner in TEXT and "choices" not in option:
            yield name, [text]
        elif kind == "dict" or inner == "dict":
            yield name, {text: text} if kind == "dict" else [{text: text}]


def options_of(name: str) -> dict[str, t.Any]:
    """As documented, with those of the fragment that the modules on the cluster share."""
    told = yaml.safe_load(importlib.import_module(COLLECTION + name).DOCUMENTATION)
    shared = importlib.import_module(COLLECTION.replace(".modules.", ".doc_fragments.ceph")).ModuleDocFragment.DOCUMENTATION
    return {**told["options"], **(yaml.safe_load(shared)["options"] if "cephops.iscsi_rescue.ceph" in told["extends_documentation_fragment"] else {})}


def run(name: str, arguments: t.Mapping[str, t.Any], said: Path) -> None:
    """In a process of its own, whose words go to a file."""
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO()), os.fdopen(1, "w"), os.fdopen(2, "w")
    with patch_module_args(dict(arguments)):
        try:
            importlib.import_module(COLLECTION + name).main()
        except Exception:
            traceback.print_exc()
            raise


def wrong_with(name: str, arguments: t.Mapping[str, t.Any], place: Path) -> str:
    """'' when all went well."""
    said, canary = place / "said", place / "canary"
    process = multiprocessing.get_context("fork").Process(target=run, args=(name, arguments, said))
    process.start()
    process.join(DEADLINE_S)
    if process.exitcode is None:
        process.kill()
        return f"it did not end within {DEADLINE_S} s"
    if canary.exists():
        canary.unlink()
        return "the text was run as a command"
    words = said.read_text(errors="replace")
    try:
        answer = json.loads(words)
    except ValueError:
        return f"it ended with {process.exitcode} and no answer: {words[-1500:]}"
    return "" if process.exitcode in (0, 1) and "Traceback" not in json.dumps(answer) else f"it ended with {process.exitcode}: {words[-1500:]}"


def blacklist(lab: Lab) -> str:
    return subprocess.run(["ceph", "--conf", lab.conf, "osd", "blocklist", "ls"], check=True, capture_output=True, text=True, timeout=60).stdout


def main() -> None:
    lab, failed, tried = Lab(Path(sys.argv[1]), int(sys.argv[2])), 0, 0
    before = blacklist(lab)
    os.environ["TGT_IPC_SOCKET"] = str(lab.directory / "tgtd")
    for name in NAMES:
        documented, base = options_of(name), good(lab, name)
        for text in hostile(lab.directory / "canary"):
            for option, value in variants(documented, text):
                tried += 1
                wrong = wrong_with(name, {**base, option.split(".")[0]: value}, lab.directory)
                if wrong:
                    failed += 1
                    print(f"FAILED  {name}, {option}={text[:60]!r}: {wrong}", flush=True)
        print(f"{name}: done", flush=True)
    if blacklist(lab) != before:
        failed += 1
        print(f"FAILED  the blacklist was {before} and is {blacklist(lab)}")
    print(f"{tried} tries, {failed} failed")
    sys.exit(1 if failed or not tried else 0)


if __name__ == "__main__":
    main()

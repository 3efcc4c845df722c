# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile text in every option of every module that takes free text, one option at a time, on a real cluster.

usage: injection.py LAB PORT, of a lab that is up; to be run by a Python that has ansible-core, rados and rbd

Each module runs in a process of its own, with options that are good except for one. Before that, each base of good options must pass the module's own
argument check, and every such option must be in a base. A module must end by its deadline, without a traceback, and with an answer in Ansible's form. The
answer must not be a complaint of the argument check. Nothing in the text is run as a command, and the blocklist is as before. Templates are not tried
here, since modules never get them: see hostile_plays.py. This machine's kernel might have no dynamic debug and no SCST. Then those modules end where they
look for it.

Seen to fail: a device name with a zero byte in it ended scsi_reserve_probe with a traceback.
"""

from __future__ import annotations

import copy
import importlib
import io
import json
import multiprocessing
import os
import sys
import traceback
import typing as t
from pathlib import Path

import yaml
from aftermath import blacklist
from ansible.module_utils.testing import patch_module_args
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._fencing import fence
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._awx import keyring
from lab import BLACKLIST, Lab, wanting

DEADLINE_S = 90
COLLECTION = "ansible_collections.cephops.iscsi_rescue.plugins.modules."
TEXT = ("str", "path", "raw")
CLIENT = "192.0.2.66:0/66"
# What the argument check says of options that do not go together.
UNFIT = ("Unsupported parameters", "mutually exclusive", "missing required", "required together", "one of the following is required", "are required")
Where = tuple[t.Any, ...]


def hostile(canary: Path) -> list[str]:
    touch = f"touch {canary}"
    lines = [f"$({touch})", f"`{touch}`", f"; {touch} #", f"| {touch}", f"x\n{touch}\n", f"'; {touch}; '", f'"; {touch}; "']
    return [*lines, "--help", "-o/dev/null", "../../../../etc/shadow", "nul\0nul", "%s%n%x", "\u202e\ud83d\ude00", "a" * 100_000, ""]


# Options of a look that are dictionaries whose keys are free.
FREE_KEYS = ("locks", "serving", "watches")


def key_of(lab: Lab) -> str:
    """Returns the admin's key, for the modules that take a key and no keyring."""
    return keyring.key_of((lab.directory / "keyring").read_text(), "client.admin")


def bases(lab: Lab) -> list[tuple[str, dict[str, t.Any]]]:
    """Returns modules with good options. Each option that takes free text is in one of them. What they do is undone, or has no effect."""
    cluster = {"conf": lab.conf, "client": "client.admin", "timeout": 5}
    ceph, by_key = {**cluster, "keyring": str(lab.directory / "keyring")}, {**cluster, "key": key_of(lab)}
    lun = {word: lab.lun("datastore1")[word] for word in ("portal", "target", "lun")}
    identity = {"serial": "beaf11", "eui": "6465336666353233", "naa": "6001405000000001"}
    log = lab.directory / "kernel.log"
    log.write_text("<6>[   10.0] sd 0:0:0:0: reservation conflict\n")
    lease = {
        "pool": "rbd",
        "run": "hostile",
        "reason": "a test",
        "images": ["rbd/datastore1"],
        "look": {
            **wanting(CLIENT, gone=True, serving={"rbd/datastore1": [CLIENT]}),
            "watches": {CLIENT: ["rbd/datastore1"]},
            "freeing": ["rbd/x"],
            "locks": {CLIENT: ["rbd/datastore1"]},
        },
        "patience": 1,
        "evict": [CLIENT],
    }
    site = {"file": "drivers/target/target_core_pr.c", "line": 1, "module": "target_core_mod", "func": "f", "format": "x", "flags": "p"}
    match = {"func": "f", "file": "f.c", "module": "m", "line": "1-2", "format": "x"}
    return [
        (
            "rbd_watchers",
            {
                **ceph,
                "images": ["rbd/datastore1"],
                "served": ["rbd/datastore1"],
                "expected": "1",
                "expected_for": [{"pattern": "rbd/x*", "watchers": 1}],
                "evict": [CLIENT],
                "free": ["rbd/x*"],
                "dead_hosts": ["192.0.2.9"],
                "notify_timeout": 1,
            },
        ),
        ("rbd_watchers", {**ceph, "pools": ["rbd"], "notify_timeout": 1}),
        ("rbd_watchers", {**by_key, "images": ["rbd/datastore1"], "notify_timeout": 1}),
        ("osd_blacklist", {**ceph, "addresses": [CLIENT], "lease": lease}),
        ("osd_blacklist", {**by_key, "addresses": [CLIENT]}),
        ("osd_blacklist", {**ceph, "addresses": [CLIENT], "state": "absent"}),
        ("osd_blacklist", {**ceph, "addresses": [CLIENT], "state": "restored", "restore": "always", "pools": ["rbd"]}),
        ("rbd_image_info", {**ceph, "image": "rbd/datastore1"}),
        ("rbd_image_info", {**by_key, "image": "rbd/datastore1"}),
        ("rbd_lock", {**ceph, "locks": [{"image": "rbd/datastore1", "owner": CLIENT}]}),
        ("rbd_lock", {**by_key, "locks": [{"image": "rbd/datastore1", "owner": CLIENT}]}),
        ("scsi_reserve_probe", {**lun, "deadline": 3, "initiator": "iqn.2026-11.invalid.x:x", "chap_user": "u", "chap_password": "a-secret-of-it"}),
        ("scsi_reserve_probe", {**lun, **identity, "deadline": 3}),
        ("scsi_reserve_probe", {"luns": [{**lun, **identity, "name": "a"}], "deadline": 3}),
        ("scsi_reserve_probe", {"luns": [{"device": "/dev/none", "name": "a"}], "deadline": 3}),
        ("scsi_reserve_probe", {"luns": [{**lun, **identity, "name": "a", "other_paths": [{**lun, **identity}, {"device": "/dev/none"}]}], "deadline": 3}),
        ("scsi_reserve_probe", {"device": "/dev/none", "deadline": 3}),
        ("lun_map", {"root": str(lab.directory), "wanted": [{"image": "rbd/x"}, {"eui": "6465336666353233"}, {"naa": "5000"}, {"serial": "x"}]}),
        ("lun_map", {"tgt_control_port": lab.port, "wanted": [{"image": "rbd/datastore1"}]}),
        ("dynamic_debug", {"match": [match], "flags": "p", "missing_ok": True}),
        ("dynamic_debug", {"state": "restored", "sites": [site], "missing_ok": True}),
        ("kernel_log", {"since": "1", "patterns": ["x"]}),
        ("kernel_log", {"path": str(log), "patterns": ["x"]}),
        ("scst_trace_level", {"add": ["pr"], "remove": ["scsi"]}),
        ("scst_trace_level", {"state": "restored", "flags": ["pr"]}),
        # An empty pattern matches every process. Check mode leaves them alone.
        ("process_pause", {"pattern": "^no such process$", "multiple": True, "paused": False, "_ansible_check_mode": True}),
    ]


def texts(value: t.Any, where: Where = ()) -> t.Iterator[Where]:
    """Yields where each text is: the keys and the numbers that lead to it."""
    if isinstance(value, str):
        yield where
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, (*where, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, (*where, index))


def with_text(value: t.Any, where: Where, text: str) -> t.Any:
    changed = copy.deepcopy(value)
    inner = changed
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = text
    return changed


def named(where: Where) -> str:
    """Returns the option's name as in the documentation: without numbers, and without free keys."""
    words = [word for word in where if isinstance(word, str)]
    free = next((number for number, word in enumerate(words, 1) if word in FREE_KEYS and "look" in words), len(words))
    return ".".join(words[:free])


def documented(options: t.Mapping[str, t.Any], before: str = "") -> t.Iterator[tuple[str, bool]]:
    """Yields each option that takes text, and whether it takes only a few words."""
    for name, option in options.items():
        if option.get("suboptions"):
            yield from documented(option["suboptions"], f"{before}{name}.")
        elif option.get("type", "str") in TEXT or option.get("elements") in TEXT or option.get("type") == "dict":
            yield before + name, "choices" in option


def options_of(name: str) -> dict[str, t.Any]:
    """Returns the documented options, with those of the fragment that the modules on the cluster share."""
    told = yaml.safe_load(importlib.import_module(COLLECTION + name).DOCUMENTATION)
    shared = importlib.import_module(COLLECTION.replace(".modules.", ".doc_fragments.ceph")).ModuleDocFragment.DOCUMENTATION
    return {**told["options"], **(yaml.safe_load(shared)["options"] if "cephops.iscsi_rescue.ceph" in told["extends_documentation_fragment"] else {})}


def run(name: str, arguments: t.Mapping[str, t.Any], said: Path) -> None:
    """Runs a module in a process of its own, with its output in a file."""
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
    """Returns what went wrong, '' if nothing did."""
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
    if any(unfit in str(answer.get("msg", "")) for unfit in UNFIT):
        return f"the module's code was not reached: {answer['msg'][:300]}"
    return "" if process.exitcode in (0, 1) and "Traceback" not in json.dumps(answer) else f"it ended with {process.exitcode}: {words[-1500:]}"


def missing(lab: Lab) -> list[str]:
    """Returns the options that take free text and are in no base."""
    has = {(name, named(where)) for name, options in bases(lab) for where in texts(options)}
    names = dict.fromkeys(name for name, _options in bases(lab))
    return [f"{name}.{option}" for name in names for option, few in documented(options_of(name)) if not few and (name, option) not in has]


def tries(lab: Lab) -> t.Iterator[tuple[str, str, dict[str, t.Any]]]:
    """Yields a module, what is tried, and the options; first each base as it is. Later bases remove the entries that the first ones add."""
    for name, base in bases(lab):
        free = {option for option, few in documented(options_of(name)) if not few}
        yield name, "good options", base
        for text in hostile(lab.directory / "canary"):
            for where in texts(base):
                if named(where) in free:
                    yield name, f"{named(where)}={text[:60]!r}", with_text(base, where, text)


def main() -> None:
    lab, failed, tried = Lab(Path(sys.argv[1]), int(sys.argv[2])), 0, 0
    before = blacklist(lab)
    os.environ["TGT_IPC_SOCKET"] = str(lab.directory / "tgtd")
    found = missing(lab)
    print(f"{'FAILED  no base has ' + ', '.join(found) if found else 'every option that takes free text is in a base'}", flush=True)
    for name, what, options in tries(lab):
        tried += 1
        wrong = wrong_with(name, options, lab.directory)
        failed += bool(wrong)
        if wrong:
            print(f"FAILED  {name}, {what}: {wrong}", flush=True)
    fence.apply({**lab.connection, **BLACKLIST, "addresses": [CLIENT], "state": "restored", "restore": "always"}, dry_run=False)
    after = blacklist(lab)
    if after != before:
        failed += 1
        print(f"FAILED  the blocklist was {before} and is {after}")
    print(f"{tried} tries, {failed} failed")
    sys.exit(1 if failed or found or not tried else 0)


if __name__ == "__main__":
    main()

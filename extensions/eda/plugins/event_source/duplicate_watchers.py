# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells ansible-rulebook which RBD images have a duplicate watcher, and which are normal again: an event source."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

DOCUMENTATION = r"""
---
short_description: Report RBD images with duplicate watchers.
description:
  - Runs the module cephops.iscsi_rescue.rbd_watchers at intervals, on a host that reaches the Ceph cluster, and reports what changed.
  - The inventory's variables of the role remediate_watchers select the images, the expected watchers and the connection, such as
    remediate_watchers_images and remediate_watchers_ceph_conf. An option here overrides them.
  - An event has all its data under the key duplicate_watchers. There, change says what happened.
  - "found: an image is not normal. changed: it is still not normal, but its state, decision or culprits changed. gone: it is normal, or was removed.
    Each has image and image_urlencoded; found and changed also have state, decision, reasons, watchers and culprits, as rbd_watchers returns them."
  - "unseen: a check failed, or was not complete; reasons says why. seen: a check was complete again."
  - An image that was not seen is not gone. After a restart, the source reports each image that is not normal again.
  - An image's name can be any text, even a template of Ansible. image_urlencoded is the same name, percent-encoded except letters, digits and -._~/, so
    it is safe to pass to a playbook. Ansible's filter urldecode decodes it.
options:
  inventory:
    description:
      - The inventory, a file or a directory. The default is the environment variable ANSIBLE_INVENTORY, which ansible-rulebook itself uses, too.
    type: str
  hosts:
    description:
      - The host that runs the checks, as a pattern that matches one host.
    type: str
    default: ceph_admin[0]
  interval:
    description:
      - Seconds between two checks.
    type: int
    default: 60
  timeout:
    description:
      - Seconds after which a check is aborted.
    type: int
    default: 240
  hold:
    description:
      - After found or changed, the source reports only gone for that image for so many seconds. A change that lasts longer is reported then.
      - So an image that comes and goes is reported once in this time.
    type: int
    default: 600
  images:
    description:
      - Check only these images, each pool/image or pool/namespace/image.
    type: list
    elements: str
  pools:
    description:
      - Check the images of these pools.
    type: list
    elements: str
  expected:
    description:
      - How many healthy watchers an image should have, or auto, see the module rbd_watchers.
    type: str
  expected_for:
    description:
      - How many healthy watchers certain images should have, a list of pattern and watchers.
    type: list
    elements: dict
  notify_timeout:
    description:
      - Seconds that a watcher has to answer a notify.
    type: int
  conf:
    description:
      - The Ceph configuration file, on the host that runs the checks.
    type: str
  client:
    description:
      - The Ceph user to connect as.
    type: str
  keyring:
    description:
      - File with that user's key.
    type: str
"""

EXAMPLES = r"""
- cephops.iscsi_rescue.duplicate_watchers:
    inventory: /etc/ansible/inventory
    interval: 60

- cephops.iscsi_rescue.duplicate_watchers:
    pools:
      - rbd
    expected: 2
    client: client.iscsi-rescue
"""

Data = t.Mapping[str, t.Any]
Facts = tuple[str, str, tuple[str, ...]]

logger = logging.getLogger(__name__)

MODULE = "cephops.iscsi_rescue.rbd_watchers"
DEFAULTS = {"hosts": "ceph_admin[0]", "interval": 60, "timeout": 240, "hold": 600}
# The module's options, and the role's variables for them in the inventory.
SETTINGS = {
    "images": "remediate_watchers_images",
    "pools": "remediate_watchers_pools",
    "survey": "remediate_watchers_survey",
    "expected": "remediate_watchers_expected",
    "expected_for": "remediate_watchers_expected_for",
    "evict": "remediate_watchers_evict",
    "notify_timeout": "remediate_watchers_notify_timeout",
    "conf": "remediate_watchers_ceph_conf",
    "client": "remediate_watchers_ceph_client",
    "keyring": "remediate_watchers_ceph_keyring",
    "timeout": "remediate_watchers_ceph_timeout",
    "quorum_settle": "remediate_watchers_quorum_settle",
    "osd_settle": "remediate_watchers_osd_settle",
    "patience": "remediate_watchers_patience",
}
_TEXTS = ("inventory", "hosts", "conf", "client", "keyring")
_LEAST = {"interval": 1, "timeout": 1, "hold": 0, "expected": 1, "notify_timeout": 1}
_LISTS = {"images": str, "pools": str, "expected_for": dict}
# What ansible-rulebook itself passes.
_IGNORED = ("eda_feedback_queue",)
_NORMAL: Facts = ("normal", "leave", ())


class Told(t.NamedTuple):
    """The last report of an image, and when it was last reported as found or changed."""

    facts: Facts
    at: float


class Known(t.NamedTuple):
    """What was reported so far. ``blind``: whether the last check was not complete."""

    told: t.Mapping[str, Told] = {}
    blind: bool = False


def changes(known: Known, survey: Data, now: float, hold: float) -> tuple[list[dict[str, t.Any]], Known]:
    """Returns the events for a survey, and what is known then. Pure.

    ``survey``: what rbd_watchers returned, or ``nothing_seen``. ``now`` and ``hold`` in seconds.
    """
    sick = {image["spec"]: image for image in survey["images"] if image["state"] != "normal" and _was_seen(image)}
    events, told = _blindness(known, survey), dict(known.told)
    for spec, image in sick.items():
        facts = _facts(image, survey["culprits"])
        before = told.get(spec)
        if before is None or (before.facts != facts and now >= before.at + hold):
            change = "found" if before is None or before.facts == _NORMAL else "changed"
            events.append(_event(change, spec, **_details(image, survey["culprits"])))
            told[spec] = Told(facts, now)
    for spec, before in known.told.items():
        if spec in sick or not _is_well(spec, survey):
            continue
        if before.facts != _NORMAL:
            events.append(_event("gone", spec))
            told[spec] = Told(_NORMAL, before.at)
        elif now >= before.at + hold:
            del told[spec]
    return events, Known(told, bool(survey["incomplete"]))


def nothing_seen(why: str) -> dict[str, t.Any]:
    """Returns the survey of a check that failed."""
    return {"images": [], "culprits": [], "incomplete": [why], "counts": {"unseen": 0}}


def _was_seen(image: Data) -> bool:
    """Returns whether an image was read. An image that is named and could not be read is listed without watchers."""
    return bool(image["watchers"])


def _is_well(spec: str, survey: Data) -> bool:
    """Returns whether an image that is not sick is known to be normal, or removed."""
    complete = not survey["incomplete"] and not survey["counts"]["unseen"]
    return complete or any(image["spec"] == spec and image["state"] == "normal" for image in survey["images"])


def _blindness(known: Known, survey: Data) -> list[dict[str, t.Any]]:
    if bool(survey["incomplete"]) == known.blind:
        return []
    return [{"duplicate_watchers": {"change": "seen"} if known.blind else {"change": "unseen", "reasons": list(survey["incomplete"])}}]


def _facts(image: Data, culprits: t.Sequence[Data]) -> Facts:
    return image["state"], image["decision"], tuple(sorted(one["address"] for one in _of(image, culprits)))


def _details(image: Data, culprits: t.Sequence[Data]) -> dict[str, t.Any]:
    return {**{name: image[name] for name in ("state", "decision", "reasons", "watchers")}, "culprits": _of(image, culprits)}


def _of(image: Data, culprits: t.Sequence[Data]) -> list[Data]:
    return [culprit for culprit in culprits if image["spec"] in culprit["images"]]


def _event(change: str, spec: str, **details: t.Any) -> dict[str, t.Any]:
    encoded = quote(spec, safe="/", errors="surrogatepass")
    return {"duplicate_watchers": {"change": change, "image": spec, "image_urlencoded": encoded, **details}}


def checked(args: Data, environment: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Returns the options with their defaults. Raises ValueError with a sentence for an option that is wrong."""
    given = {name: value for name, value in args.items() if value is not None and name not in _IGNORED}
    options = {**DEFAULTS, "inventory": environment.get("ANSIBLE_INVENTORY", ""), **given}
    for name, value in options.items():
        wrong = _wrong(name, value)
        if wrong:
            raise ValueError(f"duplicate_watchers: {name} is {value!r}: {wrong}.")
    return {**options, "inventory": str(Path(options["inventory"]).resolve())}


def _wrong(name: str, value: t.Any) -> str:
    """Returns what is wrong, '' for nothing."""
    if name not in (*_TEXTS, *_LEAST, *_LISTS):
        return "unknown option, see the DOCUMENTATION of the source"
    if name == "expected" and value == "auto":
        return ""
    if name in _LEAST and (not isinstance(value, int) or isinstance(value, bool) or value < _LEAST[name]):
        return f"give a whole number of at least {_LEAST[name]}"
    if name in _TEXTS and not isinstance(value, str):
        return "give a text"
    if name in _LISTS and not (isinstance(value, list) and all(isinstance(one, _LISTS[name]) for one in value)):
        return f"give a list of {'texts' if _LISTS[name] is str else 'pattern and watchers'}"
    if name == "inventory" and not (value and Path(value).exists()):
        return "give a file or directory that exists, here or in the environment variable ANSIBLE_INVENTORY"
    if name != "inventory" and any(mark in json.dumps(value) for mark in ("{{", "{%", "{#")):
        return "Ansible would render it as a template; give it as !unsafe in the inventory's variables instead"
    return ""


def module_args(options: Data) -> dict[str, t.Any]:
    """Returns the options of rbd_watchers: those given here, and the inventory's settings for all others."""
    given = {name: options[name] for name in SETTINGS if name in options and name != "timeout"}
    return {**{name: f"{{{{ {variable} | default(omit, true) }}}}" for name, variable in SETTINGS.items()}, **given}


def survey(options: Data, cancelled: t.Callable[[], bool]) -> dict[str, t.Any]:
    """Returns one survey. It ends by its deadline, and does not raise: a check that fails has seen nothing."""
    try:
        return _answer(options, cancelled)
    except Exception as error:  # after any error, the next check can succeed
        logger.warning("The watchers could not be checked: %s. The last state is kept. The next check is in %d s.", error, options["interval"])
        return nothing_seen(str(error))


def _answer(options: Data, cancelled: t.Callable[[], bool]) -> dict[str, t.Any]:
    import ansible_runner

    with tempfile.TemporaryDirectory(prefix="duplicate_watchers.") as place:
        run = ansible_runner.run(
            private_data_dir=place,
            inventory=options["inventory"],
            host_pattern=options["hosts"],
            module=MODULE,
            module_args=json.dumps(module_args(options)),
            timeout=options["timeout"],
            cancel_callback=cancelled,
            quiet=True,
        )
        if run.status == "timeout":
            raise TimeoutError(f"no answer within {options['timeout']} s")
        answers = [event["event_data"]["res"] for event in run.events if event["event"].startswith("runner_on_") and "res" in event["event_data"]]
        said = run.stdout.read()
    if len(answers) != 1:
        raise LookupError(f"hosts that answered for {options['hosts']}: {len(answers)}, expected: 1: {said.strip()[-500:]}")
    if "images" not in answers[0]:
        raise LookupError(answers[0].get("msg") or f"an answer without images: {said.strip()[-500:]}")
    return dict(answers[0])


async def look(options: Data) -> dict[str, t.Any]:
    """Returns a survey from a thread, which ends when the source is cancelled."""
    ended = threading.Event()
    try:
        return await asyncio.to_thread(survey, options, ended.is_set)
    finally:
        ended.set()


async def main(queue: asyncio.Queue[t.Any], args: dict[str, t.Any]) -> None:
    """Puts events into the queue. Called by ansible-rulebook."""
    options, known = checked(args, os.environ), Known()
    while True:
        found = await look(options)
        events, known = changes(known, found, time.monotonic(), options["hold"])
        for event in events:
            await queue.put(event)
        await asyncio.sleep(options["interval"])

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells what became of an image at one glance: symptom, culprit and proof, for the first screen of the report. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._watchers.model import STALE
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._report import steps
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import advice
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.luns import where
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import ImageResult, LunResult, Probe, Result, Step, Watcher

# A verdict of a probe -> how it is shown; the others are bad.
_TONES = {"healthy": "good", "slow": "care", "conflict": "care"}
# How ESXi begins a device's name -> what INQUIRY calls that name.
_NAMES = ("naa", "eui")


class Cell(t.NamedTuple):
    """What was found. ``tone``: ``good``, ``care``, ``bad``, or '' for a plain fact."""

    text: str
    tone: str = ""


class Row(t.NamedTuple):
    """One fact before the run healed, and after that."""

    name: str
    before: Cell
    after: Cell


class Lun(t.NamedTuple):
    """A LUN of the image: where it is, how ESXi names it ('' if it is not known), and its facts."""

    where: str
    device: str
    rows: list[Row]


class Client(t.NamedTuple):
    """A client that was fenced. ``why``: in one sentence. ``entry``: what became of its entry on the blocklist, '' if that is not known."""

    address: str
    name: str
    host: str
    why: str
    entry: str


class Card(t.NamedTuple):
    """What became of an image. ``again``: whether the run looked again after it acted.

    ``decided``: why no client was fenced, '' where one was. ``proven``: '' where nothing was to be proven.
    """

    spec: str
    again: bool
    luns: list[Lun]
    rows: list[Row]
    clients: list[Client]
    broken: str
    decided: str
    proven: str


_UNKNOWN = Cell("not read")
_UNPROBED = Cell("not probed")
_UNSENT = Cell("not sent")


def cards(summed: Result) -> list[Card]:
    """Returns one card for each image with a finding."""
    return [_card(image, summed) for image in summed["images"]]


def _card(image: ImageResult, summed: Result) -> Card:
    clients = [_client(watcher, summed) for watcher in _fenced(image, summed)]
    return Card(
        image["spec"],
        bool(image["state_after"]) or any(lun["after"] for lun in image["luns"]),
        [_lun(lun) for lun in image["luns"]],
        [_state(image), _watchers(image), *_lock(image)],
        clients,
        image["lock_before"] if image["unlocked"] else "",
        "" if clients else _decided(image, summed),
        _sentence(_proven(image)) if advice.is_to_heal(image) and image["state_after"] else "",
    )


def _sentence(words: str) -> str:
    """Makes a sentence of a clause."""
    return words[:1].upper() + words[1:] + ("." if words[-1:] not in (".", "") else "")


def _proven(image: ImageResult) -> str:
    """Returns the proof, without the place of a single LUN: the card has it already."""
    places = [where(lun["before"] or lun["after"]) for lun in image["luns"]]
    return image["proven"].replace(places[0], "the LUN") if len(places) == 1 else image["proven"]


def _fenced(image: ImageResult, summed: Result) -> list[Watcher]:
    """Returns the clients of the image that were fenced, each once."""
    known = {watcher["address"]: watcher for watcher in (*image["owner"], *image["watchers_before"])}
    return [watcher for address, watcher in known.items() if address in summed["fenced"]]


def _client(watcher: Watcher, summed: Result) -> Client:
    address = watcher["address"]
    why = _sentence(next(iter(watcher["reasons"]), ""))
    return Client(address, watcher["client"], watcher["host"], why, _entry(address, summed))


def _entry(address: str, summed: Result) -> str:
    if address in summed["fenced_again"]:
        return "It came back, and was fenced again."
    until = next((kept["until"] for kept in summed["kept"] if kept["address"] == address), "")
    if until:
        return f"Blocklisted until {until}."
    if address in summed["reset"]:
        return "The blocklist entry that it had before is back."
    return "Its blocklist entry is removed." if address in summed["restored"] else ""


def _decided(image: ImageResult, summed: Result) -> str:
    reasons = _sentence("; ".join(image["reasons"]))
    return f"It is not known whether a client is fenced: the fence failed. {reasons}" if summed["fence_failed"] and image["decision"] == "fence" else reasons


def _lun(lun: LunResult) -> Lun:
    before, after = lun["before"], lun["after"]
    rows = [
        Row("LUN", _verdict(before), _verdict(after)),
        Row("RESERVE", _step(before, steps.reserve), _step(after, steps.reserve)),
        Row("Write path", _step(before, steps.write), _step(after, steps.write)),
    ]
    return Lun(where(before or after), _device(before or after), rows)


def _verdict(probe: Probe) -> Cell:
    return Cell(probe["verdict"], _TONES.get(probe["verdict"], "bad")) if probe else _UNPROBED


def _step(probe: Probe, chosen: t.Callable[[Probe], t.Optional[Step]]) -> Cell:
    step = chosen(probe) if probe else None
    if not step:
        return _UNSENT if probe else _UNPROBED
    name = f"{steps.WRITES[step['name']]}: " if step["name"] in steps.WRITES else ""
    return Cell(name + steps.words(step), "" if step["status"] == "good" else "bad")


def _device(probe: Probe) -> str:
    """Returns the names that ESXi might give the LUN."""
    identity = probe.get("identity", {})
    return " or ".join(f"{kind}.{identity[kind]}" for kind in _NAMES if identity.get(kind))


def _state(image: ImageResult) -> Row:
    return Row("Image", *(Cell(state, "good" if state == "normal" else "bad") if state else _UNKNOWN for state in (image["state"], image["state_after"])))


def _watchers(image: ImageResult) -> Row:
    looked = image["decision"] != "continue" or image["watchers_before"]
    before = _count(image["watchers_before"]) if looked else _UNKNOWN
    return Row("Watchers", before, _count(image["watchers_after"]) if image["state_after"] else _UNKNOWN)


def _count(watchers: t.Sequence[Watcher]) -> Cell:
    stale = sum(watcher["liveness"] in STALE for watcher in watchers)
    return Cell(f"{len(watchers)}, stale: {stale}", "bad") if stale else Cell(str(len(watchers)))


def _lock(image: ImageResult) -> list[Row]:
    """Returns no row for an image that had no lock."""
    if not image["lock_before"]:
        return []
    known = (*image["watchers_before"], *image["owner"], *image["watchers_after"])
    liveness = {watcher["address"]: watcher["liveness"] for watcher in known}
    after = _holder(image["lock_after"], liveness) if image["state_after"] else _UNKNOWN
    return [Row("Lock", _holder(image["lock_before"], liveness), after)]


def _holder(address: str, liveness: t.Mapping[str, str]) -> Cell:
    if not address:
        return Cell("not held")
    held = liveness.get(address, "unknown")
    return Cell("stale client", "bad") if held in STALE else Cell("live client" if held == "alive" else "unknown client")

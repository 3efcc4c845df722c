# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a report says what the JSON beside it says. It does not know how the page is made, only what must stand in it. Pure."""

from __future__ import annotations

import re
import typing as t

Data = t.Mapping[str, t.Any]
Said = t.Mapping[str, t.Sequence[str]]

HEADLINES = {
    "nothing_to_do": "Nothing to do",
    "healed": "Healed",
    "healed_restore_pending": "Healed, restore pending",
    "healed_unproven": "Healed, not proven",
    "partly_healed": "Partly healed: {healed} healed, {refused} refused",
    "refused": "Refused",
    "would_heal": "Would heal",
    "failed": "Failed",
}


# A time as Ceph and Python write it. The page leaves out its fraction, and says UTC.
MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)? ?(\+00:?00|Z)?")
# A story that is longer than this is allowed to run on beyond the first screen.
LONG = 450


def untrue(told: Data, said: Said) -> list[str]:
    """What the page lacks, a line each. ``said``: element -> the text of each such element."""
    texts = {name: [plain(text) for text in found] for name, found in said.items()}
    checks = (_outcome, _story, _fenced, _images, _blocklist, _open)
    return [f"the page does not say {fault}" for check in checks for fault in check(told, texts)]


def plain(text: str) -> str:
    """Without blanks, which a browser puts where it likes, and with times as the page writes them."""
    return "".join(MOMENT.sub(lambda hit: f"{hit[1]} {hit[2]} {'UTC' if hit[3] else ''}", text).split())


def first_screen(told: Data) -> list[str]:
    """What must be read without scrolling, as ``plain`` in small letters: the outcome, and of the first image the symptom, the culprit and the proof.

    Of a run that failed it is the error, which takes the room of the image.
    """
    story = [HEADLINES[told["outcome"]].format(**told), *([told["error"]] if told["error"] else _first_image(told))]
    return [plain(words).lower() for words in story] if sum(map(len, story)) < LONG else []


def _first_image(told: Data) -> list[str]:
    return _of_image(told["images"][0], told) if told["images"] else []


def _story(told: Data, said: Said) -> t.Iterator[str]:
    """Each image has an article of its own, in the order of the images."""
    for number, image in enumerate(told["images"]):
        article = said["article"][number].lower() if number < len(said["article"]) else ""
        yield from (f"at first sight of {image['spec']}: {words}" for words in _of_image(image, told) if plain(words).lower() not in article)


def _of_image(image: Data, told: Data) -> list[str]:
    known = {one["address"]: one["reasons"][0] for one in (*image["watchers_before"], *image["owner"])}
    culprits = [words for address, why in known.items() if address in told["fenced"] for words in (address, why)] or image["reasons"]
    verdicts = [lun[when]["verdict"] for lun in image["luns"][:1] for when in ("before", "after") if lun[when]]
    done = image["decision"] in ("fence", "continue") and image["state_after"]
    return [image["spec"], image["state"], *verdicts, *culprits, *(_proof(image) if done else [])]


def _proof(image: Data) -> list[str]:
    """What is proven, without the place of the LUN, which might be named elsewhere."""
    probes = [lun["before"] or lun["after"] for lun in image["luns"]]
    places = [one["device"] or f"LUN {one['lun']} of {one['target']} at {one['portal']}" for one in probes]
    return [part for part in re.split("|".join(map(re.escape, places)), image["proven"]) if part] if places else [image["proven"]]


def _outcome(told: Data, said: Said) -> t.Iterator[str]:
    if list(said["h1"]) != [plain(HEADLINES[told["outcome"]].format(**told))]:
        yield f"the outcome {told['outcome']}: {said['h1']}"
    if told["error"] and not any(plain(told["error"]) in text for text in said["p"]):
        yield told["error"]
    if plain(told["advice"]) not in said["dd"]:
        yield told["advice"]


def _fenced(told: Data, said: Said) -> t.Iterator[str]:
    fenced = plain(", ".join(told["fenced"])) or ("notknown:thefencefailed" if told["fence_failed"] else "noclient")
    if fenced not in said["dd"]:
        yield f"that {fenced} was fenced"
    for address in told["restored"]:
        if not any(plain(address) in text for text in said["dd"]):
            yield f"that the entry of {address} was removed"


def _images(told: Data, said: Said) -> t.Iterator[str]:
    for image in told["images"]:
        head = plain(f"{image['spec']}: {image['state']}" + (f", then {image['state_after']}" if image["state_after"] else ""))
        if head not in said["h3"]:
            yield head
        if image["decision"] in ("fence", "continue") and image["state_after"] and plain(image["proven"]) not in said["p"]:
            yield f"that {image['spec']} is {image['proven']}"
        for when, probe in ((when, lun[when]) for lun in image["luns"] for when in ("before", "after") if lun[when]):
            if not any(text.startswith(plain(f"LUN {when}: {probe['verdict']}; {probe['reason']}")) for text in said["p"]):
                yield f"that the LUN of {image['spec']} was {probe['verdict']} {when}"
        for watcher in (*image["watchers_before"], *image["watchers_after"]):
            if not any(text.startswith(plain(watcher["address"])) and plain(watcher["liveness"] + watcher["verdict"]) in text for text in said["tr"]):
                yield f"that {watcher['address']} of {image['spec']} is {watcher['liveness']}"


def _blocklist(told: Data, said: Said) -> t.Iterator[str]:
    states = [told[f"blacklist_{when}"] for when in ("before", "during", "after")]
    known = [state for state in states if state is not None]
    clients = {client for state in known for client in state}
    moved = {client for client in clients if len({state.get(client) for state in known}) > 1}
    for client in moved:
        cells = ["not read" if state is None else f"until {state[client]}" if client in state else "no entry" for state in states]
        if plain("".join((client, *cells))) not in said["tr"]:
            yield f"that {client} was {cells} on the blocklist"
    count = len(clients) - len(moved)
    words = f"{'Other entries' if moved else 'Entries'}, all unchanged: {count}."
    if len(known) == 3 and plain(words) not in said["p"]:
        yield f"how many entries were there all the time: {count}"


def _open(told: Data, said: Said) -> t.Iterator[str]:
    if list(said["li"]) != [plain(f"{item['what']}Next: {item['next']}") for item in told["unfinished"]]:
        yield f"what is still open: {told['unfinished']}"
    if not told["unfinished"] and "nothing" not in said["dd"]:
        yield "that nothing is open"

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a report says what the JSON beside it says. It does not know how the page is made, only what must stand in it. Pure."""

from __future__ import annotations

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


def untrue(told: Data, said: Said) -> list[str]:
    """What the page lacks, a line each. ``said``: element -> the text of each such element."""
    texts = {name: [plain(text) for text in found] for name, found in said.items()}
    checks = (_outcome, _fenced, _images, _blacklist, _open)
    return [f"the page does not say {fault}" for check in checks for fault in check(told, texts)]


def plain(text: str) -> str:
    """Without blanks: a browser puts them where it likes."""
    return "".join(text.split())


def _outcome(told: Data, said: Said) -> t.Iterator[str]:
    if list(said["h1"]) != [plain(HEADLINES[told["outcome"]].format(**told))]:
        yield f"the outcome {told['outcome']}: {said['h1']}"
    for words in filter(None, (told["error"], told["advice"])):
        if not any(plain(words) in text for text in said["p"]):
            yield words


def _fenced(told: Data, said: Said) -> t.Iterator[str]:
    fenced = plain(", ".join(told["fenced"])) or ("notknown,forthatfailed" if told["fence_failed"] else "nobody")
    if fenced not in said["dd"]:
        yield f"that {fenced} was fenced"
    for address in told["restored"]:
        if not any(plain(address) in text for text in said["dd"]):
            yield f"that {address} was let in again"


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


def _blacklist(told: Data, said: Said) -> t.Iterator[str]:
    states = [told[f"blacklist_{when}"] for when in ("before", "during", "after")]
    known = [state for state in states if state is not None]
    clients = {client for state in known for client in state}
    moved = {client for client in clients if len({state.get(client) for state in known}) > 1}
    for client in moved:
        cells = ["not read" if state is None else f"until {state[client]}" if client in state else "no entry" for state in states]
        if plain("".join((client, *cells))) not in said["tr"]:
            yield f"that {client} was {cells} on the blacklist"
    count = len(clients) - len(moved)
    words = f"{count or 'No'} other entr" if moved else f"{count or 'No'} entr"
    if len(known) == 3 and not any(text.startswith(plain(words)) for text in said["p"]):
        yield f"that {count} entries were there all the time"


def _open(told: Data, said: Said) -> t.Iterator[str]:
    if list(said["li"]) != [plain(f"{item['what']}Next: {item['next']}") for item in told["unfinished"]]:
        yield f"what is still open: {told['unfinished']}"
    if not told["unfinished"] and "Nothing." not in said["p"]:
        yield "that nothing is open"

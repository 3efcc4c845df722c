# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operator's own rules on top of the evidence: whom never to fence, and how many at most. Can only spare, never fence."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

try:
    import jmespath
except ImportError:
    jmespath = None

# The names in a record: those of a watcher, and those of its image.
FIELDS = frozenset({"address", "client", "cookie", "entity", "host", "lock_owner", "liveness", "image"}) | {"spec", "pool", "namespace", "name", "id", "header"}

# Known only of clients that a monitor has a session of.
OF_SESSION = frozenset({"entity", "host"})

Data = t.Mapping[str, t.Any]
Rule = t.Callable[[Data], bool]


def apply(detected: Data, protect: t.Sequence[str] = (), max_fence: int = 0) -> dict[str, t.Any]:
    """What rbd_watchers returned, with those spared whom the rules protect.

    ``protect``: client addresses (IP:PORT/NONCE), IP addresses, networks (CIDR), or JMESPath expressions on the watcher's record, which
    has its image's under ``image``. ``max_fence``: refuse everything when more clients would be fenced; 0 for any number. Raises InputError.
    """
    rules = [(text, rule(text)) for text in protect]
    records = [{**watcher, "image": image} for image in detected["images"] for watcher in image["watchers"] if watcher["verdict"] == "fence"]
    spared: dict[str, str] = {}
    for record in records:
        by = [text for text, protects in rules if protects(record)]
        spared.update(dict.fromkeys([record["address"]] if by else [], f"it is protected by '{', '.join(by)}'"))
    decided = _spare(detected, spared)
    fenced = [culprit["address"] for culprit in decided["culprits"] if culprit["verdict"] == "fence"]
    limit = int(max_fence)  # a template hands numbers over as text up to ansible-core 2.18
    if not limit or len(fenced) <= limit:
        return decided
    many = f"{len(fenced)} clients would be fenced, more than {limit}: so many rarely die at once, so look at the network and the OSDs, or raise the limit"
    return _spare(decided, dict.fromkeys(fenced, many))


def rule(text: str) -> Rule:
    """The one rule that a text stands for. Raises InputError."""
    for parse in (_client, _network, _expression):
        found = parse(text.strip())
        if found:
            return found
    raise InputError(f"'{text}' protects nobody: give a client address, an IP address, a network, or a JMESPath expression such as host == 'gateway1'.")


def _client(text: str) -> Rule | None:
    try:
        client = str(address.parse(text))
    except InputError:
        return None
    return lambda record: record["address"] == client


def _network(text: str) -> Rule | None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return lambda record: ipaddress.ip_address(address.parse(record["address"]).ip) in network


def _expression(text: str) -> Rule | None:
    if jmespath is None:
        raise InputError(f"'{text}' would be a JMESPath expression, but the Python library jmespath is not installed on the controller: install it with pip.")
    try:
        compiled = jmespath.compile(text)
    except jmespath.exceptions.JMESPathError:
        return None
    named = _fields(compiled.parsed)
    if not named:
        return None
    if unknown := sorted(named - FIELDS):
        raise InputError(f"'{text}' names {', '.join(unknown)}, which no watcher's record has: it has {', '.join(sorted(FIELDS))}.")

    def protects(record: Data) -> bool:
        if named & OF_SESSION and record["liveness"] != "orphaned" and not record["host"]:
            return True  # it may live, and nobody could tell as whom and where
        try:
            return bool(compiled.search(record))
        except jmespath.exceptions.JMESPathError as error:
            raise InputError(f"The JMESPath expression '{text}' cannot be applied to a watcher: {error}.") from error

    return protects


def _fields(node: t.Any) -> set[str]:
    """Every field that an expression names; a misspelt one would silently protect nobody."""
    if not isinstance(node, t.Mapping):
        return set()
    own = {node["value"]} if node["type"] == "field" else set()
    return own.union(*(_fields(child) for child in node["children"]))


def _spare(detected: Data, spared: t.Mapping[str, str]) -> dict[str, t.Any]:
    """An image with one spared culprit cannot be healed, so its other culprits are not fenced for its sake either."""
    images = [_spare_image(image, spared) for image in detected["images"]]
    healable = {image["spec"] for image in images if image["decision"] == "fence"}
    return {**detected, "images": images, "culprits": [_spare_culprit(culprit, spared, healable) for culprit in detected["culprits"]]}


def _spare_image(image: Data, spared: t.Mapping[str, str]) -> dict[str, t.Any]:
    hit = [watcher["address"] for watcher in image["watchers"] if watcher["verdict"] == "fence" and watcher["address"] in spared]
    if not hit:
        return dict(image)
    watchers = [
        {**watcher, "verdict": "spare", "reasons": [*watcher["reasons"], spared.get(watcher["address"], "another one of this image is spared")]}
        if watcher["verdict"] == "fence"
        else watcher
        for watcher in image["watchers"]
    ]
    reasons = list(dict.fromkeys([*image["reasons"], *(f"{client}: {spared[client]}" for client in hit)]))
    return {**image, "watchers": watchers, "decision": "refuse", "reasons": reasons}


def _spare_culprit(culprit: Data, spared: t.Mapping[str, str], healable: t.Collection[str]) -> dict[str, t.Any]:
    why = [spared[culprit["address"]]] if culprit["address"] in spared else []
    if culprit["verdict"] == "fence" and not why and not any(spec in healable for spec in culprit["images"]):
        why = ["another surplus watcher of its images is spared, so fencing it would heal nothing"]
    fence = culprit["verdict"] == "fence" and not why
    return {**culprit, "verdict": "fence" if fence else "spare", "reasons": [*culprit["reasons"], *why]}

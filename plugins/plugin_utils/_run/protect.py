# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whom the operator protects: remediate_watchers_protect, on top of the evidence. It can only spare, never fence. Pure but for JMESPath."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.model import Image, Look, Watcher
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run.spare import spare

try:
    import jmespath
except ImportError:
    jmespath = None

# The names in a record: those of a watcher, and those of its image.
FIELDS = frozenset(
    (
        "address",
        "client",
        "cookie",
        "daemon",
        "dead_host",
        "entity",
        "gateway",
        "host",
        "lock_owner",
        "liveness",
        "image",
        "spec",
        "pool",
        "namespace",
        "name",
        "id",
        "header",
    )
)

# Known only of clients that a monitor has a session of.
OF_SESSION = frozenset({"entity", "host"})

# A watcher, with its image under ``image``.
Record = t.Mapping[str, t.Any]
Rule = t.Callable[[Record], bool]


def apply(look: Look, protect: t.Sequence[str]) -> Look:
    """Returns the look without fencing those whom the rules protect.

    ``protect``: client addresses (IP:PORT/NONCE), IP addresses, networks (CIDR), or JMESPath expressions on the watcher's record, which
    has its image's under ``image``. Raises InputError.
    """
    rules = [(text, rule(text)) for text in protect]
    records: list[Record] = [{**watcher, "image": image} for image in look["images"] for watcher in _everyone(image) if watcher["verdict"] == "fence"]
    spared: dict[str, str] = {}
    for record in records:
        by = [text for text, protects in rules if protects(record)]
        spared.update({record["address"]: f"it is protected by '{', '.join(by)}'"} if by else {})
    return spare(look, spared)


def _everyone(image: Image) -> list[Watcher]:
    return [*image["watchers"], *image.get("owner", [])]


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

    def protects(record: Record) -> bool:
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

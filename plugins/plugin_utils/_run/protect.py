# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Applies the operator's rules, remediate_watchers_protect, to the evidence. A rule only spares clients. Pure except for JMESPath."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError
from ansible_collections.cephops.iscsi_rescue.plugins.plugin_utils._run import messages
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

# Known only of clients that have a session on a monitor.
OF_SESSION = frozenset({"entity", "host"})

# A watcher, with its image under ``image``.
Record = t.Mapping[str, t.Any]
Rule = t.Callable[[Record], bool]


def apply(look: Look, protect: t.Sequence[str]) -> Look:
    """Returns the look without fencing the clients that the rules protect.

    ``protect``: client addresses (IP:PORT/NONCE), IP addresses, networks (CIDR), or JMESPath expressions on the watcher's record. That has its image's
    record under ``image``. Raises InputError.
    """
    rules = [(text, rule(text)) for text in protect]
    records: list[Record] = [{**watcher, "image": image} for image in look["images"] for watcher in _everyone(image) if watcher["verdict"] == "fence"]
    spared: dict[str, str] = {}
    for record in records:
        by = [text for text, protects in rules if protects(record)]
        spared.update({record["address"]: messages.PROTECTED_BY.format(rule=", ".join(by))} if by else {})
    return spare(look, spared)


def _everyone(image: Image) -> list[Watcher]:
    return [*image["watchers"], *image.get("owner", [])]


def rule(text: str) -> Rule:
    """Returns the rule that a text stands for. Raises InputError."""
    for parse in (_client, _network, _expression):
        found = parse(text.strip())
        if found:
            return found
    raise InputError(
        f"remediate_watchers_protect: '{text}' is no rule. Give a client address, an IP address, a network, or a JMESPath expression such as "
        "host == 'gateway1'."
    )


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
        raise InputError(f"remediate_watchers_protect: '{text}' needs the Python library jmespath on the controller. Install it with pip.")
    try:
        compiled = jmespath.compile(text)
    except jmespath.exceptions.JMESPathError:
        return None
    named = _fields(compiled.parsed)
    if not named:
        return None
    if unknown := sorted(named - FIELDS):
        raise InputError(f"remediate_watchers_protect: '{text}' uses unknown fields: {', '.join(unknown)}. Known fields: {', '.join(sorted(FIELDS))}.")

    def protects(record: Record) -> bool:
        if named & OF_SESSION and record["liveness"] != "orphaned" and not record["host"]:
            return True  # it might be alive, and its user and host are not known
        try:
            return bool(compiled.search(record))
        except jmespath.exceptions.JMESPathError as error:
            raise InputError(f"remediate_watchers_protect: '{text}' cannot be applied to a watcher: {error}.") from error

    return protects


def _fields(node: t.Any) -> set[str]:
    """Returns every field that an expression names: a misspelt one would silently protect no client."""
    if not isinstance(node, t.Mapping):
        return set()
    own = {node["value"]} if node["type"] == "field" else set()
    return own.union(*(_fields(child) for child in node["children"]))

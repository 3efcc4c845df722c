# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells which clients are on hosts that the operator gave as dead."""

from __future__ import annotations

import ipaddress
import socket
import typing as t
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import in_time
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


@dataclass(frozen=True)
class DeadHosts:
    """Holds the networks that the operator gave; a single host is a network, too."""

    networks: t.Sequence[Network] = ()

    @classmethod
    def from_option(cls, texts: t.Sequence[str], timeout_s: float) -> DeadHosts:
        """Returns the hosts in a list of IP addresses, networks (CIDR), and names that this host can resolve. Raises InputError for any other text."""
        return cls([network for text in texts for network in _networks(text.strip(), timeout_s)])

    def has(self, client: str) -> bool:
        """Returns whether a client's address is on one of them. A fleet has many watchers, and usually no host is dead."""
        if not self.networks:
            return False
        try:
            host = ipaddress.ip_address(address.parse(client).ip)
        except InputError:
            return False
        return any(host in network for network in self.networks)


def _networks(text: str, timeout_s: float) -> list[Network]:
    try:
        return [ipaddress.ip_network(text, strict=False)]
    except ValueError:
        return _resolved(text, timeout_s)


def _resolved(name: str, timeout_s: float) -> list[Network]:
    try:
        found = in_time(lambda: socket.getaddrinfo(name, None, proto=socket.IPPROTO_TCP), timeout_s) if name else []
    except (OSError, UnicodeError, ValueError, TimeoutError) as error:
        raise InputError(f"dead_hosts names '{name}', which this host cannot resolve ({error}): give its IP address.") from error
    if not found:
        raise InputError("dead_hosts has an empty entry: give IP addresses, networks, or names.")
    return [ipaddress.ip_network(str(where[4][0]).partition("%")[0]) for where in found]

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads client addresses as the OSD map's blocklist writes them: ``IP:PORT/NONCE``."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError

_SHAPE = re.compile(r"(?:(?:v1|v2|any):)?(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)):(?P<port>[0-9]{1,5})/(?P<nonce>[0-9]{1,10})")

_RANGE = re.compile(r"cidr:(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)):0/(?P<bits>[0-9]{1,3})")


@dataclass(frozen=True)
class ClientAddress:
    """One client instance: the host's IP, its port (0 for a client) and the nonce of its messenger."""

    ip: str
    port: int
    nonce: int

    def __str__(self) -> str:
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{host}:{self.port}/{self.nonce}"


def parse(text: str) -> ClientAddress:
    """Reads ``IP:PORT/NONCE`` (IPv6 in brackets) into its normal form.

    Raises InputError for any other form, and for port 0 with nonce 0: the OSD map takes
    that as the whole host (``OSDMap::is_blocklisted`` in Ceph's src/osd/OSDMap.cc).
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise InputError(f"'{text}' is not a client address: give IP:PORT/NONCE as rbd_watchers prints it, for example 192.0.2.7:0/1193546917.")
    port, nonce = int(match["port"]), int(match["nonce"])
    if port > 0xFFFF or nonce > 0xFFFFFFFF:
        raise InputError(f"'{text}' is not a client address: the port must be below 65536 and the nonce below 4294967296.")
    if port == 0 and nonce == 0:
        raise InputError(f"'{text}' names every client of a host, not one: give the address with the nonce of the one client.")
    return ClientAddress(_ip(match["v6"] or match["v4"], text), port, nonce)


def normal(text: str) -> str:
    """Returns the normal form of an address read from the cluster; other text (a whole host, a range) stays as it is."""
    try:
        return str(parse(text))
    except InputError:
        return text


def network(entry: str) -> str:
    """Returns a range of the blocklist as it is written elsewhere: ``192.0.2.0/24`` for ``cidr:192.0.2.0:0/24``. Any other form stays as it is."""
    match = _RANGE.fullmatch(entry)
    return f"{match['v6'] or match['v4']}/{match['bits']}" if match else entry


def covers(entry: str, client: str) -> bool:
    """Returns whether an entry of the blocklist fences a client: its address, its whole host (``IP:0/0``), or its network, as ``network`` writes it."""
    host = parse(client).ip
    if entry in (client, f"[{host}]:0/0", f"{host}:0/0"):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def _ip(host: str, text: str) -> str:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError as error:
        raise InputError(f"'{text}' is not a client address: {host} is not an IP address.") from error
    if ip.is_unspecified or ip.is_multicast:
        raise InputError(f"'{text}' is not a client address: no client has the IP address {host}.")
    return str(ip)

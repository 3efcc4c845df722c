# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  conf:
    description:
      - The Ceph configuration file that names the monitors.
    type: path
    default: /etc/ceph/ceph.conf
  client:
    description:
      - The Ceph user to connect as, with or without the leading V(client.).
    type: str
    default: client.admin
  keyring:
    description:
      - File with the key of O(client). Without it the places named in O(conf) are searched.
    type: path
  key:
    description:
      - The key of O(client). Use it if the controller has the key, but the host has no keyring file.
      - No output shows it. The host still needs O(conf).
      - Mutually exclusive with O(keyring).
    type: str
  timeout:
    description:
      - Seconds to wait for the connection, and for each operation after it.
      - A cluster that does not answer in time is an error, never a hang.
    type: int
    default: 10
  quorum_settle:
    description:
      - Seconds that the monitors must have been in quorum, without a change, before a client without a session on them counts as gone.
      - A monitor that restarts has forgotten its clients. A stopped client cannot reconnect to it, and would look dead.
        The default is as long as a monitor remembers a client that is silent (Ceph's C(mon_session_timeout)).
    type: int
    default: 300
  osd_settle:
    description:
      - Seconds that the same OSDs must have served a header before a client that lets a notify on it time out counts as silent.
      - After an OSD went down or came up, healthy clients need some seconds to watch again. Until then the module waits and asks again, for up to
        four times as long. After that such a client is V(unknown). With V(0) only a change during the notify counts; the greatest value is 120.
      - The clock of this host must agree with those of the monitors to a few seconds.
    type: int
    default: 15
requirements:
  - the packages python3-rados and python3-rbd on the host that runs the module, of the cluster's release or newer (same names on Debian and RPM systems)
"""

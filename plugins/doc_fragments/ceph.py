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
  timeout:
    description:
      - Seconds to wait for the connection, and for each operation after it.
      - A cluster that does not answer in time is an error, never a hang.
    type: int
    default: 10
requirements:
  - python3-rados and python3-rbd of the cluster's release, or a newer one, on the host that runs the module
"""

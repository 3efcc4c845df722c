# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of /dev/kmsg and of log files, from text. The device itself is read in tests/kernel/cases/test_kernel_log.py."""

from __future__ import annotations

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kmsg import Record, parse_lines, parse_record


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (b"6,1234,97566348,-;scst: hello\n SUBSYSTEM=scsi\n DEVICE=+scsi:1:0:0:12\n", Record(1234, 97.566348, 6, "scst: hello")),
        # Facility 1 (user) and priority 4: 8 + 4.
        (b"12,7,1000000,-,caller=T1;x;y\n", Record(7, 1.0, 4, "x;y")),
        (b"3,0,0,c;a\\x0ab \\x5c \\xc3\n", Record(0, 0.0, 3, "a\nb \\ Ã")),
        (b"4,5,6,-;\xff\xfe\n", Record(5, 6e-06, 4, "\ufffd\ufffd")),
        (b"", None),
        (b"no record at all", None),
        (b"6,x,1,-;text", None),
    ],
)
def test_one_read_is_one_record(raw: bytes, record: Record | None) -> None:
    assert parse_record(raw) == record


def test_lines_of_dmesg_and_syslog() -> None:
    lines = [
        "[    1.500000] plain\n",
        "<3>[    2.5] with its priority\n",
        "Oct 14 17:18:28 wsg-70-3 kernel: [356969.436003] by syslog\n",
        "2026-11-22T10:00:00+00:00 gw1 kernel: [ 3.25] by rsyslog\n",
        "Oct 14 17:18:28 wsg-70-3 sshd[12]: [99.1] another program\n",
        "no clock\n",
        "[   97.521633]  (h)___0\n",
    ]
    assert parse_lines(lines) == [
        Record(1, 1.5, 6, "plain"),
        Record(2, 2.5, 3, "with its priority"),
        Record(3, 356969.436003, 6, "by syslog"),
        Record(4, 3.25, 6, "by rsyslog"),
        Record(7, 97.521633, 6, " (h)___0"),
    ]

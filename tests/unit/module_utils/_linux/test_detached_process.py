# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs in a process that can be left behind."""

from __future__ import annotations

import os
import time

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import detached_process


def test_the_answer_comes_from_another_process() -> None:
    me, found = os.getpid(), detached_process.within(5, os.getpid)
    assert found and found != me


def test_one_that_hangs_is_left_behind() -> None:
    began = time.monotonic()
    assert detached_process.within(0.2, lambda: time.sleep(9)) is None
    assert 0.2 <= time.monotonic() - began < 5


def test_one_that_raises_or_has_no_time_has_no_answer() -> None:
    began = time.monotonic()
    assert detached_process.within(5, lambda: os.stat("/no/such/file")) is None
    assert detached_process.within(-1, lambda: time.sleep(9)) is None
    assert time.monotonic() - began < 5

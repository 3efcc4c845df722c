# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the helper of a disk's probe hands to the kernel, and how it sees to its RELEASE. Real disks are in tests/kernel."""

from __future__ import annotations

import errno
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, replies, sg_helper
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply, Sense
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import Unreachable

DAY_MS = 24 * 3600 * 1000
GOOD, NOT_READY = Reply(replies.GOOD), Reply(replies.CHECK_CONDITION, sense=Sense(2, 4, 1))


def header(command: Command) -> sg_helper._Header:
    return sg_helper._Header.from_buffer_copy(sg_helper._Unit("/dev/null")._header(command))


@pytest.mark.parametrize("command", [commands.inquiry(), commands.reserve(), commands.release(), commands.read(0, 512), commands.synchronize_cache()])
def test_the_kernel_gets_no_timeout_that_it_could_reach(command: Command) -> None:
    """At its end it would abort the command, and then reset the LUN, which ends the reservations of others."""
    assert header(command).timeout >= 7 * DAY_MS
    assert header(command).flags == sg_helper._AT_TAIL


class Scripted(sg_helper._Unit):
    """Answers each command from a list, in place of the kernel."""

    def __init__(self, *answers: Reply | Unreachable | OSError) -> None:
        super().__init__("/dev/null")
        self.answers = list(answers)
        self.asked: list[str] = []
        self._owes_release = True

    def _send(self, *sequence: Command) -> list[int]:
        self.asked += [command.name for command in sequence]
        return list(range(len(sequence)))

    def _wait(self, number: int) -> Reply | Unreachable:
        answer = self.answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock goes only while it sleeps."""
    slept: list[float] = []
    monkeypatch.setattr(sg_helper.time, "sleep", slept.append)
    monkeypatch.setattr(sg_helper.time, "monotonic", lambda: sum(slept))
    return slept


def test_a_release_that_fails_for_a_while_is_sent_again(pauses: list[float]) -> None:
    unit = Scripted(*[NOT_READY] * 6, Unreachable("reset"), OSError(errno.ENOMEM, "no memory"), GOOD)
    unit.leave()
    assert unit.asked == ["release"] * 9
    assert pauses == sorted(pauses) and len(pauses) == 8 and sum(pauses) > 10


def test_a_release_that_never_succeeds_is_given_up_after_minutes(pauses: list[float]) -> None:
    unit = Scripted(*[NOT_READY] * 1000)
    unit.leave()
    assert 300 < sum(pauses) < 700 and len(pauses) < 100


@pytest.mark.parametrize("answer", [GOOD, OSError(errno.ENODEV, "no such device")])
def test_what_is_released_or_gone_owes_nothing(pauses: list[float], answer: t.Any) -> None:
    unit = Scripted(answer, NOT_READY)
    unit.leave()
    assert (unit.asked, pauses) == (["release"], [])


def test_an_error_of_the_helper_itself_is_told() -> None:
    unit = Scripted()
    unit._file = 0
    answer = unit.answer(commands.inquiry())
    assert isinstance(answer, Unreachable) and str(answer).startswith("the helper process failed at inquiry: IndexError")

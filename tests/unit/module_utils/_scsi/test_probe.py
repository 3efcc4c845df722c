# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The probe's decisions, over a transport that answers from a table. The real LUN is in tests/integration/targets/scsi_reserve_probe."""

from __future__ import annotations

import time

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import probe, reasons, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.commands import Command
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.probe import Outcome, Plan, WritePath
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.replies import Reply, Sense
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.transport import NoAnswer, Unreachable
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._words import fits

GOOD = Reply(replies.GOOD)
CONFLICT = Reply(replies.RESERVATION_CONFLICT)
READ_ONLY = Reply(replies.CHECK_CONDITION, sense=Sense(7, 0x27, 0))
MISCOMPARE = Reply(replies.CHECK_CONDITION, sense=Sense(0xE, 0x1D, 0))
# Block limits: one COMPARE AND WRITE takes 1 block, or the LUN knows none.
CAN_ATS = Reply(replies.GOOD, bytes.fromhex("00b0003c 0001") + bytes(58))
NO_ATS = Reply(replies.GOOD, bytes.fromhex("00b0003c 0000") + bytes(58))
# The caching mode page with its write cache off, and on.
WRITE_THROUGH = Reply(replies.GOOD, bytes.fromhex("17000000 0812 00") + bytes(17))
WRITE_CACHE = Reply(replies.GOOD, bytes.fromhex("17000000 0812 04") + bytes(17))
ATTENTION = Reply(replies.CHECK_CONDITION, sense=Sense(6, 0x29, 0))
ILLEGAL = Reply(replies.CHECK_CONDITION, sense=Sense(5, 0x20, 0))
ANSWERS = {"read_capacity": Reply(replies.GOOD, bytes.fromhex("000000000001ffff00000200")), "read": Reply(replies.GOOD, b"x" * 512)}


class Table:
    """Answers each command by its name; a list is used up answer by answer."""

    def __init__(self, **answers: object) -> None:
        self.answers = {**ANSWERS, **answers}
        self.sent: list[Command] = []
        self.closed = False
        self.longest = 0.0

    def connect(self, seconds: float) -> None:
        if isinstance(self.answers.get("connect"), Exception):
            raise self.answers["connect"]  # type: ignore[misc]

    def execute(self, command: Command, seconds: float) -> Reply:
        self.sent.append(command)
        self.longest = max(self.longest, seconds)
        answer = self.answers.get(command.name, GOOD)
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Reply)
        return answer

    def close(self, seconds: float) -> None:
        self.closed = True

    @property
    def names(self) -> list[str]:
        return [command.name for command in self.sent]


def run(table: Table, write_path: WritePath = "flush", slow_after: float = 1.0, **names: str) -> Outcome:
    outcome = probe.run(table, Plan(2.0, slow_after, write_path), names)
    assert table.closed
    return outcome


def test_healthy_and_nothing_that_may_hang_is_sent_while_reserved() -> None:
    table = Table()
    assert run(table).verdict == "healthy"
    assert table.names[-5:] == ["reserve", "release", "read_capacity", "read", "flush"]


@pytest.mark.parametrize("step", ["inquiry", "test_unit_ready", "pr_read_keys", "release", "read_capacity", "read", "flush"])
def test_no_answer_is_hung(step: str) -> None:
    outcome = run(Table(**{step: NoAnswer()}))
    assert outcome.verdict == "hung"
    assert outcome.reason.startswith(step)
    assert outcome.steps[-1].status == "no_answer"


def test_a_hung_reserve_is_followed_by_release() -> None:
    table = Table(reserve=NoAnswer())
    assert run(table).verdict == "hung"
    assert table.names[-1] == "release"


def test_what_this_initiator_holds_is_neither_reserved_nor_released() -> None:
    """While the LUN is reserved, reading keys conflicts for every initiator, and READ for every one but the holder."""
    table = Table(pr_read_keys=CONFLICT, pr_read_reservation=CONFLICT)
    outcome = run(table)
    assert outcome.verdict == "healthy" and outcome.reason == f"{reasons.HEALTHY}; {reasons.OWN_RESERVATION}"
    assert not {"reserve", "release"} & set(table.names) and "flush" in table.names


def test_what_another_holds_is_found_out_without_reserve() -> None:
    table = Table(pr_read_keys=CONFLICT, pr_read_reservation=CONFLICT, read=CONFLICT)
    assert run(table).verdict == "conflict"
    assert not {"reserve", "release"} & set(table.names)


def test_what_was_let_go_meanwhile_is_reserved() -> None:
    table = Table(pr_read_keys=[CONFLICT, GOOD], pr_read_reservation=[CONFLICT, GOOD])
    assert run(table).reason == reasons.HEALTHY
    assert table.names.count("reserve") == 1


def test_storage_that_hangs_while_the_lun_is_reserved() -> None:
    table = Table(pr_read_keys=CONFLICT, pr_read_reservation=CONFLICT, read=NoAnswer())
    assert run(table).verdict == "hung"
    assert "reserve" not in table.names


@pytest.mark.parametrize("step", ["test_unit_ready", "reserve", "read", "flush"])
def test_a_conflict_is_not_a_hang(step: str) -> None:
    assert run(Table(**{step: CONFLICT})).verdict == "conflict"


def test_registered_keys_mean_conflict_and_no_reserve() -> None:
    table = Table(pr_read_keys=Reply(replies.GOOD, bytes.fromhex("0000000100000008 00000000000000aa")))
    outcome = run(table)
    assert outcome.verdict == "conflict"
    assert outcome.registrants == ["00000000000000aa"]
    assert "reserve" not in table.names
    assert table.names[-1] == "flush"


def test_keys_that_had_no_room_are_said() -> None:
    keys = Reply(replies.GOOD, bytes.fromhex("0000000100000018 00000000000000aa"))
    assert run(Table(pr_read_keys=keys)).reason.endswith(reasons.KEYS_CUT.format(n=3, m=1))


def test_a_hang_behind_registered_keys_is_still_a_hang() -> None:
    assert run(Table(pr_read_keys=Reply(replies.GOOD, bytes.fromhex("0000000100000008 00000000000000aa")), flush=NoAnswer())).verdict == "hung"


def test_unit_attentions_are_tried_again() -> None:
    outcome = run(Table(test_unit_ready=[ATTENTION, ATTENTION, GOOD]))
    assert outcome.verdict == "healthy"
    assert next(step for step in outcome.steps if step.name == "test_unit_ready").tries == 3


def test_a_lun_with_nothing_but_unit_attentions_is_faulty_soon() -> None:
    table = Table(test_unit_ready=ATTENTION)
    outcome = probe.run(table, Plan(60.0, 1.0, "flush"))
    assert (outcome.verdict, table.names.count("test_unit_ready")) == ("faulty", 20)
    assert 2 < outcome.steps[-1].seconds < 10


def test_a_lun_that_is_busy_is_tried_again() -> None:
    outcome = run(Table(reserve=[Reply(replies.BUSY), Reply(replies.TASK_SET_FULL), GOOD]))
    assert outcome.verdict == "healthy"
    assert next(step for step in outcome.steps if step.name == "reserve").tries == 3


def test_a_lun_that_stays_busy_is_faulty() -> None:
    outcome = run(Table(reserve=Reply(replies.BUSY)))
    assert outcome.verdict == "faulty"
    assert "busy" in outcome.reason


def test_an_unknown_write_path_command_is_said() -> None:
    assert "choose another write_path" in run(Table(ats=ILLEGAL), "ats").reason


@pytest.mark.parametrize("refusal", [ILLEGAL, READ_ONLY, MISCOMPARE])
def test_what_auto_chose_and_the_lun_refuses_is_no_fault_of_the_lun(refusal: Reply) -> None:
    table = Table(inquiry_vpd_b0=CAN_ATS, ats=refusal)
    outcome = run(table, "auto")
    assert (outcome.verdict, outcome.proof, table.names[-1]) == ("healthy", "cache", "flush")
    assert outcome.reason.endswith(f"{reasons.ONLY_FLUSHED}, {reasons.REFUSED_COMPARE_AND_WRITE.format(sense=refusal.sense)}")
    told = run(Table(inquiry_vpd_b0=CAN_ATS, ats=refusal, flush=ILLEGAL), "auto")
    assert (told.verdict, told.proof) == ("healthy", "none") and fits(reasons.NOT_WRITTEN, told.reason)
    assert run(Table(inquiry_vpd_b0=CAN_ATS, ats=refusal, flush=NoAnswer()), "auto").verdict == "hung"
    assert run(Table(ats=refusal), "ats").verdict == "faulty"


@pytest.mark.parametrize("write_path", ["auto", "ats"])
def test_a_block_that_was_written_meanwhile_is_read_again(write_path: WritePath) -> None:
    other = Reply(replies.GOOD, b"y" * 512)
    table = Table(inquiry_vpd_b0=CAN_ATS, read=[ANSWERS["read"], ANSWERS["read"], other], ats=[MISCOMPARE, GOOD])
    outcome = run(table, write_path)
    assert (outcome.verdict, outcome.reason, outcome.proof) == ("healthy", reasons.HEALTHY, "write")
    assert table.sent[-2].data == b"y" * 1024


def test_a_medium_error_on_the_way_of_writes_is_a_fault() -> None:
    assert run(Table(inquiry_vpd_b0=CAN_ATS, ats=Reply(replies.CHECK_CONDITION, sense=Sense(3, 0x0C, 0))), "auto").verdict == "faulty"


@pytest.mark.parametrize("vendor", ["LIO-ORG", "SCST_BIO", "Bigtera"])
@pytest.mark.parametrize(
    ("limits", "steps", "proof"),
    [(CAN_ATS, ["ats", "flush"], "write"), (NO_ATS, ["inquiry_vpd_b0", "flush"], "cache"), (ILLEGAL, ["inquiry_vpd_b0", "flush"], "cache")],
)
def test_writes_are_tested_as_the_lun_can_and_not_by_its_vendor(vendor: str, limits: Reply, steps: list[str], proof: str) -> None:
    table = Table(inquiry=Reply(replies.GOOD, bytes(8) + vendor.encode().ljust(28)), inquiry_vpd_b0=limits)
    outcome = run(table, "auto")
    assert (outcome.verdict, outcome.proof, table.names[-2:]) == ("healthy", proof, steps)
    assert (reasons.ONLY_FLUSHED in outcome.reason) == (proof == "cache")


@pytest.mark.parametrize(("caching", "proof"), [(WRITE_THROUGH, "write"), (WRITE_CACHE, "cache"), (ILLEGAL, "cache"), (GOOD, "cache")])
def test_a_write_that_cannot_be_flushed_reached_the_storage_only_without_a_cache(caching: Reply, proof: str) -> None:
    assert run(Table(inquiry_vpd_b0=CAN_ATS, flush=ILLEGAL, mode_sense_caching=caching), "auto").proof == proof


def test_a_write_that_hangs_in_the_flush_proves_nothing() -> None:
    """As with SCST's vdisk_fileio, which answers a write from its host's page cache."""
    outcome = run(Table(inquiry_vpd_b0=CAN_ATS, flush=NoAnswer()), "auto")
    assert (outcome.verdict, outcome.proof) == ("hung", "none")


@pytest.mark.parametrize(
    ("write_path", "steps", "proof"),
    [
        ("none", ["read_capacity", "read"], "none"),
        ("flush", ["read", "flush"], "cache"),
        ("ats", ["ats", "flush"], "write"),
        ("orwrite", ["orwrite", "flush"], "write"),
    ],
)
def test_write_paths(write_path: WritePath, steps: list[str], proof: str) -> None:
    table = Table()
    outcome = run(table, write_path)
    assert (outcome.verdict, table.names[-2:], outcome.proof) == ("healthy", steps, proof)


TCMU = [bytes((0, 0, 5, 2, 31, tpgs << 4, 0, 2)) + b"LIO-ORG TCMU device".ljust(28) for tpgs in range(4)]


@pytest.mark.parametrize("tpgs", [1, 2, 3])
@pytest.mark.parametrize("write_path", ["auto", "flush", "ats", "orwrite"])
def test_a_gateway_that_would_break_the_lock_gets_no_command_of_the_write_path(write_path: WritePath, tpgs: int) -> None:
    table = Table(inquiry=Reply(replies.GOOD, TCMU[tpgs]), inquiry_vpd_b0=CAN_ATS)
    outcome = run(table, write_path)
    assert (outcome.verdict, outcome.proof, table.names[-1]) == ("healthy", "none", "read")
    assert outcome.reason.endswith(reasons.NOT_WRITTEN_LOCK)


@pytest.mark.parametrize(("tpgs", "write_path"), [(0, "auto"), (1, "lock")])
def test_a_gateway_that_breaks_no_lock_or_is_meant_to(tpgs: int, write_path: WritePath) -> None:
    assert run(Table(inquiry=Reply(replies.GOOD, TCMU[tpgs]), inquiry_vpd_b0=CAN_ATS), write_path).proof == "write"


def test_a_gateway_that_is_known_to_break_locks_gets_none_whatever_it_calls_itself() -> None:
    table = Table(inquiry_vpd_b0=CAN_ATS)
    assert probe.run(table, Plan(2.0, 1.0, "auto", breaks_locks=True)).proof == "none"
    assert table.names[-1] == "read"


def test_in_check_mode_no_command_of_the_write_path_is_sent() -> None:
    table = Table(inquiry_vpd_b0=CAN_ATS)
    outcome = probe.run(table, Plan(2.0, 1.0, "auto", dry=True))
    assert (outcome.proof, table.names[-1]) == ("none", "read")
    assert outcome.reason.endswith(reasons.NOT_WRITTEN_CHECK_MODE)


def test_ats_writes_what_was_read() -> None:
    table = Table()
    run(table, "ats")
    assert table.sent[-2].data == b"x" * 1024


def test_a_deadline_that_began_to_run_before() -> None:
    table = Table()
    probe.run(table, Plan(100.0, 1.0, "flush"), end=time.monotonic() + 2)
    assert 0 < table.longest <= 2


def test_unreachable() -> None:
    assert run(Table(connect=Unreachable("Target not found(515)"))).reason == "Target not found(515)"
    assert run(Table(connect=NoAnswer())).verdict == "unreachable"
    assert run(Table(reserve=Unreachable("closed"))).verdict == "unreachable"
    assert run(Table(inquiry=Reply(replies.GOOD, b"\x7f"))).reason == reasons.NO_SUCH_LUN


SERIAL = Reply(replies.GOOD, b"\x00\x80\x00\x04S123")


def test_another_lun_than_is_meant_is_not_reserved() -> None:
    table = Table(inquiry_vpd_80=SERIAL)
    outcome = run(table, serial="S124")
    assert (outcome.verdict, outcome.reason) == ("mismatch", reasons.MISMATCH.format(what=reasons.OTHER_NAME.format(what="serial", name="S123", wanted="S124")))
    assert "reserve" not in table.names


@pytest.mark.parametrize("names", [{"serial": "s123"}, {"serial": ""}, {"eui": "0011223344556677"}, {}])
def test_a_name_that_is_the_same_or_not_known_is_no_mismatch(names: dict[str, str]) -> None:
    assert run(Table(inquiry_vpd_80=SERIAL), **names).verdict == "healthy"


def test_slow() -> None:
    assert run(Table(), slow_after=-1.0).verdict == "slow"


def test_an_optional_command_may_be_unknown() -> None:
    assert run(Table(pr_read_keys=ILLEGAL, pr_read_reservation=ILLEGAL, inquiry_vpd_80=ILLEGAL)).verdict == "healthy"

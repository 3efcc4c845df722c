# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records of /dev/kmsg and of log files, from text. The device itself is read in tests/kernel/cases/test_kernel_log.py."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import InputError, KernelError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux import kernel_log
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._linux.kernel_log import Record, parse_lines, parse_record


@pytest.mark.parametrize(
    ("raw", "record"),
    [
        (b"6,1234,97566348,-;scst: hello\n SUBSYSTEM=scsi\n DEVICE=+scsi:1:0:0:12\n", Record(1234, 97.566348, 6, "scst: hello")),
        # Facility 1 (user) and priority 4: 8 + 4.
        (b"12,7,1000000,-,caller=T1;x;y\n", Record(7, 1.0, 4, "x;y")),
        (b"3,0,0,c;a\\x0ab \\x5c t\\xc3\\xa9st \\xc3\n", Record(0, 0.0, 3, "a\nb \\ tést \ufffd")),
        (b"4,5,6,-;\xff\xfe\n", Record(5, 6e-06, 4, "\ufffd\ufffd")),
        (b"", None),
        (b"no record at all", None),
        (b"6,x,1,-;text", None),
        (b"6," + b"9" * 5000 + b",1,-;text", None),
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
        "Nov  3 07:01:02 gw1 kernel: rbd: without the kernel's clock\r\n",
        "Nov  3 07:01:02 gw1 sshd[12]: of a kernel: not by it\n",
        "[" + "9" * 5000 + ".1] no time\n",
        "",
    ]
    assert parse_lines(lines) == [
        Record(1, 1.5, 6, "plain"),
        Record(2, 2.5, 3, "with its priority"),
        Record(3, 356969.436003, 6, "by syslog"),
        Record(4, 3.25, 6, "by rsyslog"),
        Record(7, 97.521633, 6, " (h)___0"),
        Record(8, 0.0, 6, "rbd: without the kernel's clock"),
    ]


def test_lines_of_dmesg_with_other_options() -> None:
    """--decode, --ctime, --time-format iso, and two of them together, as util-linux 2.38 writes them."""
    lines = [
        "kern  :err   : [   97.521633] decoded",
        "user  :debug : [    1.5] of user space",
        "[Wed Nov 25 17:58:00 2026] time of day",
        "kern  :warn  : [Wed Nov  5 07:58:00 2026] both",
        "2026-11-25T17:58:00,123456+00:00 iso",
        "kern  :notice: 2026-11-25T17:58:00,123456+00:00 iso and decoded",
    ]
    assert [(record.seconds, record.priority, record.message) for record in parse_lines(lines)] == [
        (97.521633, 3, "decoded"),
        (1.5, 7, "of user space"),
        (0.0, 6, "time of day"),
        (0.0, 4, "both"),
        (0.0, 6, "iso"),
        (0.0, 5, "iso and decoded"),
    ]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", True),
        ("\n\n", True),
        ("Nov  3 07:01:02 gw1 sshd[12]: no kernel\n", True),
        ("2026-11-25T17:58:00.123456+00:00 gw1 sshd[12]: no kernel\n", True),
        ("a message without anything before it\n", False),
        ("[Nov25 17:58] for people\n[  +0.000003] and their eyes\n", False),
    ],
)
def test_a_file_of_which_no_line_is_known_is_refused(tmp_path: Path, text: str, known: bool) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    if known:
        assert kernel_log.read_file(str(path)) == []
    else:
        with pytest.raises(InputError, match="has a known form of dmesg"):
            kernel_log.read_file(str(path))


BOOT = "7088b6dd-f7fe-40bd-8dc5-16bdd1f46d9b"


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the kernel holds, in place of its device."""
    held: list[bytes] = []
    monkeypatch.setattr(kernel_log, "_read_boot_id", lambda: BOOT)
    monkeypatch.setattr(kernel_log, "_read_all", lambda: ([record for record in map(parse_record, held) if record], True))
    return held


def hold(ring: list[bytes], *sequences: int) -> None:
    ring[:] = [f"6,{sequence},1,-;m{sequence}\n".encode() for sequence in sequences]


def test_from_a_mark_on(ring: list[bytes]) -> None:
    hold(ring, 3, 4, 5)
    mark = kernel_log.mark()
    assert mark == f"{BOOT}:6"
    assert kernel_log.since(mark) == kernel_log.Read([], mark, "")
    hold(ring, 4, 5, 6, 7)
    read = kernel_log.since(mark)
    assert [record.message for record in read.records] == ["m6", "m7"]
    assert (read.mark, read.gap) == (f"{BOOT}:8", "")
    assert len(kernel_log.since("").records) == 4


@pytest.mark.parametrize(("held", "lost"), [((9, 10), 3), ((6, 7, 9, 10), 1), ((2, 8, 9, 12), 4)])
def test_what_was_overwritten_is_counted(ring: list[bytes], held: tuple[int, ...], lost: int) -> None:
    """Before the first record that is left, and between two."""
    hold(ring, *held)
    assert kernel_log.since(f"{BOOT}:6").gap == f"{lost} records since the mark were overwritten"


def test_another_boot_gives_all_and_says_so(ring: list[bytes]) -> None:
    hold(ring, 0, 1)
    read = kernel_log.since("00000000-0000-0000-0000-000000000000:700")
    assert (len(read.records), read.gap) == (2, "the host was booted since the mark")


@pytest.mark.parametrize("mark", ["boot", f"{BOOT}:", f"{BOOT}:x", f"{BOOT}:6 ", f"{BOOT}:{'9' * 5000}"])
def test_what_is_no_mark(ring: list[bytes], mark: str) -> None:
    with pytest.raises(InputError, match="is no mark"):
        kernel_log.since(mark)


def test_the_device_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """EPIPE is for records that were overwritten meanwhile, EAGAIN is the end."""
    answers = iter([b"6,1,1,-;a", OSError(errno.EPIPE, "gone"), b"malformed", b"6,4,1,-;b", BlockingIOError()])
    monkeypatch.setattr(kernel_log.os, "read", lambda *_arguments: answer(next(answers)))
    assert kernel_log._raw_records(0) == ([b"6,1,1,-;a", b"malformed", b"6,4,1,-;b"], True)


def test_a_log_that_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_log.os, "read", lambda *_arguments: b"6,1,1,-;a")
    monkeypatch.setattr(kernel_log, "_MOST_RECORDS", 50)
    assert kernel_log._raw_records(0) == ([b"6,1,1,-;a"] * 50, False)
    monkeypatch.setattr(kernel_log, "_LONGEST_READ_S", -1)
    assert kernel_log._raw_records(0) == ([], False)


def test_what_was_not_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_log, "_read_boot_id", lambda: BOOT)
    monkeypatch.setattr(kernel_log, "_read_all", lambda: ([Record(7, 1.5, 6, "m")], False))
    assert kernel_log.since("").gap == "the log was read only up to 1.500 s, since it is too long or grows too fast"
    told = kernel_log.since(f"{BOOT}:6")
    assert told.gap.startswith("1 records since the mark were overwritten; the log was read only up to 1.500 s")
    assert told.mark == f"{BOOT}:8"


def test_a_device_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_log.os, "read", lambda *_arguments: answer(OSError(errno.EINVAL, "Invalid argument")))
    with pytest.raises(KernelError, match=r"cannot be read \(Invalid argument\)"):
        kernel_log._raw_records(0)
    monkeypatch.setattr(kernel_log, "_DEVICE", "/no/such/kmsg")
    with pytest.raises(KernelError, match=r"^/no/such/kmsg cannot be opened"):
        kernel_log.mark()


def answer(given: bytes | OSError) -> bytes:
    if isinstance(given, OSError):
        raise given
    return given

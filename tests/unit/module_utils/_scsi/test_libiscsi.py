# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import typing as t

import pytest
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import libiscsi

HEAD = [("status", ctypes.c_int), ("cdb_size", ctypes.c_int), ("xfer_dir", ctypes.c_int), ("expxferlen", ctypes.c_int), ("cdb", ctypes.c_ubyte * 16)]
# struct scsi_sense, then the same in every version.
TAIL = [("sense", ctypes.c_int * 5), ("size", ctypes.c_int), ("data", ctypes.c_void_p), ("mem", ctypes.c_void_p), ("ptr", ctypes.c_void_p)]
REST = [("rest", ctypes.c_void_p * 8)]
RESIDUAL = [("residual_status", ctypes.c_int), ("residual", ctypes.c_int)]
WIDE_RESIDUAL = [("residual_status", ctypes.c_int), ("residual", ctypes.c_size_t)]


class Library:
    """Makes tasks of one layout, as scsi_create_task does."""

    def __init__(self, fields: list[tuple[str, t.Any]], **otherwise: int) -> None:
        self.task = type("Task", (ctypes.Structure,), {"_fields_": fields})()
        self.otherwise = otherwise

    def scsi_create_task(self, size: int, cdb: bytes, direction: int, length: int) -> int:
        self.task.cdb_size, self.task.xfer_dir, self.task.expxferlen = size, direction, length
        ctypes.memmove(ctypes.addressof(self.task) + type(self.task).cdb.offset, cdb, size)
        for name, value in self.otherwise.items():
            setattr(self.task, name, value)
        return ctypes.addressof(self.task)

    def scsi_set_task_private_ptr(self, _task: int, value: int) -> None:
        self.task.ptr = value

    def scsi_free_scsi_task(self, _task: int) -> None:
        pass


@pytest.mark.parametrize("fields", [HEAD + RESIDUAL + TAIL + REST, HEAD + WIDE_RESIDUAL + TAIL + REST])
def test_received_data_is_found_in_both_layouts(fields: list[tuple[str, t.Any]]) -> None:
    library = Library(fields)
    # struct scsi_data: size, then the pointer in the next word.
    pointer_at: int = type(library.task).data.offset
    assert libiscsi.datain_offset(library) == pointer_at - ctypes.sizeof(ctypes.c_void_p)


@pytest.mark.parametrize(
    "library",
    [
        pytest.param(Library([("new", ctypes.c_int), *HEAD, *RESIDUAL, *TAIL, *REST]), id="a field more at the start"),
        pytest.param(Library([HEAD[0], HEAD[1], HEAD[3], HEAD[2], HEAD[4], *RESIDUAL, *TAIL, *REST]), id="fields the other way round"),
        pytest.param(Library([*HEAD[:4], ("new", ctypes.c_int), HEAD[4], *RESIDUAL, *TAIL, *REST]), id="a field more before the CDB"),
        pytest.param(Library([*HEAD, *RESIDUAL, ("far", ctypes.c_void_p * 16), *TAIL, *REST]), id="the pointer out of sight"),
        pytest.param(Library([*HEAD, *RESIDUAL, *TAIL, *REST], mem=1), id="something set where nothing was received"),
    ],
)
def test_another_layout_is_refused(library: Library) -> None:
    with pytest.raises(TargetError, match=r"layout .* is not known: install libiscsi7 \(Debian, Ubuntu\) or libiscsi \(RPM systems\)"):
        libiscsi.datain_offset(library)


def test_none_is_there() -> None:
    with pytest.raises(TargetError, match=r"libiscsi-none\.so\.1.*libiscsi-none\.so\.2.*: install libiscsi7 \(Debian, Ubuntu\) or libiscsi \(RPM systems\)\.$"):
        libiscsi.load(["libiscsi-none.so.1", "libiscsi-none.so.2"])


def test_a_library_without_its_functions_is_refused() -> None:
    with pytest.raises(TargetError, match="iscsi_create_context"):
        libiscsi.load(["libc.so.6"])


def test_this_hosts_own() -> None:
    try:
        library = libiscsi.load()
    except TargetError:
        pytest.skip("no libiscsi on this host")
    assert libiscsi.datain_offset(library) % ctypes.sizeof(ctypes.c_void_p) == 0

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The library libiscsi, loaded by ctypes: found by any soname that is known, and refused where its structures are laid out otherwise."""

from __future__ import annotations

import ctypes
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import TargetError

# Debian keeps 7 for every release. Upstream, and with it RPM systems: 8 is 1.18, 9 is 1.19, 10 is 1.20.0, 11 is 1.20.1 and later.
# Their headers declare the functions below alike.
SONAMES = tuple(f"libiscsi.so.{number}" for number in (7, 8, 9, 10, 11))
INSTALL = "install libiscsi7 (Debian, Ubuntu) or libiscsi (RPM systems)"

XFER_NONE, XFER_READ, XFER_WRITE = 0, 1, 2  # enum scsi_xfer_dir in scsi-lowlevel.h
_TASK_WORDS = 16  # struct scsi_task is longer than that in every version
_CDB_AT = 4 * ctypes.sizeof(ctypes.c_int)  # behind status, cdb_size, xfer_dir and expxferlen

Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def load(sonames: t.Sequence[str] = SONAMES) -> ctypes.CDLL:
    """Returns the first of them that is there, with its functions declared. Raises TargetError."""
    errors = []
    for soname in sonames:
        try:
            return _declared(ctypes.CDLL(soname))
        except (OSError, AttributeError) as error:
            errors.append(str(error))
    raise TargetError(f"The library libiscsi cannot be loaded on this host ({'; '.join(errors)}): {INSTALL}.")


def datain_offset(library: t.Any) -> int:
    """Returns where in struct scsi_task the received data is, in bytes. Raises TargetError for a structure that is not known.

    libiscsi 1.20 put a field before ``datain``, on Debian without a new soname. What comes after is the same in all versions: ``datain``, two words, ``mem``,
    a word, and ``ptr``, which the library itself can be asked to set.
    """
    cdb, mark = bytes(range(1, 7)), 0x7E57AB1E
    task = library.scsi_create_task(len(cdb), cdb, XFER_READ, 36)
    library.scsi_set_task_private_ptr(task, mark)
    head = list((ctypes.c_int * 4).from_address(task))
    known = head[1:] == [len(cdb), XFER_READ, 36] and ctypes.string_at(task + _CDB_AT, len(cdb)) == cdb
    words = list((ctypes.c_void_p * _TASK_WORDS).from_address(task))
    library.scsi_free_scsi_task(task)
    if not known or mark not in words or any(words[words.index(mark) - 3 : words.index(mark)]):
        raise TargetError(f"The layout of this host's libiscsi is not known: {INSTALL}, of version 1.18 to 1.20.")
    return (words.index(mark) - 3) * ctypes.sizeof(ctypes.c_void_p)


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[t.Any, list[t.Any]]] = {
        "iscsi_create_context": (pointer, [text]),
        "iscsi_set_targetname": (number, [pointer, text]),
        "iscsi_set_session_type": (number, [pointer, number]),
        "iscsi_set_header_digest": (number, [pointer, number]),
        "iscsi_set_noautoreconnect": (None, [pointer, number]),
        "iscsi_set_initiator_username_pwd": (number, [pointer, text, text]),
        "iscsi_connect_async": (number, [pointer, text, Callback, pointer]),
        "iscsi_login_async": (number, [pointer, Callback, pointer]),
        "iscsi_logout_async": (number, [pointer, Callback, pointer]),
        "iscsi_destroy_context": (number, [pointer]),
        "iscsi_get_fd": (number, [pointer]),
        "iscsi_which_events": (number, [pointer]),
        "iscsi_service": (number, [pointer, number]),
        "iscsi_get_error": (text, [pointer]),
        "iscsi_scsi_command_async": (number, [pointer, number, pointer, Callback, pointer, pointer]),
        "scsi_create_task": (pointer, [number, pointer, number, number]),
        "scsi_set_task_private_ptr": (None, [pointer, pointer]),
        "scsi_free_scsi_task": (None, [pointer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sends notifies through librados itself.

Python's ``Ioctx.aio_notify`` drops the reply when a watcher timed out, and that reply names the
watcher. So the C library is called here, and in no other file.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
import typing as t

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import reasons
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.cluster import Connection
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.header_object import HeaderObject
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.notify_reply import NotifyReply, decode
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import in_time
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError

# The OSD counts the notify's timeout in whole seconds from its start; then the answer travels back.
ANSWER_MARGIN_S = 2.0
_POLL_S = 0.01


class _Notify:
    """Holds one pending notify: librados writes into ``reply`` and ``length`` when it ends."""

    def __init__(self) -> None:
        self.completion = ctypes.c_void_p()
        self.reply = ctypes.c_void_p()
        self.length = ctypes.c_size_t()


# Kept until the process ends, since librados still writes a late answer into them. If they were freed, it would write into other objects' memory
# (measured: a process crashed within ten notifies around an OSD that was marked down).
SENT: list[_Notify] = []


def send_all(connection: Connection, targets: t.Sequence[HeaderObject], timeout_s: int) -> dict[HeaderObject, NotifyReply | str]:
    """Sends an empty notify to every header object at once and returns which watchers acknowledged it.

    Returns by ``timeout_s`` + ``ANSWER_MARGIN_S`` after connecting. A value is the reply, or the reason why there is none.
    An empty notify is what every header update sends, so librbd and krbd answer it by re-reading the header.
    """
    library = _load()
    cluster = _connect(library, connection)
    deadline = time.monotonic() + timeout_s + ANSWER_MARGIN_S
    try:
        # If a pool was removed meanwhile, librados waits for a newer map, without a deadline.
        started = in_time(lambda: {target: _start(library, cluster, target, timeout_s) for target in targets}, timeout_s + ANSWER_MARGIN_S)
    except TimeoutError:
        return dict.fromkeys(targets, reasons.NOT_SENT_IN_TIME)
    results = {target: _finish(library, notify, deadline) if isinstance(notify, _Notify) else notify for target, notify in started.items()}
    if not any(isinstance(result, str) for result in results.values()):
        library.rados_shutdown(cluster)
    return results


def _load() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL("librados.so.2")
    except OSError as error:
        raise ClusterError(f"The library librados.so.2 cannot be loaded ({error}): install librados2.") from error
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.rados_create2.argtypes = [ctypes.POINTER(pointer), text, text, ctypes.c_uint64]
    library.rados_conf_read_file.argtypes = [pointer, text]
    library.rados_conf_set.argtypes = [pointer, text, text]
    library.rados_connect.argtypes = [pointer]
    library.rados_shutdown.argtypes = [pointer]
    library.rados_ioctx_create.argtypes = [pointer, text, ctypes.POINTER(pointer)]
    library.rados_ioctx_set_namespace.argtypes = [pointer, text]
    library.rados_aio_create_completion.argtypes = [pointer, pointer, pointer, ctypes.POINTER(pointer)]
    library.rados_aio_notify.argtypes = [pointer, text, pointer, text, ctypes.c_int, ctypes.c_uint64, ctypes.POINTER(pointer), ctypes.POINTER(ctypes.c_size_t)]
    library.rados_aio_is_complete.argtypes = [pointer]
    library.rados_aio_get_return_value.argtypes = [pointer]
    return library


def _connect(library: ctypes.CDLL, connection: Connection) -> ctypes.c_void_p:
    cluster = ctypes.c_void_p()
    code = library.rados_create2(ctypes.byref(cluster), b"ceph", connection.client.encode(), 0)
    code = code or library.rados_conf_read_file(cluster, connection.conf.encode())
    for name, value in connection.settings().items():
        code = code or library.rados_conf_set(cluster, name.encode(), value.encode())
    code = code or library.rados_connect(cluster)
    if code:
        raise ClusterError(f"Connecting to the cluster of {connection.conf} for the notify failed: {os.strerror(-code)}.")
    return cluster


def _start(library: ctypes.CDLL, cluster: ctypes.c_void_p, target: HeaderObject, timeout_s: int) -> _Notify | str:
    notify, ioctx = _Notify(), ctypes.c_void_p()
    SENT.append(notify)
    code = library.rados_ioctx_create(cluster, target.pool.encode(), ctypes.byref(ioctx))
    if not code:
        library.rados_ioctx_set_namespace(ioctx, target.namespace.encode())
        code = library.rados_aio_create_completion(None, None, None, ctypes.byref(notify.completion))
    if not code:
        address, length = ctypes.byref(notify.reply), ctypes.byref(notify.length)
        code = library.rados_aio_notify(ioctx, target.name.encode(), notify.completion, b"", 0, timeout_s * 1000, address, length)
    return notify if not code else reasons.NOT_SENT.format(reason=os.strerror(-code))


def _finish(library: ctypes.CDLL, notify: _Notify, deadline: float) -> NotifyReply | str:
    while not library.rados_aio_is_complete(notify.completion):
        if time.monotonic() > deadline:
            return reasons.OSD_SILENT
        time.sleep(_POLL_S)
    code = -library.rados_aio_get_return_value(notify.completion)
    if code not in (0, errno.ETIMEDOUT) or not notify.reply.value:
        return reasons.NOTIFY_FAILED.format(reason=os.strerror(code or errno.ENODATA))
    return decode(ctypes.string_at(notify.reply.value, notify.length.value))

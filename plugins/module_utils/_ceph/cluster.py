# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connects to a Ceph cluster. No other file imports Ceph's Python libraries.

Every wait has a deadline: connecting, monitor commands and OSD operations each end after ``timeout`` seconds.
"""

from __future__ import annotations

import base64
import errno
import json
import os
import typing as t
from dataclasses import dataclass, field

from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph import address
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._ceph.parallel import in_time
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._errors import ClusterError, FencedError, InputError, MissingLibraryError, RescueError

try:
    import rados
    import rbd

    RADOS_MISSING = ""
except ImportError as _error:
    rados = rbd = None  # Cluster() says so, in words, before either is used
    RADOS_MISSING = str(_error)

# The libraries, too: other files import them from here.
__all__ = ["Cluster", "Connection", "explain", "rados", "rbd"]


LONGEST_SETTLE_S = 120
# Releases before 16 spell it the other way.
_LISTS = ("blocklist", "blacklist", "range_blocklist")
_FENCED = "This host is itself on the blocklist"
_LET_IN = "If that is a mistake, remove the entry: 'ceph osd blocklist rm ENTRY', or 'ceph osd blocklist range rm RANGE'. Otherwise run this on another host."
_MON_CAPS = {"sessions": "allow command sessions", "service dump": 'allow command "service dump"'}


@dataclass(frozen=True)
class Connection:
    """Says how to reach a cluster. ``timeout`` in whole seconds, for connecting and for each operation.

    ``quorum_settle``: seconds that the monitors must have been in quorum before a client without a session counts as gone. ``osd_settle``: seconds that the
    same OSDs must have served a header before a client that lets a notify on it time out counts as silent.
    """

    conf: str
    client: str
    keyring: str | None
    timeout: int
    quorum_settle: int = 300
    osd_settle: int = 15
    key: str | None = field(default=None, repr=False)

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any]) -> Connection:
        """Returns the connection that a module's options ask for. Raises InputError for a missing file and for a timeout below 1 s."""
        client = options["client"] if options["client"].startswith("client.") else f"client.{options['client']}"
        settle = {name: options[name] for name in ("quorum_settle", "osd_settle")}
        connection = cls(options["conf"], client, options["keyring"], options["timeout"], **settle, key=options.get("key"))
        if connection.timeout < 1:
            raise InputError(f"timeout is {connection.timeout}: give at least 1 second.")
        if not 0 <= connection.osd_settle <= LONGEST_SETTLE_S:
            raise InputError(f"osd_settle is {connection.osd_settle}: give between 0 and {LONGEST_SETTLE_S} seconds.")
        for name, path in (("conf", connection.conf), ("keyring", connection.keyring)):
            if path is not None and not (os.path.isfile(path) and os.access(path, os.R_OK)):
                raise InputError(f"The Ceph {name} file '{path}' cannot be read on this host: correct {name}, or run as a user that is allowed to read it.")
        return connection

    def settings(self) -> dict[str, str]:
        """Returns librados settings that override the conf file. Logs to stderr would end up in the task's output."""
        seconds = str(self.timeout)
        settings = {"client_mount_timeout": seconds, "rados_mon_op_timeout": seconds, "rados_osd_op_timeout": seconds}
        settings.update(admin_socket="", log_to_stderr="false", err_to_stderr="false")
        given = {"keyring": self.keyring, "key": self.key}
        return {**settings, **{name: value for name, value in given.items() if value}}


class Cluster:
    """Holds a connected cluster; use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        if RADOS_MISSING:
            raise MissingLibraryError("rados, rbd", RADOS_MISSING)
        self.connection = connection
        self._stuck = False
        try:
            self._rados = rados.Rados(name=connection.client, conffile=connection.conf, conf=connection.settings())
        except rados.Error as error:
            raise explain(error, f"Reading the Ceph conf file {connection.conf}") from error

    def __enter__(self) -> Cluster:
        try:
            self._rados.connect()
        except rados.Error as error:
            raise self._refused(error) from error
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        fenced = self._fenced() if isinstance(error, FencedError) else None
        # A handle with a pending call without a deadline cannot be shut down; it ends with the process.
        if not self._stuck:
            self._rados.shutdown()
        if fenced:
            raise fenced from error

    def _fenced(self) -> FencedError | None:
        """Returns an error with the entry that fences this host. The monitors answer a fenced host, too."""
        try:
            dump, mine = self.command("osd dump"), address.normal(self._rados.get_addrs())
            entries = {address.network(entry): until for name in _LISTS for entry, until in dump.get(name, {}).items()}
            by = next((entry for entry in entries if address.covers(entry, mine)), "")
        except (AttributeError, InputError, ClusterError, rados.Error):
            return None
        return FencedError(f"{_FENCED}: {by}, until {entries[by]}, fences {mine}. {_LET_IN}") if by else None

    def command(self, prefix: str, **arguments: t.Any) -> t.Any:
        """Returns a monitor command's decoded JSON answer (None when it has none). Raises ClusterError."""
        return self._decoded(self._command(prefix, arguments, None), prefix)

    def act(self, prefix: str, **arguments: t.Any) -> None:
        """Sends a monitor command that changes something, and ignores its answer. Raises ClusterError."""
        self._command(prefix, arguments, None)

    def tell_monitor(self, monitor: str, prefix: str) -> t.Any:
        """Returns the answer of one monitor about itself."""
        return self._decoded(self._command(prefix, {}, monitor), prefix)

    def tell_osd(self, osd: int, prefix: str) -> t.Any:
        """Returns the answer of one OSD about itself, by the deadline of OSD operations. Raises ClusterError."""
        try:
            code, output, status = self._rados.osd_command(osd, json.dumps({"prefix": prefix, "format": "json"}), b"")
        except rados.Error as error:
            raise explain(error, f"The command '{prefix}' to osd.{osd}") from error
        if code == -errno.ETIMEDOUT:
            raise ClusterError(f"osd.{osd} did not answer '{prefix}' within {self.connection.timeout} s: check 'ceph osd tree'.", -code)
        if -code in (errno.EACCES, errno.EPERM):
            raise ClusterError(
                f"osd.{osd} refused '{prefix}' to {self.connection.client}: it lacks the osd cap 'allow *'. Without it, use survey=image.",
                -code,
            )
        if code:
            raise ClusterError(f"The command '{prefix}' to osd.{osd} failed: {status or os.strerror(-code)}.", -code)
        return self._decoded(output, prefix)

    def open_pool(self, pool: str, namespace: str = "") -> t.Any:
        """Returns an I/O context. Raises InputError for a pool that is not there."""
        try:
            # If this client's map has no such pool, librados waits for a newer map, without a deadline.
            ioctx = self.in_time(lambda: self._rados.open_ioctx(pool), f"The pool '{pool}'")
        except rados.ObjectNotFound as error:
            raise InputError(f"The cluster has no pool '{pool}': see 'ceph osd pool ls'.") from error
        except rados.Error as error:
            raise explain(error, f"Opening pool '{pool}' as {self.connection.client}") from error
        ioctx.set_namespace(namespace)
        return ioctx

    def wait_for_latest_map(self) -> None:
        """Waits until this client has the newest OSD map; the OSDs get it with the next operations. Raises ClusterError."""
        try:
            # rados_mon_op_timeout does not reach this call (measured with a stopped monitor).
            self.in_time(self._rados.wait_for_latest_osdmap, "The new OSD map")
        except rados.Error as error:
            raise explain(error, "Waiting for the new OSD map") from error

    def in_time(self, work: t.Callable[[], t.Any], what: str) -> t.Any:
        """Gives a deadline to a librados call that has none. Raises ClusterError after ``connection.timeout`` seconds."""
        try:
            return in_time(work, self.connection.timeout)
        except TimeoutError as error:
            self._stuck = True
            raise ClusterError(f"{what} timed out after {self.connection.timeout} s: check whether the monitors have a quorum.") from error

    def _command(self, prefix: str, arguments: dict[str, t.Any], monitor: str | None) -> bytes:
        command = json.dumps({"prefix": prefix, "format": "json", **arguments})
        target = {} if monitor is None else {"target": monitor}
        try:
            code, output, status = self._rados.mon_command(command, b"", **target)
        except rados.Error as error:
            raise explain(error, f"The monitor command '{prefix}'") from error
        if code:
            raise ClusterError(_command_failed(prefix, arguments, code, status, self.connection), -code)
        return t.cast(bytes, output)

    @staticmethod
    def _decoded(output: bytes, prefix: str) -> t.Any:
        try:
            return json.loads(output) if output.strip() else None
        except (ValueError, RecursionError) as error:
            raise ClusterError(f"The answer to the monitor command '{prefix}' is not JSON: {error}.") from error

    def _refused(self, error: rados.Error) -> RescueError:
        who, where = self.connection.client, self.connection.conf
        if error.errno == errno.ETIMEDOUT:
            return ClusterError(f"No monitor named in {where} accepted {who} within {self.connection.timeout} s: check mon_host, the network and the quorum.")
        if error.errno == errno.ENOENT and self.connection.key:
            return ClusterError(f"The Ceph conf file {where} names no monitor, nor does DNS: set mon_host in it.")
        if error.errno == errno.ENOENT:
            monitors = "" if self._rados.conf_get("mon_host") else ", and set mon_host, unless DNS names the monitors"
            return ClusterError(f"No key for {who} was found through {where}: name the file that holds it in keyring{monitors}.")
        if error.errno == errno.EIO:
            # librados of Ceph 16 cannot read the keys that Ceph 20 makes (measured).
            return ClusterError(
                f"The keyring for {who} holds no key that this host's librados can read: give the file that 'ceph auth get {who}' prints, "
                "on a host with a librados as new as the cluster."
            )
        if error.errno == errno.EINVAL and self.connection.key and not _is_key(self.connection.key):
            return ClusterError(f"librados cannot read the option key: give the key that 'ceph auth print-key {who}' prints.")
        if error.errno == errno.EINVAL:
            return ClusterError(f"librados cannot resolve the monitors' names in {where}: check mon_host, and that this host can resolve it.")
        if error.errno in (errno.EACCES, errno.EPERM):
            # Monitors give the same answer for both, so that the names of users cannot be guessed.
            which = "in the option key" if self.connection.key else "in its keyring"
            return ClusterError(
                f"The cluster of {where} refused {who}: it has no such user, or another key than {which}. Compare both with 'ceph auth get {who}'."
            )
        return explain(error, f"Connecting to the cluster of {where} as {who}")


def _is_key(text: str) -> bool:
    """Returns whether every librados can read it: type 1 (AES), time, length and 16 bytes (``CryptoKey::encode`` in Ceph's auth/Crypto.cc)."""
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return len(key) == 28 and key[:2] == b"\1\0"


def explain(error: Exception, what: str, cap: str = "a cap") -> RescueError:
    """Returns a library's error as one sentence. rados and rbd errors carry ``errno``. ``cap``: what the user lacks if that is the cause."""
    code = abs(getattr(error, "errno", None) or 0)
    if code == errno.ETIMEDOUT:
        return ClusterError(f"{what} timed out: check 'ceph -s' for monitors out of quorum and inactive placement groups.", code)
    if code in (errno.EACCES, errno.EPERM):
        return ClusterError(f"{what} was refused: the user lacks {cap}. The playbook cephops.iscsi_rescue.ceph_user makes a user that has all caps.", code)
    if code == errno.ESHUTDOWN:
        return FencedError(f"{_FENCED}, so {what[0].lower()}{what[1:]} was refused. {_LET_IN}")
    reason = os.strerror(code) if code else str(error)
    return ClusterError(f"{what} failed: {reason}.", code)


def _command_failed(prefix: str, arguments: t.Mapping[str, t.Any], code: int, status: str, connection: Connection) -> str:
    if -code in (errno.EACCES, errno.EPERM):
        removes = "rm" in (arguments.get("blocklistop"), arguments.get("blacklistop"))
        cap = f'allow command "{prefix}" with {prefix[4:]}op=rm' if removes else _MON_CAPS.get(prefix, "profile rbd")
        return f"The monitors refused '{prefix}' to {connection.client}: it lacks the mon cap '{cap}', which cephops.iscsi_rescue.ceph_user grants."
    if -code == errno.ETIMEDOUT:
        return f"The monitor command '{prefix}' timed out after {connection.timeout} s: check whether the monitors have a quorum."
    return f"The monitor command '{prefix}' failed: {status or os.strerror(-code)}."

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ceph's own gateway inside the guest: tcmu-runner, and images that it serves, in its default mode or as ceph-iscsi sets them up."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import cluster
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi import commands, replies
from ansible_collections.cephops.iscsi_rescue.plugins.module_utils._scsi.iscsi import IscsiTransport
from guest import Backstore, export_by_iscsi, run, wait_for

_SIZE = 32 << 20
_LAST_BLOCK = _SIZE // 512 - 1
_SERIAL = "46c5caed-dd44-4145-a486-7e1cf2b6a52c"
_LOG = Path("/var/log/tcmu-runner.log")
# As ceph-iscsi 3.5 writes it for the gateway that owns the image: ceph_iscsi_config/alua.py and settings.py.
_OPTIMIZED: t.Mapping[str, str] = {
    "tg_pt_gp_id": "1",
    "alua_support_active_nonoptimized": "1",
    "alua_support_active_optimized": "1",
    "alua_support_lba_dependent": "0",
    "alua_support_offline": "0",
    "alua_support_standby": "1",
    "alua_support_transitioning": "1",
    "alua_support_unavailable": "0",
    "alua_access_type": "1",
    "implicit_trans_secs": "45",
    "alua_access_state": "0",
}


class Runner:
    """A tcmu-runner, with the bus that it wants."""

    def __init__(self) -> None:
        run("modprobe", "-a", "target_core_mod", "target_core_user", "tcm_loop", "sg", "sd_mod")
        Path("/run/dbus").mkdir(parents=True, exist_ok=True)
        if not Path("/run/dbus/system_bus_socket").exists():
            run("dbus-daemon", "--system", "--fork", "--nopidfile")
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(["tcmu-runner"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # It takes over what is there already, and says so.
        wait_for(
            lambda: (
                "org.kernel.TCMUService1"
                in run("dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.ListNames").stdout
            ),
            saying="tcmu-runner",
        )

    @contextlib.contextmanager
    def stopped(self) -> t.Iterator[None]:
        """It answers no client meanwhile, and knows nothing of that."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class Gateway(Backstore):
    """An image served over iSCSI as LUN 0, by a client of its own. ``implicit``: by an ALUA group of implicit access, as ceph-iscsi makes it."""

    def __init__(self, name: str, image: str, port: int, implicit: bool) -> None:
        self.target, self.portal, self.image = f"iqn.2003-01.com.redhat.iscsi-gw:{name}", f"127.0.0.1:{port}", f"rbd/{image}"
        super().__init__("user_0", name, f"dev_size={_SIZE},dev_config=rbd/rbd/{image};osd_op_timeout=30;conf={cluster.CONF}", _SERIAL)
        if implicit:
            (self.backstore / "alua/ao").mkdir()
            for attribute, value in _OPTIMIZED.items():
                self._write(f"alua/ao/{attribute}", value)
        export_by_iscsi(self.backstore, self.target, 0, [self.portal], "ao" if implicit else "")

    @property
    def path(self) -> dict[str, t.Any]:
        """As the probe takes it."""
        return {"portal": self.portal, "target": self.target, "lun": 0}

    def conf(self, host: str) -> dict[str, t.Any]:
        """The parts of ceph-iscsi 3.5's object gateway.conf that say what is where; see its LUN.allocate and GWTarget.manage."""
        portal = {"tpgs": 1, "gateway_ip_list": ["127.0.0.1"], "portal_ip_addresses": ["127.0.0.1"], "inactive_portal_ips": []}
        target = {"disks": {self.image: {"lun_id": 0}}, "clients": {}, "portals": {host: portal}, "groups": {}, "acl_enabled": False}
        disks = {self.image: {"wwn": _SERIAL, "backstore": "user:rbd", "owner": host}}
        return {"disks": disks, "gateways": {host: {"active_luns": 1}}, "targets": {self.target: target}, "version": 11, "epoch": 1}


class Initiator:
    """While it lasts, it writes through one gateway, ten times a second, without changing anything."""

    def __init__(self, gateway: Gateway) -> None:
        self._way = IscsiTransport(gateway.portal, gateway.target, 0, "iqn.1998-01.com.vmware:esx1", None)
        self.replies: list[str] = []
        self._writing = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def __enter__(self) -> Initiator:
        self._way.connect(10)
        # As every initiator does. Only at this question does tcmu-runner look which access group it has; before, it takes writes without the lock (measured).
        self._way.execute(commands.inquiry(), 10)
        self._writing.set()
        self._thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_error: object) -> None:
        self._writing.clear()
        self._thread.join(30)
        self._way.close(5)

    def goes_on(self, writes: int = 5) -> None:
        """It writes still."""
        written = len(self.replies)
        wait_for(lambda: len(self.replies) > written + writes, 60, "the initiator's writes")

    def _write(self) -> None:
        """BUSY until the gateway has the lock, which the first write takes."""
        while self._writing.is_set():
            status = self._write_once()
            # The probe's own reservation, for some milliseconds, is one that initiators wait for.
            if status != replies.RESERVATION_CONFLICT and (self.replies or status == replies.GOOD):
                self.replies.append(replies.status_name(status))
            time.sleep(0.1)

    def _write_once(self) -> int:
        read = self._way.execute(commands.read(_LAST_BLOCK, 512), 30)
        if read.status != replies.GOOD:
            return read.status
        return self._way.execute(commands.compare_and_write(_LAST_BLOCK, read.data), 30).status

# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cases need inside the guest: our modules as processes, programs, and a real LIO LUN with two initiators."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGETS = Path("/sys/kernel/config/target")
INITIATORS = ("naa.5001405aaaaaaaa1", "naa.5001405aaaaaaaa2")
# The two pr_debug sites that name the initiator of a RESERVE and of a RELEASE.
LIO_SITES = [
    {"module": "target_core_mod", "func": "target_scsi2_reservation_reserve", "format": "SCSI-2 Reserved"},
    {"module": "target_core_mod", "func": "target_scsi2_reservation_release"},
]
_SERIAL = "8cb1bf32-0001-4000-8000-0123456789ab"


def run(*command: str, check: bool = True, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=seconds)


class Started:
    """A module in a process of its own, which reads its arguments and says its result as on a host.

    It is forked, for Python needs three seconds here to start and to import what Ansible gives a module.
    """

    def __init__(self, name: str, arguments: t.Mapping[str, t.Any]) -> None:
        self.name = name
        main = importlib.import_module(f"ansible_collections.cephops.iscsi_rescue.plugins.modules.{name}").main
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"ANSIBLE_MODULE_ARGS": arguments}, file)
        self._said, says = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _be_module(main, file.name, says)
        os.close(says)

    def result(self, seconds: float = 120) -> dict[str, t.Any]:
        """Also when it failed. Ansible waits, too, until no process is left that could say more."""
        said, end = b"", time.monotonic() + seconds
        while select.select([self._said], [], [], max(0.0, end - time.monotonic()))[0]:
            part = os.read(self._said, 65536)
            if not part:
                os.waitpid(self.pid, 0)
                break
            said += part
        os.close(self._said)
        try:
            return json.loads(said)  # type: ignore[no-any-return]
        except ValueError:
            raise AssertionError(f"{self.name} said no JSON, or did not end:\n{said.decode()}") from None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._said)


def _be_module(main: t.Callable[[], None], arguments: str, says: int) -> t.NoReturn:
    try:
        for stream in (1, 2):
            os.dup2(says, stream)
        os.close(says)
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
        sys.argv = [sys.argv[0], arguments]
        main()
    except SystemExit:
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(0)


def start_module(name: str, check_mode: bool = False, **options: t.Any) -> Started:
    return Started(name, {**options, "_ansible_check_mode": check_mode, "_ansible_diff": True})


def module(name: str, check_mode: bool = False, **options: t.Any) -> dict[str, t.Any]:
    return start_module(name, check_mode, **options).result()


def four_ways(name: str, **options: t.Any) -> list[dict[str, t.Any]]:
    """Check mode, real, again, check mode again."""
    return [module(name, check, **options) for check in (True, False, False, True)]


def wait_for(what: t.Callable[[], t.Any], seconds: float = 20, saying: str = "it", pause: float = 0.05) -> t.Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"{saying} did not come within {seconds} s")


class Backstore:
    """A device of LIO's core, which targets serve. ``kind``: such as iblock_0. ``control``: what it is made of."""

    def __init__(self, kind: str, name: str, control: str, serial: str) -> None:
        self.backstore = TARGETS / "core" / kind / name
        self.backstore.mkdir(parents=True)
        for attribute, value in {"control": control, "wwn/vpd_unit_serial": serial, "enable": "1"}.items():
            self._write(attribute, value)

    def _write(self, attribute: str, value: str) -> None:
        (self.backstore / attribute).write_text(value + "\n")


class Lun(Backstore):
    """One LIO LUN on ``backing``, seen by two tcm_loop initiators as two disks. ``vendor``: what it claims to be, LIO's own where empty."""

    def __init__(self, backing: str, name: str = "lun", vendor: str = "") -> None:
        # LIO writes there whenever a key is registered.
        Path("/var/target/pr").mkdir(parents=True, exist_ok=True)
        run("modprobe", "-a", "target_core_mod", "target_core_iblock", "tcm_loop", "sg", "sd_mod")
        super().__init__("iblock_0", name, f"udev_path={backing}", _SERIAL)
        if vendor:
            self._write("wwn/vendor_id", vendor)
        self.disks = [self._export(initiator) for initiator in INITIATORS]

    def export_by_iscsi(self, target: str, number: int, *portals: str, enabled: bool = True) -> None:
        """To any initiator, as LUN ``number``."""
        export_by_iscsi(self.backstore, target, number, portals)
        if not enabled:
            (TARGETS / "iscsi" / target / "tpgt_1/enable").write_text("0\n")

    def take_compare_and_write(self, on: bool) -> None:
        """Whether the LUN knows that command."""
        self._write("attrib/emulate_caw", str(int(on)))

    def holder(self) -> str:
        """The initiator that LIO names as the holder of a reservation; empty for none."""
        told = (self.backstore / "pr/res_holder").read_text()
        return told.partition("Initiator: ")[2].split(" ")[0].strip()

    def reserve(self, disk: str) -> int:
        """RESERVE(6) by another program than ours: its exit status."""
        return run("sg_raw", disk, "16", *["00"] * 5, check=False).returncode

    def release(self, disk: str) -> int:
        return run("sg_raw", disk, "17", *["00"] * 5, check=False).returncode

    def _export(self, initiator: str) -> str:
        group = TARGETS / "loopback" / initiator / "tpgt_1"
        (group / "lun/lun_0").mkdir(parents=True)
        (group / "nexus").write_text(initiator.replace("naa.5", "naa.6") + "\n")
        (group / "lun/lun_0/port").symlink_to(self.backstore)
        address = (group / "address").read_text().strip()
        block = Path(f"/sys/class/scsi_device/{address}:0/device/block")
        wait_for(block.is_dir, saying=str(block))
        return "/dev/" + next(block.iterdir()).name


def export_by_iscsi(backstore: Path, target: str, number: int, portals: t.Sequence[str], access: str = "") -> None:
    """A backstore for any initiator. ``access``: its ALUA group, '' for the default one."""
    run("modprobe", "iscsi_target_mod")
    group = TARGETS / "iscsi" / target / "tpgt_1"
    lun = group / f"lun/lun_{number}"
    lun.mkdir(parents=True)
    (lun / "port").symlink_to(backstore)
    if access:
        (lun / "alua_tg_pt_gp").write_text(f"{access}\n")
    for portal in portals:
        (group / "np" / portal).mkdir()
    settings = {"authentication": "0", "generate_node_acls": "1", "cache_dynamic_acls": "1", "demo_mode_write_protect": "0"}
    for name, value in settings.items():
        (group / "attrib" / name).write_text(f"{value}\n")
    (group / "enable").write_text("1\n")


class Suspendable:
    """A device-mapper device on ``disk``, whose I/O hangs while it is suspended."""

    def __init__(self, disk: str) -> None:
        run("modprobe", "dm_mod")
        size = run("blockdev", "--getsz", disk).stdout.strip()
        run("dmsetup", "create", "--noudevsync", "storage", "--table", f"0 {size} linear {disk} 0")
        self.path = "/dev/" + run("dmsetup", "info", "-c", "--noheadings", "-o", "blkdevname", "storage").stdout.strip()

    def suspend(self) -> None:
        run("dmsetup", "suspend", "--noflush", "--nolockfs", "--noudevsync", "storage")

    def resume(self) -> None:
        run("dmsetup", "resume", "--noudevsync", "storage")

    @contextlib.contextmanager
    def stuck(self, disk: str) -> t.Iterator[None]:
        """It hangs, and the queue of ``disk`` is full of writes to it."""
        self.suspend()
        with StuckWrites(disk):
            try:
                yield
            finally:
                self.resume()


class StuckWrites:
    """While it lasts, the queue of ``disk`` is full of writes to storage that hangs; they end when it no longer does."""

    def __init__(self, disk: str) -> None:
        self.disk = disk
        device = Path("/sys/class/block") / Path(disk).name / "device"
        (device / "queue_depth").write_text("4\n")
        # The kernel's own error handling is not what is tested.
        (device / "timeout").write_text("600\n")

    def __enter__(self) -> None:
        self.writes = [subprocess.Popen(self._write(block), stderr=subprocess.DEVNULL) for block in range(100, 106)]
        inflight = Path("/sys/class/block") / Path(self.disk).name / "inflight"
        wait_for(lambda: int(inflight.read_text().split()[1]) >= 4, saying="the full queue")

    def __exit__(self, kind: object, *_error: object) -> None:
        if kind is None:
            assert [write.wait(30) for write in self.writes] == [0] * len(self.writes)

    def _write(self, block: int) -> list[str]:
        return ["dd", "if=/dev/zero", f"of={self.disk}", "bs=4k", "count=1", f"seek={block}", "oflag=direct"]


def zero_disk(size_mib: int = 64) -> str:
    """A disk in memory."""
    run("modprobe", "brd", "rd_nr=1", f"rd_size={size_mib * 1024}")
    return "/dev/ram0"

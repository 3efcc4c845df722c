# Copyright (c) 2026, the cephops.iscsi_rescue authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots Debian's own kernel beside this one, in software, and runs a command on it: what needs SCSI, LIO or dynamic debug is tested there.

The guest sees this machine's files, and what it writes is gone when it ends.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import typing as t
from pathlib import Path

import outside

HERE = Path(__file__).parent
# For the SSH servers of the guests.
# Of the guests' SSH servers, below the ephemeral ones. Other runs might have guests on this machine, too.
_FIRST_PORT, _PORT_COUNT = 31300, 400
_PORTS = itertools.count(os.getpid())
# A guest ends with the process that started it, and at its deadline. In the foreground, timeout outlives it, so that nothing of it is left when boot goes on.
_UNTIL_KILLED = ("setpriv", "--pdeathsig", "TERM", "timeout", "--foreground", "--signal", "KILL")
# With what they need, enough to mount this machine's files.
_FIRST_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")


class Kernel(t.NamedTuple):
    version: str
    image: Path
    root: Path
    """Folder whose lib/modules belongs to it."""


class Ended(t.NamedTuple):
    status: int | None
    """None when it had to be killed at the deadline, or could not be set up."""
    output: str
    log: str


def kernel(cache: Path) -> Kernel:
    """Debian's present kernel for this release, fetched once and kept in ``cache``."""
    package = _newest_package()
    version = package.removeprefix("linux-image-")
    root = cache / version
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        _run("apt-get", "download", package, cwd=root)
        _run("dpkg", "-x", str(next(root.glob("*.deb"))), str(root))
        _run("depmod", "-b", str(root), version)
        next(root.glob("*.deb")).unlink()
        _pack_initramfs(root, version)
        (root / "ready").touch()
    return Kernel(version, root / f"boot/vmlinuz-{version}", root)


def boot(guest: Kernel, command: t.Sequence[str], seconds: int, memory_mib: int = 1536) -> Ended:
    """Runs ``command`` in a guest that is killed after ``seconds``, whatever hangs in it."""
    with tempfile.TemporaryDirectory(prefix="guest.", dir=guest.root) as name:
        share = Path(name)
        shutil.copy(HERE / "guest.sh", share)
        (share / "modules").write_text(str(guest.root / "lib/modules"))
        (share / "command").write_text(f"cd {shlex.quote(str(Path.cwd()))}\n{shlex.join(command)}\n")
        with (share / "qemu").open("w") as told:
            command = [*_UNTIL_KILLED, str(seconds), *_qemu(guest, share, memory_mib)]
            qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told)
        while not _ended(qemu, 0.5):
            outside.serve(share)
        log = "".join(_read(share / part) for part in ("qemu", "console"))
        status = _read(share / "status")
        return Ended(int(status) if status else None, _read(share / "output"), log)


def _free_port() -> int:
    for number in _PORTS:
        port = _FIRST_PORT + number % _PORT_COUNT
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


def _ended(qemu: subprocess.Popen[bytes], seconds: float) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        qemu.wait(seconds)
    return qemu.returncode is not None


def _newest_package() -> str:
    told = _run("apt-cache", "depends", "linux-image-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", told)
    if not found:
        _run("apt-get", "update")
        found = re.search(r"Depends: (linux-image-\S+)", _run("apt-cache", "depends", "linux-image-amd64"))
    if not found:
        raise SystemExit(f"apt does not say which package holds Debian's kernel:\n{told}")
    return found.group(1)


def _pack_initramfs(root: Path, version: str) -> None:
    """Busybox, the first modules in the order in which they load, and init."""
    tree = root / "initramfs.tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "modules").mkdir()
    shutil.copy("/bin/busybox", tree / "bin/busybox")
    (tree / "bin/sh").symlink_to("busybox")
    shutil.copy(HERE / "init.sh", tree / "init")
    (tree / "init").chmod(0o755)
    order: list[str] = []
    for module in _FIRST_MODULES:
        shown = _run("modprobe", "-d", str(root), "-S", version, "--show-depends", module)
        for path in re.findall(r"^insmod (\S+)", shown, re.MULTILINE):
            if Path(path).name not in order:
                order.append(Path(path).name)
                shutil.copy(path, tree / "modules")
    (tree / "modules/order").write_text("\n".join(order) + "\n")
    with (root / "initramfs").open("wb") as packed:
        files = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
        subprocess.run(["cpio", "--create", "--format=newc", "--quiet"], cwd=tree, input=files.encode(), stdout=packed, check=True)


def _qemu(guest: Kernel, share: Path, memory_mib: int) -> list[str]:
    shares = {"machine": ("/", ",readonly=on"), "share": (str(share), "")}
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1", "-m", f"{memory_mib}M", "-machine", "q35"]
    command += ["-nodefaults", "-no-reboot", "-display", "none", "-serial", f"file:{share}/console"]
    command += ["-kernel", str(guest.image), "-initrd", str(guest.root / "initramfs"), "-append", "console=ttyS0 quiet panic=-1"]
    command += outside.options(share, _free_port())
    for tag, (path, options) in shares.items():
        command += ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap{options}"]
        command += ["-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
    return command


def _run(*command: str, cwd: Path | None = None) -> str:
    return subprocess.run(command, check=True, cwd=cwd, capture_output=True, text=True).stdout


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""

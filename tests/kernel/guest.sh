#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs /run/guest/command in the guest, leaves its output and status in the share, and switches the guest off.
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
mkdir -p /lib/modules
mount --bind "$(cat /run/guest/modules)" /lib/modules
mount -t debugfs debugfs /sys/kernel/debug
modprobe configfs
mount -t configfs configfs /sys/kernel/config
ip link set lo up
# By which outside.py reaches the guest: qemu's own address for it.
modprobe virtio_net
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
hostname guest
# From here on the serial console has the kernel's log, also when the guest has to be killed.
dmesg -n 7
set +e
bash /run/guest/command > /run/guest/output 2>&1 < /dev/null
echo $? > /run/guest/status
sync
# A shutdown that waits for processes would never end: some of them hang in the kernel by design of the test.
echo o > /proc/sysrq-trigger
sleep 60

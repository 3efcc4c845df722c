#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# First program of the guest: this machine's files, read-only over 9p, below a layer in memory that takes what is written.
/bin/busybox mkdir -p /proc /sys /lower /layer /root
/bin/busybox mount -t proc proc /proc
while read -r module; do
  /bin/busybox insmod "/modules/$module" 2>/dev/null
done < /modules/order
options=trans=virtio,version=9p2000.L,msize=262144
/bin/busybox mount -t 9p -o "ro,cache=loose,$options" machine /lower
/bin/busybox mount -t tmpfs -o size=75% tmpfs /layer
/bin/busybox mkdir /layer/upper /layer/work
/bin/busybox mount -t overlay -o lowerdir=/lower,upperdir=/layer/upper,workdir=/layer/work overlay /root
/bin/busybox mkdir -p /root/run/guest
/bin/busybox mount -t tmpfs tmpfs /root/run
/bin/busybox mkdir /root/run/guest
/bin/busybox mount -t 9p -o "$options" share /root/run/guest
exec /bin/busybox switch_root /root /bin/bash /run/guest/guest.sh

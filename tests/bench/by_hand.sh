#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What an operator types once the client to fence is known. Decides nothing: no notify, no blast radius, no deadline, no record of what it did.
# usage: by_hand.sh CONF IMAGE ADDRESS ISCSI_URL
set -euo pipefail
export CEPH_CONF=$1
image=$2 address=$3 url=$4

ceph osd blocklist ls
rbd status "rbd/$image"
header=rbd_header.$(rbd info --format json "rbd/$image" | sed 's/.*"id":"\([^"]*\)".*/\1/')
rados --pool rbd listwatchers "$header"
ceph tell mon.a sessions >/dev/null
rbd status "rbd/$image"
ceph osd blocklist add "$address" 3600
while rados --pool rbd listwatchers "$header" | grep --fixed-strings "$address"; do sleep 0.1; done
iscsi-inq "$url"
iscsi-test-cu --test=SCSI.Reserve6.Simple "$url"
iscsi-test-cu --test=SCSI.Read10.Simple "$url"
rbd status "rbd/$image"
ceph tell mon.a sessions >/dev/null
ceph osd blocklist rm "$address"
ceph osd blocklist ls
rbd status "rbd/$image"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a user of Galaxy gets: the artifact, built, installed into an empty place, and run by its full name.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/$1
lab=/var/tmp/iscsi_rescue_artifact
here=(--extra-vars "incident_lab_dir=$lab incident_lab_port=25300")
export ANSIBLE_COLLECTIONS_PATH=$place/collections ANSIBLE_CONFIG=

ansible --version | sed -n 1p
rm -rf "$place"
mkdir -p "$place"
ansible-galaxy collection build --output-path "$place"
ansible-galaxy collection install --offline --collections-path "$place/collections" "$place"/cephops-iscsi_rescue-*.tar.gz

stray=$(tar -tzf "$place"/cephops-iscsi_rescue-*.tar.gz | grep -E '(^|/)(\.|ansible\.cfg|pyproject\.toml|__pycache__)' || true)
[ -z "$stray" ] || { echo "The artifact holds what is not the collection's: $stray"; exit 1; }

cd "$place"
trap 'ansible-playbook cephops.iscsi_rescue.lab_down "${here[@]}"' EXIT
ansible-playbook cephops.iscsi_rescue.lab_up "${here[@]}"
ansible-playbook cephops.iscsi_rescue.lab_inject "${here[@]}"
ansible-playbook cephops.iscsi_rescue.remediate_watchers --inventory "$lab/inventory.yml" | tee run.log
grep -q 'healed, ' run.log
ansible-playbook cephops.iscsi_rescue.remediate_watchers --inventory "$lab/inventory.yml" | tee again.log
grep -q 'nothing_to_do, ' again.log
grep -q 'changed=0' again.log
ansible-doc --type module cephops.iscsi_rescue.osd_blocklist cephops.iscsi_rescue.rbd_watchers >/dev/null
ansible-doc --type role cephops.iscsi_rescue.remediate_watchers cephops.iscsi_rescue.incident_lab >/dev/null
ansible-doc --type filter cephops.iscsi_rescue.remediation_summary >/dev/null
echo "The installed artifact heals."

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a user of Galaxy gets: the artifact, built, installed into an empty place, its documentation shown, and the demo run from there.
# usage: artifact.sh PLACE, with the Ansible to do it with in PATH
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "$1"
place=$(cd "$1" && pwd)
export ANSIBLE_COLLECTIONS_PATH=$place/collections ANSIBLE_CONFIG=

ansible --version | sed -n 1p
rm -rf "$place"/collections "$place"/*.tar.gz
ansible-galaxy collection build --output-path "$place"
ansible-galaxy collection install --offline --collections-path "$place/collections" "$place"/cephops-iscsi_rescue-*.tar.gz

stray=$(tar -tzf "$place"/cephops-iscsi_rescue-*.tar.gz | grep -E '(^|/)(\.|ansible\.cfg|pyproject\.toml|__pycache__|tests/output)' || true)
[ -z "$stray" ] || { echo "The artifact holds what is not the collection's: $stray"; exit 1; }

for kind in module filter role; do
  names=$(ansible-doc --type "$kind" --list --json cephops.iscsi_rescue | python3 -c 'import json, sys; print(*json.load(sys.stdin))')
  # shellcheck disable=SC2086
  ansible-doc --type "$kind" $names >"$place/$kind.txt"
  echo "documented: $(wc -w <<<"$names") ${kind}s"
done
for other in osd_blocklist rbd_watchers_info lun_map_info kernel_log_info; do ansible-doc --type module "cephops.iscsi_rescue.$other" >/dev/null; done

cd "$place/collections/ansible_collections/cephops/iscsi_rescue"
tests/demo.sh /var/tmp/iscsi_rescue_artifact 19500 "$place/reports"
echo "The installed artifact heals."

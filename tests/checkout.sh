#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The checkout as a project of AWX, ansible-navigator or Semaphore: its playbooks, with its ansible.cfg, and the collection installed elsewhere.
# usage: checkout.sh PLACE, with the Ansible to do it with in PATH
set -euo pipefail
cd "$(dirname "$0")/.."

tests/copy.sh "$1" checkout
place=$(cd "$1" && pwd)
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH
export HOME=$place/home
mkdir "$HOME"

# From outside: within a checkout Ansible would install below it.
ansible-galaxy collection build --output-path "$place" "$place/checkout"
(cd "$place" && ansible-galaxy collection install --offline cephops-iscsi_rescue-*.tar.gz)
echo '{"all": {"children": {"ceph_admin": {"hosts": {"localhost": {"ansible_connection": "local"}}}}}}' >"$place/inventory.json"

works() {
  # awx_setup.yml needs the collection awx.awx, too; make test-awx runs it.
  find playbooks -maxdepth 1 -name '*.yml' ! -name awx_setup.yml -print0 | xargs -0 ansible-playbook --inventory "$place/inventory.json" --syntax-check >/dev/null
  said=$(ansible-playbook --inventory "$place/inventory.json" -vvvv playbooks/remediate_watchers.yml --extra-vars remediate_watchers_imagee=x || true)
  grep -q 'did you mean remediate_watchers_images?' <<<"$said" || { echo "$said"; exit 1; }
  grep -q "Loading collection cephops.iscsi_rescue from $1/" <<<"$said" || { echo "The collection was not taken from $1: $said"; exit 1; }
  echo "The playbooks of a checkout run with the collection in $1."
}

cd "$place/checkout"
works "$HOME/.ansible/collections"
mv "$HOME/.ansible/collections" "$place/elsewhere"
ANSIBLE_COLLECTIONS_PATH=$place/elsewhere works "$place/elsewhere"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What docs/pipeline.md prints for a project of one's own, typed there, with the collection installed from its artifact; and that it touches no other lab.
# usage: pipeline.sh PLACE, with the Ansible and molecule to do it with in PATH
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf "$1"
mkdir -p "$1/home" "$1/project"
place=$(cd "$1" && pwd)
unset ANSIBLE_CONFIG ANSIBLE_COLLECTIONS_PATH
export HOME=$place/home

ansible-galaxy collection build --output-path "$place"
(cd "$place" && ansible-galaxy collection install --offline cephops-iscsi_rescue-*.tar.gz)
# All but the venv, since that is what PATH has.
awk '/^[^ ][^ ][^ ]sh$/ {code = 1; next} /^[^ ][^ ][^ ]$/ {code = 0} code' docs/pipeline.md | grep -v -e '^python3 -m venv' -e '^pip install' >"$place/printed.sh"
grep -q '^molecule test$' "$place/printed.sh"

cd "$place/project"
git init --quiet
bash -euxo pipefail "$place/printed.sh"
echo "The scenario works in a project of its own."

# Without its inventory, the lab would be the default one, which a user might have up.
mv molecule/inventory elsewhere
if molecule create >"$place/create.log" 2>&1 || molecule destroy >"$place/destroy.log" 2>&1; then
  echo "Without its inventory the scenario goes on."; exit 1
fi
grep -q 'The inventory of this scenario was not read' "$place/create.log" "$place/destroy.log"
echo "Without its inventory it ends before it touches a lab."

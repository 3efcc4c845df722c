#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a command beside a lab of its own, which is started before and removed after.
# usage: with_lab.sh DIRECTORY PORT [-e NAME=VALUE ...] -- COMMAND...
# The exit status is that of the command. When the command fails, its lab stays for a look; the next run removes it.
# The output of the lab's own playbooks is printed only when one of them fails.
set -euo pipefail
cd "$(dirname "$0")/.."

lab=$1 port=$2
shift 2
settings=(-e "incident_lab_dir=$lab" -e "incident_lab_port=$port")
while [ "$1" != -- ]; do
  settings+=("$1")
  shift
done
shift
mkdir -p .build/logs
log=.build/logs/$(basename "$lab").lab

quietly() { ansible-playbook "$1" "${settings[@]}" >"$log" 2>&1 || { cat "$log" && exit 1; }; }

quietly playbooks/lab_down.yml
quietly playbooks/lab_up.yml
status=0
"$@" || status=$?
if [ "$status" -eq 0 ]; then
  quietly playbooks/lab_down.yml
else
  echo "The lab stays for a look: $lab"
fi
exit "$status"

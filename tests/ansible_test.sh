#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs ansible-test on a copy of this checkout.
# usage: ansible_test.sh sanity|units|integration [OPTION...], with the Ansible to do it with in PATH.
# ansible-test needs the files themselves at ansible_collections/NAMESPACE/NAME, asks git which they are, and takes the Pythons of the system.
set -euo pipefail
cd "$(dirname "$0")/.."

place=$PWD/.build/$1 path=ansible_collections/cephops/iscsi_rescue
home=$PWD/.build/home pip_shim=$PWD/tests/get_pip.py
bin=$(dirname "$(command -v ansible-test)")

# The sanity tests make venvs, with a pip that ansible-test keeps in the home directory; pip still finds its settings.
use_home_of_build() {
  local shims=$home/.ansible/test/cache versions version
  versions=$(sed -n "s/^ *pip='\([0-9.]*\)',/\1/p" "$bin"/../lib/python*/site-packages/ansible_test/_internal/python_requirements.py)
  mkdir -p "$shims"
  for version in $versions; do cp "$pip_shim" "$shims/get_pip_${version//./_}.py"; done
  export XDG_CONFIG_HOME=${XDG_CONFIG_HOME:-$HOME/.config} HOME=$home
}

tests/copy.sh "$place" "$path"
cd "$place/$path"
git init --quiet
git add --all
[ "$1" != sanity ] || use_home_of_build
export ANSIBLE_COLLECTIONS_PATH=$place ANSIBLE_CONFIG='' PIP_QUIET=1 PATH=$bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
exec ansible-test "$@"

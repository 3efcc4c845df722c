#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs those of Debian's packages that are missing, without starting the daemons that they bring; reads apt's lists once an hour at most.
# usage: packages.sh PACKAGE...
set -euo pipefail
cd "$(dirname "$0")/.."

# dpkg-query fails when it does not know one of them.
installed=$({ dpkg-query --show --showformat '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^installed //p')
mapfile -t missing < <(printf '%s\n' "$@" | grep --line-regexp --fixed-strings --invert-match "${installed:-none}")
[ ${#missing[@]} -gt 0 ] || exit 0

mkdir -p .build
[ -n "$(find .build/apt-updated -mmin -60 2>/dev/null)" ] || { apt-get update && touch .build/apt-updated; }
policy=/usr/sbin/policy-rc.d
[ -e "$policy" ] || { printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && trap 'rm -f "$policy"' EXIT; }
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}"

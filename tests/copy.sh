#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes PLACE anew, with the files of this checkout that git knows or does not ignore, below PLACE/PATH.
# usage: copy.sh PLACE PATH
set -euo pipefail
cd "$(dirname "$0")/.."

rm -rf "$1"
mkdir -p "$1/$2"
git ls-files -z --cached --others --exclude-standard | xargs -0 ls -d 2>/dev/null | tar -c --files-from - | tar -x -C "$1/$2"

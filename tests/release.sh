#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Whether what is committed can be released as VERSION: the version, its changelog, and nothing that is not committed.
# usage: release.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:-}
refuse() { echo "Not to be released as '$version': $*" >&2; exit 1; }

[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-rc\.[0-9]+)?$ ]] || refuse "give a version of three numbers, as in make release VERSION=1.2.3, or a candidate such as 1.2.3-rc.1."
[ -z "$(git status --porcelain)" ] || refuse "commit or remove first what git status shows."
grep -qx "version: $version" galaxy.yml || refuse "galaxy.yml has another version; make changelog VERSION=$version sets it."
! compgen -G 'changelogs/fragments/*.yml' >/dev/null || refuse "changelogs/fragments has news that no release has; make changelog VERSION=$version takes them in."
antsibull-changelog lint
antsibull-changelog generate --output .build/CHANGELOG.rst
cmp --silent .build/CHANGELOG.rst CHANGELOG.rst || refuse "CHANGELOG.rst is not what changelogs/changelog.yaml says; antsibull-changelog generate writes it."
grep -qx "v$version" CHANGELOG.rst || refuse "CHANGELOG.rst does not speak of it; make changelog VERSION=$version writes that."

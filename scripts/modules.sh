#!/usr/bin/env bash
# Runs a command in the directory of every Go module of this repository, the root first; fails if any of them fails.
#
# Usage: scripts/modules.sh COMMAND...
set -euo pipefail

[ $# -gt 0 ] || { echo "usage: scripts/modules.sh COMMAND..." >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The race detector and the parsers of tests/differential need a C compiler.
command -v "$(go env CC)" >/dev/null || scripts/apt-install.sh gcc libc6-dev

# The go command refuses a module that go.work does not list, unless it is told to look at no workspace.
workspace=$(go list -m -f '{{.Dir}}')

failed=()
while read -r file; do
	module=$(dirname "$file")
	echo "== $module: $*" >&2
	if grep -qxF "$(realpath "$module")" <<<"$workspace"; then
		(cd "$module" && "$@") || failed+=("$module")
	else
		(cd "$module" && GOWORK=off "$@") || failed+=("$module")
	fi
done < <(find . -name go.mod -not -path './.*' -not -path '*/testdata/*' | awk -F/ '{ print NF, $0 }' | sort -k1,1n -k2 | cut -d' ' -f2)

if [ ${#failed[@]} -gt 0 ]; then
	echo "FAILED in: ${failed[*]} ($*)" >&2
	exit 1
fi

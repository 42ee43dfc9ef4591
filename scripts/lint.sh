#!/usr/bin/env bash
# Runs golangci-lint (.golangci.yml) in every module. The pinned version is built once and kept in the user's cache directory.
#
# Usage: scripts/lint.sh [GOLANGCI-LINT RUN FLAGS...]
set -euo pipefail

version=2.15.0

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kept=${XDG_CACHE_HOME:-$HOME/.cache}/pooled-tests/golangci-lint-$version

linter=
for candidate in "$kept/golangci-lint" "$(command -v golangci-lint || true)" "$(go env GOPATH)/bin/golangci-lint"; do
	if [ -x "$candidate" ] && [ "$("$candidate" version --short 2>/dev/null)" = "$version" ]; then
		linter=$candidate
		break
	fi
done
if [ -z "$linter" ]; then
	echo "lint: building golangci-lint $version, once" >&2
	mkdir -p "$kept"
	GOBIN=$kept GOFLAGS='' GOWORK=off go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$version"
	linter=$kept/golangci-lint
fi

exec "$here/modules.sh" "$linter" run --allow-parallel-runners --config "$(dirname "$here")/.golangci.yml" "$@" ./...

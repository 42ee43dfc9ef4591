#!/usr/bin/env bash
# Runs the tests of every module with the race detector. The servers must be there: "make test" starts them first.
#
# Usage: scripts/test.sh [GO TEST FLAGS...]
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/modules.sh" go test -race -timeout 12m "$@" ./...

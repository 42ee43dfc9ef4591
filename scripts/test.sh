#!/usr/bin/env bash
# Runs the tests of every module with the race detector. The servers, Prometheus and a C compiler must be there: "make test" sees to that.
#
# Usage: scripts/test.sh [GO TEST FLAGS...]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

output=$(mktemp)
trap 'rm -f "$output"' EXIT
"$here/modules.sh" go test -race -timeout 25m "$@" ./... 2>&1 | tee "$output" && exit

# Once more, by themselves: what the tests printed meanwhile stands between the failures and the end.
grep -E -A 20 '^ *--- FAIL|^panic:|^WARNING: DATA RACE|^fatal error:' "$output" | grep -vF '[mysql]' | cut -c1-400 | head -200
exit 1

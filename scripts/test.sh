#!/usr/bin/env bash
# Runs the tests of every module with the race detector. The servers must be there: "make test" starts them first.
#
# Usage: scripts/test.sh [GO TEST FLAGS...]
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$here/test-servers.sh" install prometheus # the tests of dashboards and examples start it
exec "$here/modules.sh" go test -race -timeout 25m "$@" ./...

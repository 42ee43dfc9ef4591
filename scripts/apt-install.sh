#!/usr/bin/env bash
# Installs Debian packages for tests without starting, or leaving enabled, any service that comes with them.
#
# Usage: scripts/apt-install.sh PACKAGE...
set -euo pipefail

die() {
	echo "apt-install: $*" >&2
	exit 1
}

[ $# -gt 0 ] || die "usage: scripts/apt-install.sh PACKAGE..."
command -v apt-get >/dev/null || die "these packages of Debian are missing, and there is no apt-get: $*
Install what is like them, or give servers of your own in the variables that CONTRIBUTING.md lists."

if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "these packages are missing, and only root can install them (there is no sudo): $*
Have root run: apt-get install --no-install-recommends $*
or give servers of your own in the variables that CONTRIBUTING.md lists."
	exec sudo -- "$0" "$@"
fi

# Two runs may find the same package missing; the second must wait, and then has nothing left to do.
exec 9>/tmp/pooled-apt-install.lock
flock 9

# Maintainer scripts ask policy-rc.d before they start a service; 101 forbids it. One that is already there is its owner's business.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

units() { # the names of the installed units
	find /lib/systemd/system -maxdepth 1 -name '*.service' -printf '%f\n' 2>/dev/null | sort
}

export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
before=$(units)
log=$(mktemp)
{
	apt-get update -qq &&
		apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
} >"$log" 2>&1 || {
	cat "$log" >&2
	die "could not install $*; what apt-get said is above, its log is $log"
}
rm -f "$log"

# A new service must not come up at the next boot either.
if [ -d /run/systemd/system ]; then
	comm -13 <(echo "$before") <(units) | xargs -r systemctl --quiet disable >&2 || true
fi

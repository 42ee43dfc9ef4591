#!/usr/bin/env bash
# Tests what the scripts for the test servers say and do where servers are given, or cannot be installed. It installs and starts nothing.
# shellcheck disable=SC2016 # what other shells expand
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

names="POSTGRES POSTGRES18 MARIADB MYSQL PGBOUNCER PGBOUNCER_CURRENT"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

fail() {
	echo "scripts_test: $*" >&2
	failures=$((failures + 1))
}

# bare PROGRAM...: a PATH with these programs of the machine and no others, to which a test adds its own.
bare() {
	rm -rf "${work:?}/bin"
	mkdir "$work/bin"
	local program
	for program in "$@"; do ln -s "$(command -v "$program")" "$work/bin/$program"; done
}

fake() { # fake NAME TEXT: a program that prints the text
	rm -f "$work/bin/$1" # it may be a link: what it leads to is the machine's
	printf '#!/bin/sh\necho "%s"\n' "$2" >"$work/bin/$1"
	chmod 755 "$work/bin/$1"
}

given() { # given COMMAND...: with all servers given
	local name assignments=()
	for name in $names; do assignments+=("POOLED_TEST_$name=given"); done
	env -i HOME="$work" PATH="$work/bin" "${assignments[@]}" "$@"
}

none() { env -i HOME="$work" PATH="$work/bin" "$@"; }

# Where all servers are given, a command runs as it is: on any system, and with nothing but bash.
bare bash dirname env
fake uname "Darwin arm64"
[ "$(given scripts/test-servers.sh run bash -c 'echo "it ran with $POOLED_TEST_MYSQL"' 2>&1)" = "it ran with given" ] || fail "a command does not run with servers that are given"
status=0
given scripts/test-servers.sh run bash -c 'exit 7' || status=$?
[ "$status" = 7 ] || fail "the command's status is $status, and not 7"
[ ! -e "$work/.cache" ] || fail "something was fetched"

# So is what else the tests need, if it is there.
bare bash dirname env
fake uname "Darwin arm64"
for program in prometheus promtool cc; do fake "$program" ""; done
fake go "cc"
given scripts/test-servers.sh install servers prometheus compiler || fail "what is there is not found"

# On a system where servers cannot be started, one message says all that is missing.
said=$(none scripts/test-servers.sh run true 2>&1) && fail "servers are started on a Mac"
for name in $names; do [[ $said == *" POOLED_TEST_$name"* ]] || fail "not told to set POOLED_TEST_$name: $said"; done
[[ $said == *prometheus* && $said == *"a C compiler"* && $said == *"run them in a container"* ]] || fail "not told what else is needed: $said"

# Who is not root is told all packages at once, and that there is another way. Nobody is asked for a password.
bare bash dirname env tr cat mkdir sort tail grep mktemp
fake uname "Linux aarch64"
fake id 1000
fake apt-get ""
fake go missing-cc
said=$(none scripts/test-servers.sh install servers prometheus compiler 2>&1) && fail "somebody who is not root installs packages: $said"
for package in prometheus gcc libc6-dev npm; do # servers may be in /usr/sbin, where the script looks too
	[[ $said == *"apt-get install --no-install-recommends"*" $package"* ]] || fail "not told to install $package: $said"
done
[[ $said == *CONTRIBUTING.md* ]] || fail "not told of another way: $said"

# What is fetched is that of the machine.
for machine in "x86_64 linux-x64 amd64" "aarch64 linux-arm64 arm64"; do
	read -r name npm architecture <<<"$machine"
	bare bash dirname env sed
	fake uname "$name"
	said=$(none bash -c 'eval "$(sed -n "/^pg18_version/,/^esac/p" scripts/test-servers.sh)"; echo "$pg18_package"')
	[[ $said == *"$npm" ]] || fail "$name fetches $said"
	grep -q "\"Linux $name\") architecture=$architecture " scripts/debian-unstable.sh || fail "$name has no packages of Debian's unstable suite"
done

[ "$failures" = 0 ] || exit 1
echo "scripts_test: all is well"

#!/usr/bin/env bash
# Extracts packages of Debian's unstable suite, and the libraries that they need, into a new directory, and prints the version of the first
# package: current servers on a stable machine, whose own packages stay as they are. It needs no root.
#
# apt-get works with lists, a cache and a status of its own, and checks what it fetches against Debian's signature as always.
# The programs do not run by themselves, as they need the C library that they were built for: DIR/run usr/sbin/NAME ARGUMENTS...
#
# Usage: scripts/debian-unstable.sh DIR PACKAGE...
set -euo pipefail

die() {
	echo "debian-unstable: $*" >&2
	exit 1
}

[ $# -gt 1 ] || die "usage: scripts/debian-unstable.sh DIR PACKAGE..."
to=$1
shift
case $(uname -sm) in
"Linux x86_64") architecture=amd64 triplet=x86_64-linux-gnu loader=ld-linux-x86-64.so.2 ;;
"Linux aarch64") architecture=arm64 triplet=aarch64-linux-gnu loader=ld-linux-aarch64.so.1 ;;
*) die "packages are fetched for Linux on x86-64 and arm64 only: $*" ;;
esac
command -v apt-get >/dev/null || die "no apt-get here to fetch: $*"

libraries=usr/lib/$triplet
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || "$(dirname "${BASH_SOURCE[0]}")/apt-install.sh" debian-archive-keyring

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/packages" "$to"
: >"$work/status"
echo "deb [arch=$architecture signed-by=$keyring] http://deb.debian.org/debian unstable main" >"$work/sources.list"

apt() { # apt COMMAND...: apt-get that knows nothing of this machine's packages
	# Root's temporary directory is no place for apt's own user; what is fetched is verified all the same.
	apt-get -qq -o Dir::State="$work" -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
		-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::Etc::preferences=- -o Dir::Etc::preferencesparts=- \
		-o APT::Architecture=$architecture -o APT::Architectures=$architecture -o APT::Install-Recommends=false -o APT::Sandbox::User=root \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@" 2>>"$work/log"
}

fetch() {
	apt update >>"$work/log"
	# Of what an installation would bring, a program needs the packages of libraries. That leaves out Perl and systemd.
	apt --simulate install "$@" | sed -n 's/^Inst \([^ ]*\) (\([^ ]*\) .*/\1 \2/p' >"$work/resolved"
	local name version wanted=()
	while read -r name version; do
		if [[ $name == lib* || " $* " == *" $name "* ]]; then wanted+=("$name=$version"); fi
	done <"$work/resolved"
	(cd "$work/packages" && apt download "${wanted[@]}" >>"$work/log")
}

extract() {
	local package name
	for package in "$work"/packages/*.deb; do
		name=$(dpkg-deb --field "$package" Package)
		if [[ " $* " == *" $name "* ]]; then
			dpkg-deb --extract "$package" "$to"
		else
			dpkg-deb --extract "$package" "$work/libraries"
		fi
	done
	mkdir -p "$to/$libraries"
	cp -a "$work/libraries/$libraries"/*.so* "$to/$libraries"
	cat >"$to/run" <<-RUN
		#!/bin/sh
		# Runs a program of this directory, named from here, with the libraries of this directory.
		here=\$(cd "\$(dirname "\$0")" && pwd) || exit
		program=\$here/\$1
		shift
		exec "\$here/$libraries/$loader" --library-path "\$here/$libraries" "\$program" "\$@"
	RUN
	chmod 755 "$to/run"
	chmod -R a+rX "$to"
}

for step in fetch extract; do
	"$step" "$@" &
	# In the background, because bash ignores set -e in a command that || follows.
	wait $! || {
		cat "$work/log" >&2
		die "could not $step $*"
	}
done
sed -n "s/^$1 //p" "$work/resolved"

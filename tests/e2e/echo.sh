#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The examples echo and hello_echo do what their usage and the README say: bytes and
# datagrams come back, bad options are told, SIGTERM ends them well.  With the
# backend in SEDAK_BACKEND (epoll if unset); echo-seda.sh has the device.
set -u
SEDA_TOP=${SEDA_TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
# A network of our own: hello_echo has one port only.
if [ -z "${SEDA_OWN_NETWORK-}" ] && unshare -n true 2>/dev/null; then
	SEDA_OWN_NETWORK=1 exec unshare -n "$0"
fi
[ -z "${SEDA_OWN_NETWORK-}" ] || ip link set lo up
# shellcheck source=tests/lib/tap.sh
. "$SEDA_TOP/tests/lib/tap.sh"
export SEDAK_BACKEND=${SEDAK_BACKEND:-epoll}
bin=$SEDA_TOP/build/bin
client=$SEDA_TOP/tests/lib/echo-client
server=
port=

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$server" ] || kill -KILL "$server" 2>/dev/null
	rm -rf "$tap_dir"
}
trap cleanup EXIT

# start PROGRAM OPTION...: it runs, with its output in $tap_dir/out.
start() {
	: >"$tap_dir/out"
	"$bin/$1" "${@:2}" >"$tap_dir/out" 2>"$tap_dir/err" &
	server=$!
}

# start_echo OPTION...: echo, at a $port that the system chose.
start_echo() {
	start echo --port 0 "$@"
	until port=$(sed -n 's/^echo: port \([0-9]*\), .*/\1/p' "$tap_dir/out") &&
		[ -n "$port" ]; do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.1
	done
}

# stop SIGNAL: sets $stopped to the server's status.
stop() {
	kill -"$1" "$server"
	wait "$server"
	stopped=$?
	server=
	sed 's/^/# server: /' "$tap_dir/err"
}

threads() {
	find "/proc/$server/task" -mindepth 1 -maxdepth 1 | wc -l
}

# fails STATUS MESSAGE OPTION...: echo says so, and only so, and ends.
fails() {
	timeout 60 "$bin/echo" "${@:3}" >"$tap_dir/failed.out" 2>"$tap_dir/failed.err"
	is "echo ${*:3}: status $1" $? "$1"
	check "and it says why: $2" grep -qF -- "$2" "$tap_dir/failed.err"
	is "not on its output" "$(cat "$tap_dir/failed.out")" ''
}

fails 2 '65536: not a number up to 65535' --port 65536
fails 2 '-1: not a number up to 65535' --port -1
fails 2 '7x: not a number up to 65535' --port 7x
fails 2 ': not a number up to 65535' --port ''
fails 2 '1025: not a number up to 1024' --workers 1025
fails 2 'kqueue: not seda or epoll' --backend kqueue
fails 2 "unrecognized option '--tcp'" --tcp
fails 2 "option '--host' requires an argument" --host
fails 2 'usage: echo' 7777
fails 1 'Invalid argument' --port 0 --host localhost

is "--help" "$("$bin/echo" --help 2>&1 | head -n 1; echo "${PIPESTATUS[0]}")" \
	"usage: echo [OPTION]...
0"
options=$(grep -o '{ "[a-z]*", ' "$SEDA_TOP/tools/examples/echo.c" | tr -dc 'a-z\n')
check "it has each option" sh -c \
	'for o in $2; do "$1" --help | grep -q -- "--$o\>" || exit; done' - \
	"$bin/echo" "${options:-none}"
version=$(sed -n 's/^VERSION := //p' "$SEDA_TOP/Makefile")
is "--version" "$("$bin/echo" --version 2>&1; echo $?)" "echo (libsedak $version)
0"

hosts=127.0.0.1
if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
	hosts+=' ::1'
else
	skip "no IPv6 here"
fi
for workers in 1 2 5; do
	start_echo --udp --workers "$workers"
	is "$workers workers: the backend" "$(sed 's/.*, //' "$tap_dir/out")" \
		"backend $SEDAK_BACKEND"
	[ "$workers" != 1 ] || others=$(($(threads) - 1))
	is "$workers workers: its threads" $(($(threads) - others)) "$workers"
	for host in $hosts; do
		check "$workers workers, $host: TCP" "$client" "$host" "$port" tcp
		check "$workers workers, $host: many clients" "$client" "$host" "$port" many
		check "$workers workers, $host: UDP" "$client" "$host" "$port" udp
	done
	check "$workers workers: one that does not read" "$client" 127.0.0.1 "$port" slow
	stop TERM
	is "$workers workers: SIGTERM ends it with 0" "$stopped" 0
	check "$workers workers: nobody is there then" \
		"$client" 127.0.0.1 "$port" nobody
done

start_echo --host 127.0.0.1
check "--host: TCP at that address" "$client" 127.0.0.1 "$port" tcp
case $hosts in
*::1*) check "at no other" "$client" ::1 "$port" nobody ;;
esac
check "UDP only with --udp" "$client" 127.0.0.1 "$port" no-udp
fails 1 'Address already in use' --port "$port" --host 127.0.0.1
stop INT
is "SIGINT ends it with 0" "$stopped" 0

start_echo
"$client" 127.0.0.1 "$port" last >"$tap_dir/client" 2>&1 &
waiting=$!
until [ -s "$tap_dir/client" ]; do
	sleep 0.1
done
stop TERM
wait $waiting
is "SIGTERM ends a client, too, orderly" "$? $stopped $(cat "$tap_dir/client")" "0 0 ready"

port=$(free_port)
start echo --quiet --port "$port"
until "$client" 127.0.0.1 "$port" tcp 2>/dev/null; do
	kill -0 "$server" || break
	sleep 0.1
done
is "--port and --quiet: it serves there and says nothing" "$(cat "$tap_dir/out")" ''
stop TERM
is "and ends with 0" "$stopped" 0

if "$client" 127.0.0.1 7777 nobody 2>/dev/null; then
	start hello_echo
	until "$client" 127.0.0.1 7777 tcp 2>"$tap_dir/client"; do
		kill -0 "$server" || break
		sleep 0.1
	done
	is "hello_echo: TCP" "$(cat "$tap_dir/client")" ''
	for host in $hosts; do
		check "hello_echo: many clients, $host" "$client" "$host" 7777 many
	done
	stop TERM
	is "hello_echo: SIGTERM ends it with 0" "$stopped" 0
	is "hello_echo: it says where it is" "$(cat "$tap_dir/out")" \
		"echo on port 7777, backend $SEDAK_BACKEND"
else
	skip "hello_echo: somebody has port 7777"
fi
finish

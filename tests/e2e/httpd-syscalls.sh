#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# On /dev/seda a server makes no epoll, accept, receive or send call while it
# serves, and the kernel's count of delivered events covers its requests: a
# silent fallback to epoll cannot pass.  On epoll, in the same place, the same look
# finds such calls, so the look sees.  As root with tracefs, which guests have.
set -u
# shellcheck source=tests/lib/httpd.sh
. "$(dirname "$0")/../lib/httpd.sh"
trace=/sys/kernel/tracing
if [ ! -w $trace/set_event_pid ] || [ ! -d $trace/events/syscalls/sys_enter_accept4 ]; then
	skip "no tracefs with system calls here"
	finish
fi
calls=(epoll_wait epoll_pwait epoll_pwait2 epoll_ctl poll ppoll select pselect6
	accept accept4 recvfrom recvmsg recvmmsg sendto sendmsg sendmmsg sendfile64)

echo home >"$root/index.html"
head -c 300K /dev/urandom >"$root/large"

# traced: the calls that the server makes while 200 requests are served.
traced() {
	local i call

	: >$trace/trace
	printf '%s\n' /proc/"$server"/task/* | sed 's,.*/,,' >$trace/set_event_pid
	for call in "${calls[@]}"; do
		if [ -e $trace/events/syscalls/sys_enter_"$call"/enable ]; then
			echo 1 >$trace/events/syscalls/sys_enter_"$call"/enable
		fi
	done
	for i in $(seq 100); do
		printf 'url = %s/?%s\noutput = /dev/null\n' "$url" "$i"
		printf 'url = %s/large?%s\noutput = /dev/null\n' "$url" "$i"
	done | curl -s -K -
	echo 0 >$trace/events/syscalls/enable
	grep -o 'sys_[a-z0-9_]*(' $trace/trace | sort | uniq -c
	: >$trace/set_event_pid
}

# look BACKEND: sets $found, and what the server says of itself.
look() {
	start_server --backend "$1"
	found=$(traced)
	is "the page says that the backend is $1" "$(stat_of backend)" "$1"
	delivered=$(stat_of kernel_delivered)
	served=$(stat_of requests.total)
	check "$1: 200 requests were served" test "$served" -ge 200
	while IFS= read -r line; do echo "# $line"; done <<<"$found"
	stop_server
}

if [ "$backend" = seda ]; then
	look seda
	is "no call of another interface is made" "$found" ''
	# one connection, one request at a time: an event for each
	check "the kernel delivered an event for each request" \
		test "$delivered" -ge "$served"
fi
look epoll
for call in epoll accept recv send; do
	check "epoll: calls of $call are seen" grep -q "sys_$call" <<<"$found"
done
finish

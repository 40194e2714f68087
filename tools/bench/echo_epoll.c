// SPDX-License-Identifier: GPL-2.0
/*
 * TCP echo by epoll, level-triggered, one thread: what most servers do.
 * Usage: echo_epoll --port N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/echo.h"

#define BATCH	64

static void accept_all(int ep, int l)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	for (;;) {
		fd = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0)
			return;
		ev.data.fd = fd;
		if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
			die("epoll_ctl");
	}
}

static void echo(int fd)
{
	static char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n > 0)
		n = send(fd, buf, n, MSG_NOSIGNAL);
	if (n == 0 || (n < 0 && errno != EAGAIN))
		close(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event ev = { .events = EPOLLIN }, evs[BATCH];
	int l = echo_listen(argc, argv), ep, n, i;

	ep = epoll_create1(EPOLL_CLOEXEC);
	ev.data.fd = l;
	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev))
		die("epoll");
	for (;;) {
		n = epoll_wait(ep, evs, BATCH, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++) {
			if (evs[i].data.fd == l)
				accept_all(ep, l);
			else
				echo(evs[i].data.fd);
		}
	}
}

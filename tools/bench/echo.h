/* SPDX-License-Identifier: GPL-2.0 */
/* What the echo servers of the benchmarks share. */
#ifndef BENCH_ECHO_H
#define BENCH_ECHO_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * A listening socket, non-blocking, at the port of "--port N".  The server
 * runs as SCHED_BATCH, so that a request does not preempt the client: the
 * better policy for every server measured here with many connections.
 */
static inline int echo_listen(int argc, char **argv)
{
	struct sched_param param = { 0 };
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_ANY),
	};
	int fd, one = 1;

	if (argc != 3 || strcmp(argv[1], "--port")) {
		fprintf(stderr, "usage: %s --port N\n", argv[0]);
		exit(2);
	}
	sin.sin_port = htons(atoi(argv[2]));
	if (sched_setscheduler(0, SCHED_BATCH, &param))
		die("sched_setscheduler");
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) || listen(fd, 4096))
		die("listen");
	return fd;
}

#endif /* BENCH_ECHO_H */

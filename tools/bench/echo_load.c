// SPDX-License-Identifier: GPL-2.0
/*
 * Echo load, closed loop: starts a server, keeps one message in flight on
 * each active connection, and prints what a request took.  Under
 * "tests/vm/run --icount" nanoseconds are instructions, of client and server
 * together and of the server alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/echo.h"

#define MAX_SIZE	65536
#define PORT		7777

static int active = 64, idle, size = 64;
static long requests = 20000, warmup = 2000;
static bool check_idle;
static int *fds;
static char out[MAX_SIZE], in[MAX_SIZE];

static uint64_t now(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		die("clock_gettime");
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* 127.0.0.1 has too few ports for all, so sources spread over 127/8. */
static int connect_nth(int n)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000001 + n / 10000),
	};
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)))
		die("bind");
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

static void send_one(int fd)
{
	if (send(fd, out, size, 0) != size)
		die("send");
}

static void receive_one(int fd)
{
	ssize_t n = recv(fd, in, size, MSG_WAITALL);

	if (n != size || memcmp(in, out, size)) {
		fprintf(stderr, "wrong echo: %zd of %d bytes\n", n, size);
		exit(1);
	}
}

/* n requests over the active connections. */
static void run(int ep, long n)
{
	struct epoll_event evs[64];
	long sent, done = 0;
	int i, got;

	for (sent = 0; sent < active && sent < n; sent++)
		send_one(fds[sent]);
	while (done < n) {
		got = epoll_wait(ep, evs, 64, -1);
		if (got < 0)
			die("epoll_wait");
		for (i = 0; i < got; i++, done++) {
			receive_one(evs[i].data.fd);
			if (sent < n) {
				send_one(evs[i].data.fd);
				sent++;
			}
		}
	}
}

static pid_t start(char **argv, int argc)
{
	char **args = calloc(argc + 3, sizeof(*args));
	char port[8];
	pid_t pid;
	int i;

	if (!args)
		die("start");
	snprintf(port, sizeof(port), "%d", PORT);
	for (i = 0; i < argc; i++)
		args[i] = argv[i];
	args[i++] = "--port";
	args[i++] = port;
	args[i] = NULL;
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		execvp(args[0], args);
		die(args[0]);
	}
	free(args);
	return pid;
}

static int connect_all(void)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC), i, tries = 500;

	fds = calloc(active + idle, sizeof(*fds));
	if (ep < 0 || !fds)
		die("connect");
	for (i = 0; i < active + idle; i++) {
		fds[i] = connect_nth(i);
		while (fds[i] < 0 && tries--) {
			nanosleep(&pause, NULL);
			fds[i] = connect_nth(i);
		}
		if (fds[i] < 0)
			die("connect");
		ev.data.fd = fds[i];
		if (i < active && epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev))
			die("epoll_ctl");
		/* the server accepts it before more come */
		send_one(fds[i]);
		receive_one(fds[i]);
	}
	return ep;
}

static void measure(const char *name, pid_t pid)
{
	uint64_t wall, cpu;
	clockid_t clock;
	int ep, i;

	ep = connect_all();
	if (clock_getcpuclockid(pid, &clock))
		die("clock_getcpuclockid");
	run(ep, warmup);
	wall = now(CLOCK_MONOTONIC);
	cpu = now(clock);
	run(ep, requests);
	cpu = now(clock) - cpu;
	wall = now(CLOCK_MONOTONIC) - wall;
	for (i = active; check_idle && i < active + idle; i++) {
		send_one(fds[i]);
		receive_one(fds[i]);
	}
	printf("%s active=%d idle=%d size=%d requests=%ld pair=%.1f server=%.1f\n",
	       name, active, idle, size, requests, (double)wall / requests,
	       (double)cpu / requests);
}

static void help(FILE *f)
{
	fprintf(f, "usage: echo_load [--active N] [--idle N] [--size BYTES]\n"
		"       [--requests N] [--warmup N] [--check-idle] -- SERVER [ARGUMENT]...\n"
		"Starts SERVER with \"--port N\" added; prints nanoseconds a request.\n");
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "active", required_argument, NULL, 'a' },
		{ "idle", required_argument, NULL, 'i' },
		{ "size", required_argument, NULL, 's' },
		{ "requests", required_argument, NULL, 'n' },
		{ "warmup", required_argument, NULL, 'w' },
		{ "check-idle", no_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct rlimit files = { 1 << 20, 1 << 20 };
	pid_t pid;
	int opt;

	while ((opt = getopt_long(argc, argv, "+h", options, NULL)) >= 0) {
		switch (opt) {
		case 'a':
			active = atoi(optarg);
			break;
		case 'i':
			idle = atoi(optarg);
			break;
		case 's':
			size = atoi(optarg);
			break;
		case 'n':
			requests = atol(optarg);
			break;
		case 'w':
			warmup = atol(optarg);
			break;
		case 'c':
			check_idle = true;
			break;
		case 'h':
			help(stdout);
			return 0;
		default:
			help(stderr);
			return 2;
		}
	}
	if (optind == argc || active < 1 || idle < 0 || size < 1 ||
	    size > MAX_SIZE || requests < 1) {
		help(stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	memset(out, 'x', sizeof(out));
	pid = start(argv + optind, argc - optind);
	measure(argv[optind], pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}

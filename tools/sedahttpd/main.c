// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sedahttpd - a static web server as a graph of stages; see sedahttpd(1)
 *
 * The main thread starts the server, waits for signals, and stops it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exchange.h"

/* Where a browser on this machine finds the server. */
static void print_url(const struct server *server)
{
	char host[INET6_ADDRSTRLEN] = "localhost";
	struct sockaddr_storage addr = { 0 };
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&addr;
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;
	socklen_t len = sizeof(addr);

	sedak_listener_addr(server->listener, (struct sockaddr *)&addr, &len);
	if (addr.ss_family == AF_INET && in->sin_addr.s_addr != INADDR_ANY)
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	else if (addr.ss_family == AF_INET6 &&
		 !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	printf(strchr(host, ':') ? "serving %s at http://[%s]:%u/" :
	       "serving %s at http://%s:%u/", server->o.root, host,
	       ntohs(in->sin_port));
	printf(" (backend %s)\n", sedak_rt_backend(server->rt));
	fflush(stdout);
}

/* All threads inherit the mask, so signals come to the main thread alone. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Returns when the server is to stop. */
static void wait_for_stop(struct server *server, const sigset_t *set)
{
	int sig;

	while (!sigwait(set, &sig)) {
		if (sig != SIGHUP)
			return;
		if (server->log)
			accesslog_reopen(server->log);
	}
}

/*
 * Responses under way get their time.  Then file threads that wait for a FIFO
 * are woken: the library would wait for them.
 */
static void stop(struct server *server)
{
	struct timespec pause = { 0, 1000000 };
	struct sedak_rt_stats st = { .size = sizeof(st) };

	if (sedak_rt_drain(server->rt, server->o.stop_timeout_ns) &&
	    !server->o.quiet && !sedak_rt_get_stats(server->rt, &st))
		fprintf(stderr,
			"sedahttpd: time is over, connections cut off: %llu\n",
			(unsigned long long)st.conns);
	atomic_store(&server->stopping, true);
	while (slow_sweep(server))
		nanosleep(&pause, NULL);
	sedak_rt_stop(server->rt);
}

int main(int argc, char **argv)
{
	static struct server server;
	sigset_t set;
	int status, err;

	status = options_parse(argc, argv, &server.o);
	if (status >= 0)
		return status;
	block_signals(&set);
	status = server_create(&server);
	if (!status) {
		err = sedak_rt_start(server.rt);
		if (err)
			fprintf(stderr, "sedahttpd: cannot start: %s\n",
				strerror(-err));
		status = err ? 1 : 0;
	}
	if (!status) {
		if (!server.o.quiet)
			print_url(&server);
		wait_for_stop(&server, &set);
		/* A second one ends the process at once. */
		sigdelset(&set, SIGHUP);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		stop(&server);
	}
	server_destroy(&server);
	return status;
}

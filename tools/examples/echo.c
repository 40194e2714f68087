// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * echo - TCP and UDP echo server on libsedak
 *
 * Sends back what it receives, in place: no byte is copied.  A client that does
 * not read is not read from, so nothing grows.
 */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sedak.h>

#define GRACE_NS	5000000000ull

static const char usage[] =
	"usage: echo [OPTION]...\n"
	"Echo server for TCP and UDP.\n"
	"\n"
	"  --port N              port of both (7777; 0: the system chooses)\n"
	"  --host ADDRESS        numeric address to listen on (any)\n"
	"  --backend seda|epoll  (/dev/seda where it can be had; SEDAK_BACKEND)\n"
	"  --workers N           threads (one for each CPU)\n"
	"  --udp                 UDP, too\n"
	"  --quiet               do not tell the address\n"
	"  --help, --version\n"
	"\n"
	"SIGTERM and SIGINT end it when its clients are gone, or after 5 s.\n";

struct config {
	const char *host;
	uint16_t port;
	unsigned int backend, workers;
	int udp, quiet;
};

static void handler(struct sedak_stage *stage, struct sedak_event *ev,
		    unsigned int n)
{
	unsigned int i;

	(void)stage;
	for (i = 0; i < n; i++) {
		switch (ev[i].type) {
		case SEDAK_EV_DATA:
			sedak_conn_send_event(ev[i].conn, &ev[i], 0, ev[i].len,
					      0);
			break;
		case SEDAK_EV_EOF:
		case SEDAK_EV_DRAIN:
			sedak_conn_close(ev[i].conn);
			break;
		case SEDAK_EV_DATAGRAM:
			sedak_udp_send_event(ev[i].udp, &ev[i], ev[i].len);
			break;
		default:
			break;
		}
	}
}

static void log_to(void *arg, int level, const char *msg)
{
	(void)arg;
	if (level <= SEDAK_LOG_WARNING)
		fprintf(stderr, "echo: %s\n", msg);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n > most) {
		fprintf(stderr, "echo: %s: not a number up to %lu\n", text, most);
		exit(2);
	}
	return n;
}

static unsigned int backend(const char *name)
{
	if (!strcmp(name, "seda"))
		return SEDAK_BACKEND_SEDA;
	if (!strcmp(name, "epoll"))
		return SEDAK_BACKEND_EPOLL;
	fprintf(stderr, "echo: %s: not seda or epoll\n", name);
	exit(2);
}

static void parse(int argc, char **argv, struct config *c)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "host", required_argument, NULL, 'a' },
		{ "backend", required_argument, NULL, 'b' },
		{ "workers", required_argument, NULL, 'w' },
		{ "udp", no_argument, NULL, 'u' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'p':
			c->port = (uint16_t)number(optarg, 65535);
			break;
		case 'a':
			c->host = optarg;
			break;
		case 'b':
			c->backend = backend(optarg);
			break;
		case 'w':
			c->workers = (unsigned int)number(optarg, 1024);
			break;
		case 'u':
			c->udp = 1;
			break;
		case 'q':
			c->quiet = 1;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		case 'v':
			printf("echo (libsedak %s)\n", sedak_version());
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

static uint16_t port_of(const struct sedak_listener *l)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);
	const unsigned char *p = (const unsigned char *)&a;

	/* the port is in the same place of both families, in network order */
	if (sedak_listener_addr(l, (struct sockaddr *)&a, &len))
		return 0;
	return (uint16_t)(p[2] << 8 | p[3]);
}

static int open_all(struct sedak_rt *rt, struct config *c)
{
	struct sedak_stage_opts so = { .size = sizeof(so), .name = "echo",
				       .handler = handler };
	struct sedak_listen_opts lo = { .size = sizeof(lo), .host = c->host,
					.port = c->port };
	struct sedak_udp_opts uo = { .size = sizeof(uo), .host = c->host };
	struct sedak_listener *l;
	struct sedak_udp *u;
	int ret = sedak_stage_create(rt, &so, &lo.stage);

	if (!ret)
		ret = sedak_listen(&lo, &l);
	if (ret)
		return ret;
	c->port = port_of(l);
	if (c->udp) {
		uo.port = c->port;
		uo.stage = lo.stage;
		ret = sedak_udp_open(&uo, &u);
	}
	return ret;
}

static int serve(struct sedak_rt *rt, struct config *c)
{
	sigset_t set;
	int sig, ret;

	/* before the workers are made, so that this thread alone gets them */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ret = open_all(rt, c);
	if (!ret)
		ret = sedak_rt_start(rt);
	if (ret)
		return ret;
	if (!c->quiet) {
		printf("echo: port %u, backend %s\n", c->port,
		       sedak_rt_backend(rt));
		fflush(stdout);
	}
	sigwait(&set, &sig);
	sedak_rt_drain(rt, GRACE_NS);
	return 0;
}

int main(int argc, char **argv)
{
	struct config c = { .port = 7777 };
	struct sedak_rt_opts ro = { .size = sizeof(ro), .log = log_to };
	struct sedak_rt *rt;
	int ret;

	parse(argc, argv, &c);
	ro.backend = c.backend;
	ro.workers = c.workers;
	/* the largest datagram; for TCP the default is enough */
	ro.buf_size = c.udp ? 65536 : 0;
	ret = sedak_rt_create(&ro, &rt);
	if (!ret) {
		ret = serve(rt, &c);
		sedak_rt_destroy(rt);
	}
	if (ret)
		fprintf(stderr, "echo: %s\n", strerror(-ret));
	return ret != 0;
}

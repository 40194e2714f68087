// SPDX-License-Identifier: GPL-2.0-or-later
/* Command line of sedahttpd: one table of options, one function per kind. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include <sedak.h>

#include "options.h"
#include "str.h"

/* A stage's queue has room for both, and libsedak makes none larger. */
#define MAX_CONNS_AND_QUEUE	(1u << 20)

enum {
	OPT_PORT = 256,
	OPT_LISTEN,
	OPT_ROOT,
	OPT_BACKEND,
	OPT_WORKERS,
	OPT_CACHE,
	OPT_MAX_CONNS,
	OPT_IDLE_TIMEOUT,
	OPT_HEADER_TIMEOUT,
	OPT_STOP_TIMEOUT,
	OPT_MAX_HEADER,
	OPT_MAX_BODY,
	OPT_FILE_THREADS,
	OPT_FILE_QUEUE,
	OPT_ACCESS_LOG,
	OPT_INDEX,
	OPT_NO_LISTING,
	OPT_NO_STATS,
	OPT_QUIET,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option table[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "max-conns", required_argument, NULL, OPT_MAX_CONNS },
	{ "idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT },
	{ "header-timeout", required_argument, NULL, OPT_HEADER_TIMEOUT },
	{ "stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT },
	{ "max-header", required_argument, NULL, OPT_MAX_HEADER },
	{ "max-body", required_argument, NULL, OPT_MAX_BODY },
	{ "file-threads", required_argument, NULL, OPT_FILE_THREADS },
	{ "file-queue", required_argument, NULL, OPT_FILE_QUEUE },
	{ "access-log", required_argument, NULL, OPT_ACCESS_LOG },
	{ "index", required_argument, NULL, OPT_INDEX },
	{ "no-listing", no_argument, NULL, OPT_NO_LISTING },
	{ "no-stats", no_argument, NULL, OPT_NO_STATS },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"Usage: sedahttpd [OPTION]... [DIR]\n"
"Serves the files below DIR (default: the current directory) over HTTP/1.1.\n"
"\n"
"      --port N            TCP port, 0 for any free one (8080)\n"
"      --listen ADDR       numeric IPv4 or IPv6 address (all)\n"
"      --root DIR          the directory to serve, same as DIR\n"
"      --backend NAME      seda, epoll, or auto: seda where /dev/seda exists\n"
"      --workers N         threads that run the stages (one per CPU)\n"
"      --cache MB          memory for files, 0 for none (64)\n"
"      --max-conns N       connections at a time; more wait (4096)\n"
"      --idle-timeout S    close a connection without progress after S s (60)\n"
"      --header-timeout S  time for a request's head, then 408 (15)\n"
"      --stop-timeout S    time to finish responses on SIGTERM (10)\n"
"      --max-header BYTES  longest head of a request, then 414 or 431 (16384)\n"
"      --max-body BYTES    longest body of a request, then 413 (1048576)\n"
"      --file-threads N    threads that read files (4)\n"
"      --file-queue N      requests that wait for them, then 503 (512)\n"
"      --access-log FILE   log requests to FILE, - for standard output\n"
"      --index NAME        the file that stands for its directory (index.html)\n"
"      --no-listing        403 instead of a list for other directories\n"
"      --no-stats          no page at /_seda/\n"
"      --quiet             print errors only\n"
"      --help, --version   print this, or the version, and exit\n"
"\n"
"Signals: TERM and INT stop gracefully, HUP reopens the log.  See sedahttpd(1).\n";

static int complain(const char *option, const char *text, const char *want)
{
	fprintf(stderr, "sedahttpd: --%s %s: give %s\n", option, text, want);
	return 2;
}

/* A whole number from @min to @max, times @unit. */
static int parse_number(const char *option, const char *text, uint64_t min,
			uint64_t max, uint64_t unit, uint64_t *value)
{
	char want[64];
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (str_is_digit(text[0]) && !*end && !errno && *value >= min &&
	    *value <= max) {
		*value *= unit;
		return -1;
	}
	snprintf(want, sizeof(want), "a whole number from %llu to %llu",
		 (unsigned long long)min, (unsigned long long)max);
	return complain(option, text, want);
}

static int parse_uint(const char *option, const char *text, unsigned int min,
		      unsigned int max, unsigned int *value)
{
	uint64_t wide;
	int status = parse_number(option, text, min, max, 1, &wide);

	if (status < 0)
		*value = wide;
	return status;
}

/* Seconds, with a fraction if wanted, as nanoseconds. */
static int parse_seconds(const char *option, const char *text, uint64_t *ns)
{
	char *end;
	double s = strtod(text, &end);

	if (!str_is_digit(text[0]) || *end || !(s >= 0.01 && s <= 86400))
		return complain(option, text, "seconds from 0.01 to 86400");
	*ns = s * 1e9;
	return -1;
}

static int parse_backend(const char *text, unsigned int *backend)
{
	if (!strcmp(text, "seda"))
		*backend = SEDAK_BACKEND_SEDA;
	else if (!strcmp(text, "epoll"))
		*backend = SEDAK_BACKEND_EPOLL;
	else if (!strcmp(text, "auto"))
		*backend = SEDAK_BACKEND_AUTO;
	else
		return complain("backend", text, "seda, epoll or auto");
	return -1;
}

static int parse_index(const char *text, const char **name)
{
	if (!*text || strchr(text, '/') || !strcmp(text, ".") ||
	    !strcmp(text, ".."))
		return complain("index", text, "a file name without a slash");
	*name = text;
	return -1;
}

/* Options that are sizes, and the others with a value of their own kind. */
static int parse_value(int id, const char *text, struct options *o)
{
	uint64_t wide = 0;
	int status;

	switch (id) {
	case OPT_CACHE:
		status = parse_number("cache", text, 0, 1 << 20, 1 << 20,
				      &wide);
		o->cache_bytes = wide;
		return status;
	case OPT_MAX_HEADER:
		status = parse_number("max-header", text, 256, 65536, 1,
				      &wide);
		o->max_header = wide;
		return status;
	case OPT_MAX_BODY:
		return parse_number("max-body", text, 0, UINT32_MAX, 1,
				    &o->max_body);
	case OPT_IDLE_TIMEOUT:
		return parse_seconds("idle-timeout", text,
				     &o->idle_timeout_ns);
	case OPT_HEADER_TIMEOUT:
		return parse_seconds("header-timeout", text,
				     &o->header_timeout_ns);
	case OPT_STOP_TIMEOUT:
		return parse_seconds("stop-timeout", text,
				     &o->stop_timeout_ns);
	case OPT_BACKEND:
		return parse_backend(text, &o->backend);
	case OPT_INDEX:
		return parse_index(text, &o->index);
	default:
		fputs("Try 'sedahttpd --help'.\n", stderr);
		return 2;
	}
}

static int parse_option(int id, const char *text, struct options *o)
{
	switch (id) {
	case OPT_PORT:
		return parse_uint("port", text, 0, 65535, &o->port);
	case OPT_WORKERS:
		return parse_uint("workers", text, 1, 256, &o->workers);
	case OPT_MAX_CONNS:
		return parse_uint("max-conns", text, 1, 1000000,
				  &o->max_conns);
	case OPT_FILE_THREADS:
		return parse_uint("file-threads", text, 1, 256,
				  &o->file_threads);
	case OPT_FILE_QUEUE:
		return parse_uint("file-queue", text, 0, 100000,
				  &o->file_queue);
	case OPT_LISTEN:
		o->listen = text;
		return -1;
	case OPT_ROOT:
		o->root = text;
		return -1;
	case OPT_ACCESS_LOG:
		o->access_log = text;
		return -1;
	case OPT_NO_LISTING:
		o->listing = false;
		return -1;
	case OPT_NO_STATS:
		o->stats = false;
		return -1;
	case OPT_QUIET:
		o->quiet = true;
		return -1;
	case OPT_HELP:
		fputs(help, stdout);
		return 0;
	case OPT_VERSION:
		printf("sedahttpd %s (libsedak %s)\n", SEDAHTTPD_VERSION,
		       sedak_version());
		return 0;
	default:
		return parse_value(id, text, o);
	}
}

/* What only together is wrong. */
static int check(const struct options *o)
{
	if (o->max_conns + o->file_queue <= MAX_CONNS_AND_QUEUE)
		return -1;
	fprintf(stderr,
		"sedahttpd: --max-conns %u --file-queue %u: give numbers whose sum is at most %u\n",
		o->max_conns, o->file_queue, MAX_CONNS_AND_QUEUE);
	return 2;
}

int options_parse(int argc, char **argv, struct options *o)
{
	int id, status;

	*o = (struct options){
		.port = 8080,
		.root = ".",
		.cache_bytes = 64 << 20,
		.max_conns = 4096,
		.idle_timeout_ns = 60000000000ULL,
		.header_timeout_ns = 15000000000ULL,
		.stop_timeout_ns = 10000000000ULL,
		.max_header = 16384,
		.max_body = 1 << 20,
		.file_threads = 4,
		.file_queue = 512,
		.index = "index.html",
		.listing = true,
		.stats = true,
	};
	while ((id = getopt_long(argc, argv, "", table, NULL)) != -1) {
		status = parse_option(id, optarg, o);
		if (status >= 0)
			return status;
	}
	if (optind < argc)
		o->root = argv[optind++];
	if (optind == argc)
		return check(o);
	fprintf(stderr, "sedahttpd: %s: only one directory can be served\n",
		argv[optind]);
	return 2;
}

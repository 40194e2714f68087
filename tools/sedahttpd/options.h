/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. */
#ifndef SEDAHTTPD_OPTIONS_H
#define SEDAHTTPD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEDAHTTPD_VERSION	"0.1.0"

struct options {
	const char *listen;		/* numeric address, NULL: any */
	unsigned int port;
	const char *root;
	unsigned int backend;		/* enum sedak_backend */
	unsigned int workers;		/* 0: one per CPU */
	size_t cache_bytes;
	unsigned int max_conns;
	uint64_t idle_timeout_ns;
	uint64_t header_timeout_ns;
	uint64_t stop_timeout_ns;
	size_t max_header;
	uint64_t max_body;
	unsigned int file_threads;
	unsigned int file_queue;
	const char *access_log;		/* path, "-", or NULL */
	const char *index;
	bool listing;
	bool stats;
	bool quiet;
};

/*
 * Reads the command line into @o.  Returns -1 to go on, or the exit status
 * after it has printed what was asked for (0) or what is wrong (2).
 */
int options_parse(int argc, char **argv, struct options *o);

#endif

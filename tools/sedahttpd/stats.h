/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server counts itself, beside the library's statistics.  Each thread
 * counts in a slot of its own cache line; readers add the slots up.
 */
#ifndef SEDAHTTPD_STATS_H
#define SEDAHTTPD_STATS_H

#include <stdint.h>

enum counter {
	COUNT_REQUESTS,
	COUNT_1XX,		/* interim responses, not among the requests */
	COUNT_2XX,
	COUNT_3XX,
	COUNT_4XX,
	COUNT_5XX,
	COUNT_BODY_BYTES,
	COUNT_TIMEOUTS,		/* 408s, and connections that stood still */
	COUNT_REFUSED,		/* 503s: the file queue was full */
	COUNT_FILES_READ,	/* times a file thread opened something */
	COUNT_N,
};

/* Bucket i counts durations of at least 2^i ns, and less than twice that. */
#define LATENCY_BUCKETS	40

struct stats_sum {
	uint64_t count[COUNT_N];
	uint64_t latency_ns;
	uint64_t latency[LATENCY_BUCKETS];
};

/* Any thread. */
void stats_add(enum counter counter, uint64_t n);
/* A request ended with @status after @ns and a body of @bytes. */
void stats_request(int status, uint64_t bytes, uint64_t ns);
void stats_read(struct stats_sum *sum);

/* CLOCK_MONOTONIC, now rather than when the batch began. */
uint64_t stats_clock(void);

#endif

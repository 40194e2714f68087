/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conditional requests (RFC 9110, 13).  Pure. */
#ifndef SEDAHTTPD_COND_H
#define SEDAHTTPD_COND_H

#include <sys/stat.h>
#include <time.h>

#include "request.h"

/* The opening and closing quote, three numbers in hex, a NUL. */
#define ETAG_SIZE	64

/* What tells one version of a representation from another. */
struct validators {
	char etag[ETAG_SIZE];	/* strong, with its quotes */
	time_t mtime;
};

/*
 * The entity tag is made of inode, size and modification time in nanoseconds:
 * any ordinary way to change a file changes at least one of them.
 */
void validators_of(const struct stat *st, struct validators *v);

/*
 * Evaluates the preconditions of @req in the order the RFC gives.  @now is for
 * dates with two-digit years.  Returns 200 (go on), 304 or 412.
 */
int cond_evaluate(const struct request *req, const struct validators *v,
		  time_t now);

/* Whether the Range field of @req may be obeyed as far as If-Range goes. */
bool cond_range_applies(const struct request *req, const struct validators *v,
			time_t now);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a response will consist of, decided from the request and the file's
 * status alone, before a byte of data is read.  Pure.
 */
#ifndef SEDAHTTPD_PLAN_H
#define SEDAHTTPD_PLAN_H

#include "cond.h"
#include "out.h"
#include "range.h"
#include "request.h"

/* Any status line with any set of our header fields fits. */
#define HEAD_SIZE	1024
/* Any head of a part of multipart/byteranges, or its end, fits. */
#define PART_HEAD_SIZE	256

/* What is known of a representation without reading it. */
struct meta {
	uint64_t size;
	bool endless;		/* the size is not known: a FIFO */
	const char *type;
	struct validators validators;
};

struct plan {
	int status;
	int parts;		/* ranges to send; 1 for a whole file */
	bool multipart;
	uint64_t boundary;
	uint64_t body;		/* Content-Length */
	struct range part[RANGE_MAX];
};

/*
 * Decides on status and ranges: preconditions first, then the range.  @seed
 * makes the boundary of a multipart response; @now is the time of the response.
 */
void plan_make(struct plan *plan, const struct request *req,
	       const struct meta *meta, uint64_t seed, time_t now);

/*
 * Writes what goes before part number @part, or after the last one if @part is
 * plan->parts.  Writes nothing unless plan->multipart.
 */
void plan_put_part_head(const struct plan *plan, const struct meta *meta,
			int part, struct out *out);

/* The fields of a response head that depend on the connection. */
struct head {
	unsigned int minor;	/* of the request's HTTP/1.x */
	bool keep_alive;
	bool chunked;		/* an endless body to an HTTP/1.1 client */
	time_t now;
};

/* Writes the head of the planned response to @out. */
void head_put_plan(struct out *out, const struct head *head,
		   const struct plan *plan, const struct meta *meta);

/*
 * Writes a head with a body of @length bytes of @type.  @extra is whole header
 * lines, or an empty string.  With a @type of NULL there is no body.
 */
void head_put(struct out *out, const struct head *head, int status,
	      const char *extra, const char *type, uint64_t length);

#endif

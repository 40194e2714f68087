/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Request heads: found in a byte stream by head_scan(), which is strict about
 * every byte, then parsed in place by request_parse().  Pure.
 */
#ifndef SEDAHTTPD_REQUEST_H
#define SEDAHTTPD_REQUEST_H

#include <stdint.h>

#include "str.h"

/* More header fields than this are a 431. */
#define REQUEST_FIELDS_MAX	100

enum method {
	METHOD_GET,
	METHOD_HEAD,
	METHOD_OPTIONS,
	METHOD_OTHER,		/* known to HTTP and not to us: 405 */
};

/* The fields that a static server looks at. */
enum field {
	FIELD_HOST,
	FIELD_EXPECT,
	FIELD_TRANSFER_ENCODING,
	FIELD_RANGE,
	FIELD_IF_RANGE,
	FIELD_IF_MATCH,
	FIELD_IF_NONE_MATCH,
	FIELD_IF_MODIFIED_SINCE,
	FIELD_IF_UNMODIFIED_SINCE,
	FIELD_REFERER,
	FIELD_USER_AGENT,
	FIELD_COUNT,
};

/* All views point into the head, which must outlive them. */
struct request {
	enum method method;
	unsigned int minor;	/* of HTTP/1.x */
	bool keep_alive;
	bool expect_continue;
	bool chunked;		/* a body whose end only a chunk parser finds */
	uint64_t body;		/* bytes of body that follow the head */
	struct str line;	/* the request line, for the log */
	struct str target;	/* in origin form, or "*" */
	struct str field[FIELD_COUNT];	/* p == NULL where absent */
};

/* How far a head was examined, so that a slow client costs no rescan. */
struct head_scan {
	size_t pos;
	size_t line;		/* where the line being read starts */
	size_t start;		/* of the request line, after leading CRLFs */
	bool in_fields;		/* the request line is complete */
	unsigned int fields;
};

/*
 * Looks for the end of a head in the @len bytes at @buf, of which those before
 * scan->pos were seen by an earlier call.  Start with a zeroed @scan.
 *
 * Returns the length of the head with its empty line, 0 if more is needed, or a
 * negated status: -400 for what no correct client sends (bare CR or LF, NUL and
 * other controls, folded lines, white space before the colon or at the start),
 * -414 for a request line and -431 for a head longer than @max or with
 * more than REQUEST_FIELDS_MAX fields.
 */
long head_scan(struct head_scan *scan, const char *buf, size_t len, size_t max);

/*
 * Parses the head of @len bytes that head_scan() accepted.  Returns 0, or a
 * negated status (400, 417, 501, 505), after which the connection cannot go on:
 * where the next request starts is not known for sure.
 */
int request_parse(struct request *req, const struct head_scan *scan,
		  const char *head, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Range field (RFC 9110, 14).  Pure. */
#ifndef SEDAHTTPD_RANGE_H
#define SEDAHTTPD_RANGE_H

#include <stdint.h>

#include "str.h"

/* More ranges than this in one request are ignored: the whole file is sent. */
#define RANGE_MAX	16

/* Both ends are inclusive, as on the wire. */
struct range {
	uint64_t first;
	uint64_t last;
};

static inline uint64_t range_len(const struct range *r)
{
	return r->last - r->first + 1;
}

/*
 * Resolves the field @value against a representation of @size bytes.  Returns
 *
 *    n   ranges to send, in the order asked for: 206;
 *    0   the field is to be ignored: not in bytes, malformed, more than
 *        RANGE_MAX ranges, or ranges that together exceed the whole (a request
 *        that makes a server work harder than it can need): 200;
 * -416   none of them lies within the representation.
 */
int range_parse(struct str value, uint64_t size, struct range out[RANGE_MAX]);

#endif

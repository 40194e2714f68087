/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets of sedahttpd's parsers share.  Each is a program of
 * libFuzzer's; what it requires of a parser holds for every input.
 */
#ifndef FUZZ_HTTP_FUZZ_H
#define FUZZ_HTTP_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/sedahttpd/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(claim) \
	do { \
		if (!(claim)) { \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #claim); \
			abort(); \
		} \
	} while (0)

/* In memory of just this size, so that one byte too many is a report. */
static inline struct str exact(const void *data, size_t n)
{
	char *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, data, n);
	return (struct str){ copy, n };
}

static inline void drop(struct str s)
{
	free((void *)(uintptr_t)s.p);
}

/* Takes the first @n bytes off the input as a number; missing ones are 0. */
static inline uint64_t take_number(struct str *in, unsigned int n)
{
	uint64_t value = 0;

	for (; n; n--) {
		value <<= 8;
		if (in->n) {
			value |= (unsigned char)*in->p++;
			in->n--;
		}
	}
	return value;
}

/* Takes the next line of the input off, without its newline. */
static inline struct str take_line(struct str *in)
{
	const char *end = in->n ? memchr(in->p, '\n', in->n) : NULL;
	struct str line = { in->p, end ? (size_t)(end - in->p) : in->n };

	in->p += line.n + !!end;
	in->n -= line.n + !!end;
	return line;
}

#endif

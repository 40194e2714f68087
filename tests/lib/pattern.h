/* SPDX-License-Identifier: GPL-2.0 */
/* Data by which it is seen where it comes from. */
#ifndef PATTERN_H
#define PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Byte i of a stream that shows every loss, doubling and swap. */
static inline unsigned char pattern(uint64_t i)
{
	return (i * 2654435761U) >> 13 ^ i >> 8 ^ i;
}

static inline void pattern_fill(unsigned char *p, uint64_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = pattern(from + i);
}

static inline bool pattern_is(const unsigned char *p, uint64_t from, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i] != pattern(from + i))
			return false;
	return true;
}

#endif /* PATTERN_H */

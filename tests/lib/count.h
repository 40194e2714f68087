/* SPDX-License-Identifier: GPL-2.0 */
/* How much a test does: what the environment asks for, else its own amount. */
#ifndef COUNT_H
#define COUNT_H

#include <stdlib.h>

static inline long count_of(const char *name, long normal)
{
	const char *s = getenv(name);

	return s && *s ? atol(s) : normal;
}

/* n, but no more than SEDA_MOST. */
static inline long count_most(long n)
{
	long most = count_of("SEDA_MOST", n);

	return n < most ? n : most;
}

/* SEDA_COUNT, or normal, but less on a kernel that checks everything. */
static inline long count_here(long normal)
{
	const char *s = getenv("SEDA_DEBUG");
	long n = s && *s ? normal / 10 : normal;

	return count_most(count_of("SEDA_COUNT", n ? n : 1));
}

#endif /* COUNT_H */

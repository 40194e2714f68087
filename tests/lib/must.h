/* SPDX-License-Identifier: GPL-2.0 */
/* For a child that a test made: it says what went wrong, and ends with 1. */
#ifndef MUST_H
#define MUST_H

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define MUST(x) do {							\
	if (!(x)) {							\
		printf("# %s:%d: %s (%d)\n", __func__, __LINE__, #x, errno);\
		fflush(stdout);						\
		_exit(1);						\
	}								\
} while (0)

#endif /* MUST_H */

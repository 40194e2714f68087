/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text written into memory of a fixed size.  What does not fit is dropped and
 * remembered in `overflow`, so that callers check once, at the end.
 */
#ifndef SEDAHTTPD_OUT_H
#define SEDAHTTPD_OUT_H

#include <stdint.h>

#include "str.h"

struct out {
	char *p;
	size_t len;
	size_t size;
	bool overflow;
};

#define OUT_OF(array)	((struct out){ (array), 0, sizeof(array), false })

/* For literals and other short strings whose length the compiler may know. */
#define out_lit(o, literal)	out_str(o, STR(literal))

static inline void out_str(struct out *o, struct str s)
{
	if (s.n > o->size - o->len) {
		o->overflow = true;
		return;
	}
	if (s.n)
		memcpy(o->p + o->len, s.p, s.n);
	o->len += s.n;
}

static inline void out_cstr(struct out *o, const char *s)
{
	out_str(o, (struct str){ s, strlen(s) });
}

void out_u64(struct out *o, uint64_t value);
__printf(2, 3) void out_printf(struct out *o, const char *format, ...);

#endif

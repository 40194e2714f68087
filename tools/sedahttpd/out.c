// SPDX-License-Identifier: GPL-2.0-or-later
/* Numbers and formats for struct out; see out.h. */
#include <stdarg.h>
#include <stdio.h>

#include "out.h"

void out_u64(struct out *o, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = '0' + value % 10;
		value /= 10;
	} while (value);
	out_str(o, (struct str){ digits + i, sizeof(digits) - i });
}

void out_printf(struct out *o, const char *format, ...)
{
	size_t room = o->size - o->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(o->p + o->len, room, format, args);
	va_end(args);
	/* vsnprintf() wants room for its NUL as well. */
	if (n < 0 || (size_t)n >= room)
		o->overflow = true;
	else
		o->len += n;
}
